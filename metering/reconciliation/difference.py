"""What two of chain, journal and outbox do not agree about."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from metering.reconciliation.evidence import place_of
from metering.settlement.chain import SeenTransaction


class Kind(StrEnum):
    """What is wrong."""

    MISSING_ON_CHAIN = "missing_on_chain"  # our books say that it happened
    MISSING_IN_LEDGER = "missing_in_ledger"  # it happened, and our books do not know
    AMOUNT = "amount"  # both know of it, and of different amounts
    LATE = "late"  # it happened a while ago, and our books may still come to it
    SUSPENSE = "suspense"  # it came in for nobody known, and the operator has not decided

    @property
    def stops_payouts(self) -> bool:
        """Whether nothing is paid until it is over: money might be paid twice, or be gone."""
        return self not in (Kind.LATE, Kind.SUSPENSE)


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them.

    Args:
        key: the same each time that it is found.
        kind: what is wrong.
        about: the payment's event, the settlement, the journal's entry or the account.
        detail: in words.
        ledger: of the chain; when it happened, or when it was looked at.
        asset: of the amounts.
        on_chain: stroops there; None where it is not there.
        in_ledger: stroops in our books; None where they do not know of it.
        transaction: its hash, where it is about one.
        source: who paid on the chain.
        destination: who was paid there.
        seen: what the chain says of that transaction, where our books have forgotten it.
        settlement: of ours that it pays by its memo, and
        payment: which of its payments this is.
    """

    key: str
    kind: Kind
    about: str
    detail: str
    ledger: int
    asset: str = ""
    on_chain: int | None = None
    in_ledger: int | None = None
    transaction: str = ""
    source: str = ""
    destination: str = ""
    seen: SeenTransaction | None = None
    settlement: str = ""
    payment: str = ""

    @property
    def place(self) -> int:
        """Of the operation in its transaction, from 0 on, of one about a payment's event."""
        return place_of(self.about)

    def document(self) -> dict[str, object]:
        """For JSON; what says nothing is left out."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


def read_difference(document: Mapping[str, object]) -> Difference:
    """The inverse of `Difference.document`."""
    fields = dict(document) | {"kind": Kind(str(document["kind"]))}
    if isinstance(seen := document.get("seen"), dict):
        fields["seen"] = SeenTransaction(**seen)
    return Difference(**fields)  # type: ignore[arg-type]
