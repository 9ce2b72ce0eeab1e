"""What a payment that touches one of our addresses means, and what is booked for it.

Nothing is guessed: whoever's number is not on a payment, or whose number nobody has, gets nothing
until the operator has looked. Such money waits in suspense with the reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from metering.ledger.ledger import (
    Account,
    Transfer,
    deposit_chain_account,
    hot_account,
    suspense_account,
    treasury_account,
    viewer_account,
)
from metering.money import NATIVE, Stroops
from metering.settlement.feed import ChainPayment

# Numbers are handed out below this, so that they are integers of the database (and of MEMO_ID).
NUMBER_LIMIT = 2**63


class Kind(StrEnum):
    """What a payment is to us."""

    DEPOSIT = "deposit"  # a viewer's
    SUSPENSE = "suspense"
    GIFT = "gift"  # play money
    MOVED = "moved"  # between two of our own addresses
    KNOWN = "known"  # ours, or a settled payment channel: booked by whoever made it


class Reason(StrEnum):
    """Why money waits in suspense."""

    NO_NUMBER = "no_number"
    TWO_NUMBERS = "two_numbers"  # a muxed id and a memo that do not agree
    UNKNOWN_NUMBER = "unknown_number"
    OTHER_ASSET = "other_asset"
    BELOW_MINIMUM = "below_minimum"
    OWN_ACCOUNT = "own_account"  # from an account of ours that should send nothing here


@dataclass(frozen=True, slots=True)
class Addresses:
    """Which addresses are ours.

    Args:
        hot: pays; takes deposits unless `deposit` is another.
        deposit: where deposits go.
        others: those that only make transactions.
        friendbot: who gives play money on a local network.
    """

    hot: str
    deposit: str
    others: frozenset[str] = frozenset()
    friendbot: str | None = None

    @property
    def watched(self) -> tuple[str, ...]:
        """Where money comes in that has to be booked."""
        return (self.hot,) if self.deposit == self.hot else (self.hot, self.deposit)

    @property
    def all(self) -> tuple[str, ...]:
        """Those that are ours: nobody is paid there."""
        return (*self.watched, *sorted(self.others))

    def chain_account(self, address: str, asset: str) -> Account:
        """The ledger's account of what lies at a watched address."""
        return hot_account(asset) if address == self.hot else deposit_chain_account(asset)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is taken as a deposit.

    Args:
        network: names it in ids; see `network_name`.
        addresses: ours.
        assets: what is taken, each with its issuer.
        minimum: less is not credited.
    """

    network: str
    addresses: Addresses
    assets: frozenset[str]
    minimum: Stroops


@dataclass(frozen=True, slots=True)
class Booking:
    """A payment, and what it leads to. `account` is the viewer's whom it was for."""

    payment: ChainPayment
    kind: Kind
    account: str | None = None
    reason: Reason | None = None
    accounts: tuple[Account, ...] = ()
    transfer: Transfer | None = None


def network_name(passphrase: str) -> str:
    """The first half of a network's id (the SHA-256 of its passphrase), in hexadecimal."""
    return sha256(passphrase.encode()).hexdigest()[:32]


def numbers_of(payments: Iterable[ChainPayment]) -> set[int]:
    """The numbers whose owners have to be known to book payments."""
    found = (number_of(payment) for payment in payments)
    return {number for number in found if number is not None}


def number_of(payment: ChainPayment) -> int | None:
    """Whose the payment is: its muxed id, or else its memo; None where it says nothing, or two
    things.
    """
    if payment.muxed_id is None:
        return payment.memo_id
    return None if payment.memo_id not in (None, payment.muxed_id) else payment.muxed_id


def book(payment: ChainPayment, rules: Rules, owners: Mapping[int, str]) -> Booking:
    """Decide what a payment is.

    Args:
        payment: one that touches a watched address.
        rules: what is taken.
        owners: accounts by their numbers, at least those of `numbers_of`.
    """
    ours = rules.addresses
    if payment.amount <= 0:  # an asset's contract moves nothing as well, if it is asked to
        return known(payment)
    if payment.source in ours.watched or _is_claim(payment):
        return _own(payment, rules)
    if payment.destination not in ours.watched:
        return Booking(payment, Kind.KNOWN)
    if _is_gift(payment, ours):
        return _incoming(payment, rules, Kind.GIFT, treasury_account(payment.asset))
    reason = _why_not(payment, rules, owners)
    if reason is not None:
        return suspended(payment, rules, reason)
    number = number_of(payment)
    assert number is not None, "it was looked at"
    credit = viewer_account(owners[number], payment.asset)
    return _incoming(payment, rules, Kind.DEPOSIT, credit, account=owners[number])


def suspended(payment: ChainPayment, rules: Rules, reason: Reason) -> Booking:
    """The payment waits for the operator."""
    credit = suspense_account(payment.asset)
    return _incoming(payment, rules, Kind.SUSPENSE, credit, reason=reason)


def known(payment: ChainPayment) -> Booking:
    """Nothing is booked here: somebody else of us does."""
    return Booking(payment, Kind.KNOWN)


def _why_not(payment: ChainPayment, rules: Rules, owners: Mapping[int, str]) -> Reason | None:
    """Why a payment is nobody's deposit."""
    number = number_of(payment)
    checks = (
        (payment.source in rules.addresses.others, Reason.OWN_ACCOUNT),
        (payment.asset not in rules.assets, Reason.OTHER_ASSET),
        (payment.muxed_id is None and payment.memo_id is None, Reason.NO_NUMBER),
        (number is None, Reason.TWO_NUMBERS),
        (number not in owners, Reason.UNKNOWN_NUMBER),
        (payment.amount < rules.minimum, Reason.BELOW_MINIMUM),
    )
    return next((reason for holds, reason in checks if holds), None)


def _is_claim(payment: ChainPayment) -> bool:
    """A claimable balance (B...) that we took back ourselves: nobody else can claim it for us."""
    return payment.source.startswith("B")


def _is_gift(payment: ChainPayment, ours: Addresses) -> bool:
    plain = payment.muxed_id is None and payment.memo_id is None
    return plain and payment.source == ours.friendbot and payment.asset == NATIVE


def _own(payment: ChainPayment, rules: Rules) -> Booking:
    """What the hot account sends is booked by the outbox; what the operator moves there from the
    address of deposits is told by the payment alone.
    """
    ours = rules.addresses
    source, destination = payment.source, payment.destination
    if source == destination or destination not in ours.watched or _is_claim(payment):
        return known(payment)
    if source == ours.hot:  # a payee who gave our own address
        return suspended(payment, rules, Reason.OWN_ACCOUNT)
    return _incoming(payment, rules, Kind.MOVED, ours.chain_account(source, payment.asset))


def _incoming(
    payment: ChainPayment,
    rules: Rules,
    kind: Kind,
    credit: Account,
    *,
    account: str | None = None,
    reason: Reason | None = None,
) -> Booking:
    chain = rules.addresses.chain_account(payment.destination, payment.asset)
    transfer = Transfer(
        id=f"deposit:{rules.network}:{payment.id}",
        debit=chain.id,
        credit=credit.id,
        amount=payment.amount,
        asset=payment.asset,
        cause=_CAUSES[kind],
    )
    return Booking(payment, kind, account, reason, (chain, credit), transfer)


_CAUSES = {
    Kind.DEPOSIT: "deposit",
    Kind.SUSPENSE: "suspense",
    Kind.GIFT: "play_money",
    Kind.MOVED: "moved",
}
