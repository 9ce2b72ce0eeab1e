"""A signed envelope and how it ended, as every table of transactions has them."""

from config.postgres import Record
from metering.settlement.outbox import Outcome, SignedEnvelope


def envelope_of(row: Record) -> SignedEnvelope:
    """The envelope in a row that has one."""
    return SignedEnvelope(
        xdr=row["envelope_xdr"],
        hash=row["envelope_hash"],
        source=row["source"],
        sequence=row["sequence"],
        max_time=row["max_time"],
        fee=row["fee_max"],
        ledger=row["signed_ledger"],
    )


def ending(outcome: Outcome | None) -> tuple[int | None, int | None, str | None]:
    """The columns `applied_ledger`, `fee_charged` and `code`."""
    if outcome is None:
        return None, None, None
    return outcome.ledger, outcome.fee_charged, outcome.code
