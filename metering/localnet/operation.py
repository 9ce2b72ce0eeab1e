"""Operations as values, read from Stellar's XDR."""

from dataclasses import dataclass

from stellar_sdk import StrKey
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.xdr_values import address_of, address_of_muxed, asset_text, muxed_id


@dataclass(frozen=True, slots=True)
class CreateAccount:
    source: str
    destination: str
    starting_balance: int


@dataclass(frozen=True, slots=True)
class Payment:
    """The ids are those of multiplexed addresses (CAP-27); None for plain ones."""

    source: str
    destination: str
    asset: str
    amount: int
    source_id: int | None = None
    destination_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeTrust:
    source: str
    asset: str
    limit: int


@dataclass(frozen=True, slots=True)
class SetOptions:
    """None leaves as it is; `unsupported` means flags, inflation or other kinds of signers."""

    source: str
    master_weight: int | None
    thresholds: tuple[int | None, int | None, int | None]
    home_domain: bytes | None
    signer: tuple[str, int] | None
    unsupported: bool

    @property
    def changes_signers(self) -> bool:
        """True when the high threshold is asked for (Stellar docs, "Signatures": thresholds)."""
        weights = (self.master_weight, *self.thresholds, self.signer)
        return any(value is not None for value in weights)


@dataclass(frozen=True, slots=True)
class ManageData:
    source: str
    name: bytes
    value: bytes | None


@dataclass(frozen=True, slots=True)
class BumpSequence:
    source: str
    bump_to: int


@dataclass(frozen=True, slots=True)
class InvokeHostFunction:
    """A call of a contract, or the making of one, and who agreed to it (CAP-46)."""

    source: str
    function: stellar_xdr.HostFunction
    auth: tuple[stellar_xdr.SorobanAuthorizationEntry, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A valid operation that this network does not have: it fails with op_not_supported."""

    source: str
    kind: str


Operation = (
    CreateAccount
    | Payment
    | ChangeTrust
    | SetOptions
    | ManageData
    | BumpSequence
    | InvokeHostFunction
    | Unsupported
)


def read_operation(
    operation: stellar_xdr.Operation, transaction_source: stellar_xdr.MuxedAccount
) -> Operation:
    """Take one operation out of a transaction.

    Raises:
        UnsupportedXdr: a liquidity pool share where an asset is meant.
    """
    account = operation.source_account or transaction_source
    source = address_of_muxed(account)
    body = operation.body
    read: Operation
    if body.create_account_op is not None:
        create = body.create_account_op
        read = CreateAccount(source, address_of(create.destination), create.starting_balance.int64)
    elif body.payment_op is not None:
        read = _payment(body.payment_op, account)
    elif body.change_trust_op is not None:
        trust = body.change_trust_op
        read = ChangeTrust(source, asset_text(trust.line), trust.limit.int64)
    else:
        read = _read_plain(body, source)
    return read


def _payment(pay: stellar_xdr.PaymentOp, source: stellar_xdr.MuxedAccount) -> Payment:
    return Payment(
        source=address_of_muxed(source),
        destination=address_of_muxed(pay.destination),
        asset=asset_text(pay.asset),
        amount=pay.amount.int64,
        source_id=muxed_id(source),
        destination_id=muxed_id(pay.destination),
    )


def _read_plain(body: stellar_xdr.OperationBody, source: str) -> Operation:
    """The operations that move no money."""
    if body.set_options_op is not None:
        return _set_options(body.set_options_op, source)
    if body.manage_data_op is not None:
        data = body.manage_data_op
        value = None if data.data_value is None else data.data_value.data_value
        return ManageData(source, data.data_name.string64, value)
    if body.bump_sequence_op is not None:
        return BumpSequence(source, body.bump_sequence_op.bump_to.sequence_number.int64)
    if body.invoke_host_function_op is not None:
        invoked = body.invoke_host_function_op
        return InvokeHostFunction(source, invoked.host_function, tuple(invoked.auth))
    return Unsupported(source, body.type.name)


def _set_options(options: stellar_xdr.SetOptionsOp, source: str) -> SetOptions:
    signer, strange = _signer(options.signer)
    touched = (options.inflation_dest, options.clear_flags, options.set_flags)
    return SetOptions(
        source=source,
        master_weight=_number(options.master_weight),
        thresholds=(
            _number(options.low_threshold),
            _number(options.med_threshold),
            _number(options.high_threshold),
        ),
        home_domain=None if options.home_domain is None else options.home_domain.string32,
        signer=signer,
        unsupported=strange or any(value is not None for value in touched),
    )


def _signer(signer: stellar_xdr.Signer | None) -> tuple[tuple[str, int] | None, bool]:
    if signer is None:
        return None, False
    if signer.key.ed25519 is None:
        return None, True
    key = StrKey.encode_ed25519_public_key(signer.key.ed25519.uint256)
    return (key, signer.weight.uint32), False


def _number(value: stellar_xdr.Uint32 | None) -> int | None:
    return None if value is None else value.uint32
