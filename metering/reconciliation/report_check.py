"""Checks a day's report without the server that made it, and names the first wrong element."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from config.limits import RECONCILE_LISTED_MAX
from metering.receipts.chain import Verify
from metering.receipts.check import Checked, Fault, chained_faults
from metering.receipts.members import (
    Check,
    exactly,
    is_count,
    is_hash,
    is_key,
    is_moment,
    is_name,
    is_signature,
    list_of,
    matches,
    object_of,
    or_null,
)
from metering.receipts.text import ROOT, Misread, read
from metering.reconciliation.difference import Kind
from metering.reconciliation.report import AGREE, DIFFER, FORMAT, OVER, RUNNING, verdict

# The beginning of a report of ours, of whatever version.
_BEGINS = b'{\n  "format": "tollcast-report-'
_UNSIGNED = Fault("signature", "there is none: the report was stored by an older version")


def _one_of(*words: str) -> Check:
    return matches(re.compile("|".join(words)), " or ".join(words))


_is_text = matches(re.compile(r".*"), "a text")
_is_amount = matches(re.compile(r"-?[0-9]{1,12}\.[0-9]{7}"), "an amount")
_DIGEST = object_of({"count": is_count, "sha256": is_hash})
_BALANCE = {"address": is_name, "account": is_name, "held": _is_amount}
_DIFFERENCE = {
    "key": _is_text,
    "kind": _one_of(*Kind),
    "about": _is_text,
    "detail": _is_text,
    "ledger": is_count,
    "asset": or_null(is_name),
    "onChain": or_null(_is_amount),
    "inLedger": or_null(_is_amount),
    "transaction": or_null(is_name),
    "source": or_null(is_name),
    "destination": or_null(is_name),
    "memo": or_null(is_hash),
    "fee": or_null(_is_amount),
    "settlement": or_null(is_name),
    "payment": or_null(is_name),
    "foundAt": is_moment,
}
_LOSS = {
    "channel": is_name,
    "asset": is_name,
    "lost": _is_amount,
    "writtenOffAt": or_null(is_moment),
    "reason": or_null(_is_text),
}
_MEMBERS = object_of(
    {
        "format": exactly(FORMAT),
        "network": _is_text,
        "date": matches(re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a day"),
        "state": _one_of(RUNNING, OVER),
        "madeAt": is_moment,
        "key": is_key,
        "ledgers": object_of({"after": is_count, "until": is_count}),
        "payments": _DIGEST,
        "settlements": _DIGEST,
        "journal": object_of({"seal": _is_text}),
        "balancesAt": or_null(is_count),
        "balances": list_of(object_of(_BALANCE)),
        "verdict": _one_of(AGREE, DIFFER),
        "counts": object_of({kind.value: is_count for kind in Kind}),
        "differences": list_of(object_of(_DIFFERENCE)),
        "channelLosses": list_of(object_of(_LOSS)),
        "chain": list_of(is_hash),
        "signature": is_signature,
    }
)


def is_report(data: bytes) -> bool:
    """Whether a file says that it is a report, signed or not; what it says may still be wrong."""
    return data.startswith(_BEGINS) or _is_unsigned(data)


def check_report(data: bytes, verify: Verify) -> Checked:
    """All that is wrong with a report's file; `verify` does the arithmetic of signatures."""
    if _is_unsigned(data):
        return Checked((_UNSIGNED,))
    try:
        document: Mapping[str, Any] = read(data)
        _MEMBERS(ROOT, document)
    except Misread as misread:
        return Checked((Fault(misread.path, misread.reason),))
    inside = list(_faults(document))
    return Checked(tuple(chained_faults(document, inside, verify, FORMAT)), document)


def _is_unsigned(data: bytes) -> bool:
    """Of a version before reports were signed."""
    try:
        document = json.loads(data)
    except ValueError:
        return False
    return isinstance(document, dict) and {"version", "outbox", "journal"} <= set(document)


def _faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """What cannot be of what it says."""
    ledgers, counts, listed = (document[each] for each in ("ledgers", "counts", "differences"))
    if ledgers["until"] < ledgers["after"]:
        yield Fault("ledgers.until", "is before after")
    if (said := document["verdict"]) != (expected := verdict(counts)):
        yield Fault("verdict", f"the counts say {expected}, the file says {said}")
    if sum(counts.values()) > len(listed) == RECONCILE_LISTED_MAX:
        return
    found = Counter(each["kind"] for each in listed)
    for kind in Kind:
        if counts[kind.value] != found[kind.value]:
            differs = f"{found[kind.value]} are listed, the file says {counts[kind.value]}"
            yield Fault(f"counts.{kind.value}", differs)
