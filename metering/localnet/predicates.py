"""When a claimable balance may be claimed: predicates (CAP-23)."""

from datetime import UTC, datetime
from typing import Any

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.entries import INT64_MAX

_DEPTH_MAX = 4
_KIND = stellar_xdr.ClaimPredicateType
# Horizon writes no date behind the last that Go can format, only seconds.
_LAST_DATE_SECONDS = 253_402_300_799

Predicate = stellar_xdr.ClaimPredicate


def well_formed(predicate: Predicate, depth: int = 1) -> bool:
    """True for a predicate that a balance may be made with."""
    if depth > _DEPTH_MAX:
        return False
    match predicate.type:
        case _KIND.CLAIM_PREDICATE_AND | _KIND.CLAIM_PREDICATE_OR:
            parts = _parts(predicate)
            return len(parts) == 2 and all(well_formed(part, depth + 1) for part in parts)
        case _KIND.CLAIM_PREDICATE_NOT:
            inner = predicate.not_predicate
            return inner is not None and well_formed(inner, depth + 1)
        case _KIND.CLAIM_PREDICATE_BEFORE_ABSOLUTE_TIME:
            assert predicate.abs_before is not None
            return predicate.abs_before.int64 >= 0
        case _KIND.CLAIM_PREDICATE_BEFORE_RELATIVE_TIME:
            assert predicate.rel_before is not None
            return predicate.rel_before.int64 >= 0
        case _:
            return True


def fixed(predicate: Predicate, close_time: int) -> Predicate:
    """The same with relative times turned into absolute ones, as a balance keeps it.

    Args:
        predicate: a well-formed one.
        close_time: of the ledger that makes the balance (seconds).
    """
    match predicate.type:
        case _KIND.CLAIM_PREDICATE_AND:
            parts = [fixed(part, close_time) for part in _parts(predicate)]
            return Predicate(predicate.type, and_predicates=parts)
        case _KIND.CLAIM_PREDICATE_OR:
            parts = [fixed(part, close_time) for part in _parts(predicate)]
            return Predicate(predicate.type, or_predicates=parts)
        case _KIND.CLAIM_PREDICATE_NOT:
            assert predicate.not_predicate is not None
            return Predicate(
                predicate.type, not_predicate=fixed(predicate.not_predicate, close_time)
            )
        case _KIND.CLAIM_PREDICATE_BEFORE_RELATIVE_TIME:
            assert predicate.rel_before is not None
            until = min(INT64_MAX, close_time + predicate.rel_before.int64)
            return Predicate(
                _KIND.CLAIM_PREDICATE_BEFORE_ABSOLUTE_TIME, abs_before=stellar_xdr.Int64(until)
            )
        case _:
            return predicate


def holds(predicate: Predicate, close_time: int) -> bool:
    """Whether a kept predicate allows a claim in a ledger that closes then (seconds)."""
    match predicate.type:
        case _KIND.CLAIM_PREDICATE_AND:
            return all(holds(part, close_time) for part in _parts(predicate))
        case _KIND.CLAIM_PREDICATE_OR:
            return any(holds(part, close_time) for part in _parts(predicate))
        case _KIND.CLAIM_PREDICATE_NOT:
            assert predicate.not_predicate is not None
            return not holds(predicate.not_predicate, close_time)
        case _KIND.CLAIM_PREDICATE_BEFORE_ABSOLUTE_TIME:
            assert predicate.abs_before is not None
            return predicate.abs_before.int64 > close_time
        case _:
            return True


def predicate_document(predicate: Predicate) -> dict[str, Any]:
    """A kept predicate as Horizon writes it."""
    match predicate.type:
        case _KIND.CLAIM_PREDICATE_AND:
            return {"and": [predicate_document(part) for part in _parts(predicate)]}
        case _KIND.CLAIM_PREDICATE_OR:
            return {"or": [predicate_document(part) for part in _parts(predicate)]}
        case _KIND.CLAIM_PREDICATE_NOT:
            assert predicate.not_predicate is not None
            return {"not": predicate_document(predicate.not_predicate)}
        case _KIND.CLAIM_PREDICATE_BEFORE_ABSOLUTE_TIME:
            assert predicate.abs_before is not None
            until = predicate.abs_before.int64
            date = datetime.fromtimestamp(min(until, _LAST_DATE_SECONDS), UTC)
            written = date.isoformat().replace("+00:00", "Z")
            return {"abs_before": written, "abs_before_epoch": str(until)}
        case _:
            return {"unconditional": True}


def _parts(predicate: Predicate) -> list[Predicate]:
    return predicate.and_predicates or predicate.or_predicates or []
