"""What we read of Horizon's documents (Stellar docs, "Horizon API reference")."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from metering.money import NATIVE, BadAmount, Stroops, parse_amount
from metering.settlement.chain import ChainAccount, ChainUnreachable, OnChain, Thresholds, Tip

_BASE_RESERVE = 5_000_000  # stroops (Stellar docs, "Accounts": minimum balance)

type _Ledger = Annotated[int, Field(ge=0, lt=2**32)]


class Root(BaseModel):
    """`GET /`."""

    network_passphrase: str
    history_latest_ledger: _Ledger
    history_latest_ledger_closed_at: datetime
    history_elder_ledger: _Ledger

    @property
    def tip(self) -> Tip:
        closed_at = int(self.history_latest_ledger_closed_at.timestamp())
        return Tip(self.history_latest_ledger, closed_at, self.history_elder_ledger)


class Ledger(BaseModel):
    """`GET /ledgers/{sequence}`."""

    hash: str


class Asset(BaseModel):
    """What is paid with."""

    asset_type: str = "native"
    asset_code: str = ""
    asset_issuer: str = ""

    @property
    def asset(self) -> str:
        return NATIVE if self.asset_type == "native" else f"{self.asset_code}:{self.asset_issuer}"


class Balance(Asset):
    """One holding of an account; shares of liquidity pools have no code."""

    balance: str
    limit: str = "0"
    buying_liabilities: str = "0"
    selling_liabilities: str = "0"
    last_modified_ledger: _Ledger | None = None
    is_authorized: bool = True

    @property
    def is_full(self) -> bool:
        taken = amount(self.balance) + amount(self.buying_liabilities)
        return self.asset_type != "native" and taken >= amount(self.limit)


class _Limits(BaseModel):
    low_threshold: int
    med_threshold: int
    high_threshold: int


class _Signer(BaseModel):
    key: str
    weight: int


class Account(BaseModel):
    """`GET /accounts/{id}`."""

    account_id: str
    sequence: int
    subentry_count: int
    num_sponsoring: int = 0
    num_sponsored: int = 0
    last_modified_ledger: _Ledger
    thresholds: _Limits
    signers: list[_Signer]
    home_domain: str = ""
    balances: list[Balance]

    def line(self, asset: str) -> Balance | None:
        """What it has of an asset."""
        return next((line for line in self.balances if line.asset == asset), None)

    def holds(self, asset: str) -> OnChain | None:
        """What it holds of an asset; None without a trust line."""
        line = self.line(asset)
        if line is None:
            return None
        balance, sold = amount(line.balance), amount(line.selling_liabilities)
        reserve = self._reserve if asset == NATIVE else 0
        spendable = Stroops(max(0, balance - sold - reserve))
        ledger = line.last_modified_ledger
        return OnChain(balance, spendable, self.last_modified_ledger if ledger is None else ledger)

    @property
    def changed_in(self) -> int:
        """The ledger that changed last what it holds."""
        lines = [line.last_modified_ledger or 0 for line in self.balances]
        return max(self.last_modified_ledger, *lines, 0)

    @property
    def signatures(self) -> ChainAccount:
        """Who may sign for it."""
        limits = self.thresholds
        return ChainAccount(
            address=self.account_id,
            sequence=self.sequence,
            thresholds=Thresholds(
                limits.low_threshold, limits.med_threshold, limits.high_threshold
            ),
            signers={signer.key: signer.weight for signer in self.signers},
            home_domain=self.home_domain,
        )

    @property
    def _reserve(self) -> int:
        entries = 2 + self.subentry_count + self.num_sponsoring - self.num_sponsored
        return entries * _BASE_RESERVE


class Transaction(BaseModel):
    """`GET /transactions/{hash}`."""

    hash: str
    ledger: _Ledger
    successful: bool
    result_xdr: str


class WholeTransaction(BaseModel):
    """The same document, with what was sent."""

    envelope_xdr: str
    result_xdr: str


class Envelope(BaseModel):
    """The transaction that a payment is joined with."""

    memo_type: str = "none"
    memo: str = ""
    result_xdr: str

    @property
    def memo_id(self) -> int | None:
        return int(self.memo) if self.memo_type == "id" and self.memo.isdecimal() else None


class BalanceChange(Asset):
    """What a contract's call moved of an asset; `from` or `to` is missing for the issuer's part."""

    source: str = Field(default="", alias="from")
    destination: str = Field(default="", alias="to")
    amount: str
    destination_muxed_id: str | int = ""
    destination_muxed_id_type: str = "uint64"

    @property
    def told_id(self) -> int | None:
        """A text or bytes may stand there as well, which name nobody."""
        told = str(self.destination_muxed_id)
        is_number = self.destination_muxed_id_type == "uint64" and told.isdecimal()
        return int(told) if is_number else None


class Payment(Asset):
    """One record of `GET /accounts/{id}/payments`; which fields there are depends on its type."""

    paging_token: str
    type: str
    transaction_hash: str
    transaction_successful: bool
    created_at: datetime
    transaction: Envelope
    # payment and path_payment_strict_...
    source: str = Field(default="", alias="from")
    destination: str = Field(default="", alias="to")
    amount: str = ""
    to_muxed_id: int | None = None
    # create_account
    funder: str = ""
    account: str = ""
    starting_balance: str = ""
    # account_merge, together with `account`
    into: str = ""
    into_muxed_id: int | None = None
    # invoke_host_function
    asset_balance_changes: list[BalanceChange] | None = None


class _Records(BaseModel):
    records: list[Payment]


class Payments(BaseModel):
    """`GET /accounts/{id}/payments`."""

    embedded: _Records = Field(alias="_embedded")


class _Percentiles(BaseModel):
    p80: int


class FeeStats(BaseModel):
    """`GET /fee_stats`."""

    fee_charged: _Percentiles


class Submitted(BaseModel):
    """`POST /transactions_async`; without `tx_status` it is a problem (RFC 9457)."""

    tx_status: str = ""
    error_result_xdr: str | None = None
    title: str = ""


class Problem(BaseModel):
    """RFC 9457, with types of Horizon's."""

    type: str = ""
    title: str = ""


def read[Document: BaseModel](kind: type[Document], text: str) -> Document:
    """Read a document.

    Raises:
        ChainUnreachable: it is another one, or none.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ChainUnreachable(f"not a {kind.__name__}: {where}: {first['msg']}") from error


def amount(text: str) -> Stroops:
    """Read an amount.

    Raises:
        ChainUnreachable: it is none.
    """
    try:
        return parse_amount(text)
    except BadAmount as error:
        raise ChainUnreachable(str(error)) from error
