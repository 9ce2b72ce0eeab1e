"""Reports: whoever has one can check it, and whatever was changed in it is named."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from api.receipt_key import verify
from config.limits import RECONCILE_LISTED_MAX
from metering.money import Stroops
from metering.receipts.chain import chain, signed_bytes
from metering.receipts.check import Fault
from metering.receipts.text import read, write
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.report import (
    FORMAT,
    Compared,
    Header,
    Listed,
    Signing,
    ledgers_of,
    report_text,
)
from metering.reconciliation.report_check import check_report, is_report
from metering.reconciliation.store import Digests
from metering.settlement.chain import Snapshot
from metering.vouchers.loss import Loss, WriteOff
from tests.metering.receipts import KEY
from tests.metering.test_receipt import element_of

FLIPS = 400
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
MISSING = Difference(
    key="event:aa:0",
    kind=Kind.MISSING_IN_LEDGER,
    about="aa:0",
    detail='our outbox has no "such" transaction, für wahr',
    ledger=90,
    asset="XLM",
    on_chain=7,
    transaction="aa",
    source="GHOT",
    destination="GANA",
)
SUSPENDED = Difference("suspense:bb:0", Kind.SUSPENSE, "bb:0", "for nobody", 91, "XLM", 9, 9)
LOSS = Loss("CLOST", "acc_v", "GPAYER", "XLM", Stroops(9), Stroops(2))
LOST = {"channel": "CLOST", "asset": "XLM", "lost": "0.0000007"}
# As the version before this one wrote them.
UNSIGNED = {
    "version": 1,
    "network": "Test",
    "date": "2026-11-01",
    "final": True,
    "madeAt": "2026-11-02T00:00:01+00:00",
    "ledgers": {"after": 1, "until": 9},
    "chain": {"movements": 3, "sha256": "ab"},
    "outbox": {"settlements": 2, "sha256": "cd"},
    "journal": {"seal": ""},
    "balances": {
        "ledger": 9,
        "accounts": [{"address": "G", "account": "chain:hot:XLM", "held": "1.0000000"}],
    },
    "agrees": True,
    "counts": {kind.value: 0 for kind in Kind},
    "differences": [],
}


def report(*differences: Difference, snapshot: bool = True) -> bytes:
    held = Snapshot(99, {("GHOT", "XLM"): Stroops(5)}, {})
    listed = Listed(
        held if snapshot else None,
        {("GHOT", "XLM"): "chain:hot:XLM", ("GHOT", "USDC:G"): "chain:hot:USDC:G"},
        [(each, AT) for each in differences],
        [LOSS, replace(LOSS, written_off=WriteOff('"lost" für immer', "operator", AT))],
    )
    compared = Compared(10, 99, Digests(3, "ab" * 32, 1, "cd" * 32, "7:" + "ef" * 32))
    header = Header("Test Network", date(2026, 11, 30), final=True, at=AT)
    return report_text(header, compared, listed, Signing(KEY.name, KEY.sign)).encode()


def faults(file: bytes) -> tuple[Fault, ...]:
    assert is_report(file)
    return check_report(file, verify).faults


def test_a_report_is_sound_and_says_which_key_signed_it() -> None:
    for file in (report(MISSING, SUSPENDED), report(SUSPENDED), report(snapshot=False)):
        assert faults(file) == ()
        document = json.loads(file)
        assert document["key"] == KEY.name
        assert ledgers_of(file.decode()) == (10, 99)
    assert json.loads(report(MISSING))["verdict"] == "differ"
    assert json.loads(report())["channelLosses"] == [
        {**LOST, "writtenOffAt": None, "reason": None},
        {**LOST, "writtenOffAt": "2026-11-30T12:00:00.000Z", "reason": "?lost? f?r immer"},
    ]
    assert json.loads(report(SUSPENDED))["verdict"] == "agree", "payouts do not wait for that"
    [told] = json.loads(report(MISSING))["differences"]
    assert told["detail"] == "our outbox has no ?such? transaction, f?r wahr"


def test_one_flipped_bit_is_always_found_and_its_element_is_named_first() -> None:
    draw, sound = random.Random(6), report(MISSING, SUSPENDED)
    for _ in range(FLIPS):
        file, place = bytearray(sound), draw.randrange(len(sound))
        file[place] ^= 1 << draw.randrange(8)
        found = check_report(bytes(file), verify).faults
        assert found
        element = element_of(sound, place)
        if element is not None:
            assert found[0].path.startswith(element), element


def forged(**members: object) -> bytes:
    """A report with other members, linked and signed anew with the right key."""
    document: dict[str, Any] = {**read(report(MISSING)), **members}
    document["chain"] = chain(document)
    document["signature"] = KEY.sign(signed_bytes(document["chain"][-1], FORMAT))
    return write(document).encode()


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"verdict": "agree"}, "verdict: the counts say differ, the file says agree"),
        ({"ledgers": {"after": 5, "until": 4}}, "ledgers.until: is before after"),
        (
            {"counts": {kind.value: int(kind.stops_payouts) for kind in Kind}},
            "counts.missing_on_chain: 0 are listed, the file says 1",
        ),
        ({"state": "perhaps"}, "state: is not running or over"),
        ({"more": 1}, "more: stands where chain belongs"),
    ],
)
def test_what_cannot_be_is_named_even_when_it_is_well_signed(
    members: Mapping[str, object], told: str
) -> None:
    document = dict(members)
    if "more" in document:
        text = forged().replace(b'  "chain": [', b'  "more": 1,\n  "chain": [')
        assert str(faults(text)[0]) == told
    else:
        assert str(faults(forged(**document))[0]) == told


def test_a_receipts_signature_is_none_of_a_report() -> None:
    document = read(report())
    links = document["chain"]
    assert isinstance(links, list)
    document["signature"] = KEY.sign(signed_bytes(links[-1]))
    assert [str(each) for each in faults(write(document).encode())] == [
        "signature: is not of this report and its key"
    ]


def test_of_very_many_differences_the_first_are_listed_and_all_are_counted() -> None:
    many = [Difference(f"entry:{n}", Kind.LATE, "", "", 1) for n in range(RECONCILE_LISTED_MAX + 5)]
    file = report(*many)
    assert faults(file) == ()
    document = json.loads(file)
    assert len(document["differences"]) == RECONCILE_LISTED_MAX
    assert document["counts"]["late"] == RECONCILE_LISTED_MAX + 5


def test_a_report_from_before_they_were_signed_is_told_apart() -> None:
    file = json.dumps(UNSIGNED, indent=2).encode()
    assert [each.path for each in faults(file)] == ["signature"]
    assert ledgers_of(file.decode()) == (1, 9)
    assert not is_report(b'{"version": 1}')
    assert not is_report(b"no JSON")
