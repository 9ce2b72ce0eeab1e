"""Receipts: whoever has one can check it, and whatever was changed in it is named."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.receipt_key import ReceiptKey, verify
from metering.money import Stroops
from metering.receipts.chain import chain, signed_bytes
from metering.receipts.check import Checked, Fault, check_receipt, series_faults
from metering.receipts.receipt import ClosedSession, TickRun, joined
from metering.receipts.text import INTEGER_MAX, Misread, canonical, read, write
from metering.rules import UNITS_PER_SECOND
from metering.tariff import Price, Tariff
from metering.terms import Terms
from tests.metering.receipts import (
    OPENED,
    file_of,
    random_file,
    random_session,
    receipt_of,
)

FLIPS = 300
HALF_UNIT_PER_HOUR = Tariff(Price("XLM", 5_000_000, 3600))


def check(file: bytes) -> Checked:
    return check_receipt(file, verify)


def plain_session() -> ClosedSession:
    """Eight seconds in four runs, at 1388.9 stroops a second."""
    cost = HALF_UNIT_PER_HOUR.cost
    runs = [
        TickRun(0, n, n + 2, Stroops(cost(n + 2) - cost(n)), (), (n // 2, n // 2))
        for n in range(0, 8, 2)
    ]
    return ClosedSession(
        id="ses_1",
        viewer="acc_viewer",
        content="ast_1",
        payee="acc_creator",
        opened_at=OPENED,
        closed_at=OPENED,
        terms=(Terms(HALF_UNIT_PER_HOUR),),
        intervals=((0, 8 * UNITS_PER_SECOND),),
        runs=tuple(runs),
    )


# --- how it is written ---------------------------------------------------------------------------

texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters='"\\'))
values = st.recursive(
    st.none() | texts | st.integers(-INTEGER_MAX, INTEGER_MAX),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.dictionaries(texts, values, min_size=1, max_size=4))
def test_what_was_written_is_what_is_read_and_other_programs_read_the_same(
    document: dict[str, Any],
) -> None:
    text = write(document)
    try:
        found = read(text.encode())
    except Misread as misread:
        assert "nested too deeply" in misread.reason  # noqa: PT017
        return
    assert found == document
    assert list(found) == list(document)
    assert json.loads(text) == document
    assert canonical(document) == json.dumps(document, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "the file: line 1: the end does not belong here"),
        (b'{\n  "a": 01\n}\n', "a: line 2: 01 is no integer of a receipt"),
        (b'{\n  "a": -0\n}\n', "a: line 2: -0 is no integer of a receipt"),
        (b'{\n  "a": 9007199254740992\n}\n', "a: line 2: 9007199254740992 is no integer of"),
        (b'{\n  "a": 1.0\n}\n', "a: line 2: byte 0x2e does not belong here"),
        (b'{\n  "a":  1\n}\n', "a: line 2: byte 0x20 does not belong here"),
        (b'{\n  "a": "\\u0041"\n}\n', "a: line 2: byte 0x5c does not belong here"),
        (b'{\n  "a": "\xc3\xa9"\n}\n', "a: line 2: byte 0xc3 does not belong here"),
        (b'{\n  "a": 1,\n  "a": 1\n}\n', "a: line 3: is there twice"),
        (b'{\n  "a": [\n    {"b":x}\n  ]\n}\n', "a[0].b: line 3: byte 0x78 does not belong here"),
        (b'{\n  "a": 1\n}\n\n', "the file: line 4: goes on after its end"),
        (b'{\n  "a": 1\n}', "a: line 3: the end does not belong here"),
        (b'{\n  "a": ' + b"[" * 99, "a: line 2: byte 0x5b does not belong here"),
        (b'{\n  "a": [\n    ' + b"[" * 99, "a[0][0][0][0][0][0]: line 3: is nested too deeply"),
    ],
)
def test_what_is_written_otherwise_is_refused_where_it_begins(text: bytes, told: str) -> None:
    with pytest.raises(Misread) as refusal:
        read(text)
    assert str(refusal.value).startswith(told)


# --- what was changed ----------------------------------------------------------------------------


def element_of(file: bytes, place: int) -> str | None:
    """The element that has that byte; None for what stands between elements, and for names."""
    name, number, start = "", -1, 0
    for line in file.decode().splitlines(keepends=True):
        is_item = line.startswith("    ")
        if line.startswith('  "'):
            name, number = line.split('"')[1], -1
        elif is_item:
            number += 1
        if place < start + len(line):
            value = 4 if is_item else len(f'  "{name}": ')
            inside = value <= place - start < len(line) - 1 and line.strip() not in "[]{}],"
            return (f"{name}[{number}]" if is_item else name) if inside else None
        start += len(line)
    return None


def test_one_flipped_bit_is_always_found_and_its_element_is_named_first() -> None:
    draw = random.Random(6)
    for _ in range(FLIPS):
        file = bytearray(random_file(draw))
        place = draw.randrange(len(file))
        element = element_of(bytes(file), place)
        file[place] ^= 1 << draw.randrange(8)
        faults = check(bytes(file)).faults
        assert faults
        if element is not None:
            assert faults[0].path.startswith(element), element


def test_an_untouched_receipt_has_no_faults() -> None:
    draw = random.Random(7)
    for _ in range(60):
        assert check(random_file(draw)).faults == ()


def test_the_first_amount_that_does_not_fit_is_named_with_what_the_tariff_says() -> None:
    file = file_of(receipt_of(plain_session()))
    assert file.count(b'"amount":"2778"') == 3
    changed = file.replace(b'"first":4,"last":6,"rungs":[],"amount":"2778"', b"%s", 1) % (
        b'"first":4,"last":6,"rungs":[],"amount":"2777"'
    )
    assert [str(fault) for fault in check(changed).faults] == [
        "ticks[2].amount: the chain breaks here: the tariff says 2778, the file says 2777",
        "totals.charged: the sum is 11110, the file says 11111",
        "totals.paid: the sum is 11110, the file says 11111",
    ]


def test_what_is_left_out_added_or_moved_breaks_the_chain() -> None:
    document = read(file_of(receipt_of(plain_session())))
    ticks = document["ticks"]
    assert isinstance(ticks, list)
    left_out = {**document, "ticks": ticks[:-1]}
    assert check(write(left_out).encode()).faults == (
        Fault("chain", "has 17 links for 16 elements"),
    )
    moved = {**document, "ticks": [ticks[1], ticks[0], *ticks[2:]]}
    told = check(write(moved).encode()).faults[0]
    assert told.path.startswith("ticks[0]")


def forged(edit: Callable[[dict[str, Any]], None]) -> bytes:
    """A receipt that was changed, linked anew and signed anew, with another key."""
    document: dict[str, Any] = read(file_of(receipt_of(plain_session())))
    edit(document)
    other = ReceiptKey(bytes(32))
    document["key"] = other.name
    document["chain"] = chain(document)
    document["signature"] = other.sign(signed_bytes(document["chain"][-1]))
    return write(document).encode()


def put(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        target: Any = document
        for name in path[:-1]:
            target = target[name]
        target[path[-1]] = value

    return edit


def fewer_at_a_rung(document: dict[str, Any]) -> None:
    document["ticks"][1]["rungs"], document["ticks"][2]["rungs"] = [2], [1]


def back_to_a_tariff(document: dict[str, Any]) -> None:
    document["tariffs"].append({**document["tariffs"][0], "since": 2})
    document["ticks"][1] |= {"tariff": 1, "amount": "2777"}


OTHER = Tariff(Price("XLM", 1, 1))
FORGERIES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (put("ticks", 1, "amount", value="9"), "ticks[1].amount: the tariff says 2778, the file"),
    (put("ticks", 1, "first", value=3), "ticks[1].first: second 2 is next"),
    (put("ticks", 3, "last", value=5), "ticks[3].last: is before first"),
    (put("ticks", 2, "tariff", value=1), "ticks[2].tariff: is not in the receipt"),
    (put("ticks", 2, "tariff", value=-1), "ticks[2].tariff: is not a whole number"),
    (put("ticks", 2, "rungs", value=[7]), "ticks[2].rungs: are more seconds than there were"),
    (fewer_at_a_rung, "ticks[2].rungs: are fewer seconds than before"),
    (back_to_a_tariff, "ticks[2].tariff: was replaced before"),
    (put("tariffs", 0, "since", value=1), "tariffs[0].since: second 0 is next"),
    (put("intervals", 0, "hi", value=8), "intervals: 8 units of media are too short for 8 seconds"),
    (
        put("totals", "waived", value=1),
        "intervals: 720000 units of media are too short for 8 secon",
    ),
    (put("intervals", value=[{"lo": 5, "hi": 5}]), "intervals[0].hi: is not after lo"),
    (
        put("intervals", value=[{"lo": 0, "hi": 9**9}, {"lo": 9, "hi": 9**9 + 1}]),
        "intervals[1].lo: media before 387420489 is in the receipt already",
    ),
    (put("tariffs", value=[]), "tariffs: is empty"),
    (put("tariffs", 0, "epoch", value=OTHER.id), "tariffs[0].epoch: this tariff is epc_"),
    (put("tariffs", 0, "tariff", "price", "stroops", value=10**12 + 1), "tariffs[0].tariff: is no"),
    (
        put("tariffs", 0, "tariff", "price", value={"seconds": 7200, "stroops": 10**7}),
        "tariffs[0].tariff: is not in lowest terms",
    ),
    (put("asset", value="USDC"), "tariffs[0].tariff.asset: the receipt is in USDC"),
    (put("closedAt", value="2020-01-01T00:00:00Z"), "closedAt: is not a time"),
    (put("totals", "seconds", value=9), "totals.seconds: the ticks say 8, the file says 9"),
    (put("totals", "paid", value="0"), "totals.paid: the sum is 11111, the file says 0"),
    (put("totals", "refunded", value="1"), "totals.refunded: the sum is 0, the file says 1"),
    (put("previous", value="x"), "previous: is not a hash"),
    (put("viewer", value=None), "viewer: is not a name"),
    (put("more", value=1), "more: does not belong here"),
    (lambda document: document.pop("totals"), "chain: stands where totals belongs"),
]


@pytest.mark.parametrize(("edit", "told"), FORGERIES, ids=[told for _, told in FORGERIES])
def test_a_lie_is_named_even_when_it_is_well_signed(
    edit: Callable[[dict[str, Any]], None], told: str
) -> None:
    assert str(check(forged(edit)).faults[0]).startswith(told)


def test_a_receipt_that_was_written_anew_is_sound_but_has_another_key() -> None:
    checked = check(forged(lambda _: None))
    assert checked.faults == ()
    assert checked.document is not None
    assert checked.document["key"] == ReceiptKey(bytes(32)).name


def test_a_tariff_that_changes_in_mid_session_counts_from_its_first_second() -> None:
    before = Terms(Tariff(Price("XLM", 7, 2), session_cap=30))
    after = Terms(Tariff(Price("XLM", 1, 3)), 3, (), 10)
    runs = (
        TickRun(0, 0, 3, Stroops(10), (), (1, 1)),
        TickRun(1, 3, 5, Stroops(0)),
        TickRun(1, 5, 7, Stroops(1), (), (3, 3)),
    )
    session = replace(plain_session(), terms=(before, after), runs=runs)
    assert check(file_of(receipt_of(session))).faults == ()


# --- long sessions and many receipts -------------------------------------------------------------


def test_a_day_of_television_has_a_receipt_of_bounded_length_with_the_same_sum() -> None:
    session = random_session(random.Random(8), runs=5_000)
    runs = joined(session.runs)
    assert len(runs) <= 2_000
    assert sum(run.amount for run in runs) == sum(run.amount for run in session.runs)
    assert check(file_of(receipt_of(session))).faults == ()


def test_a_receipt_that_is_missing_from_a_series_is_noticed() -> None:
    draw, files, previous = random.Random(9), {}, None
    for number in range(1, 6):
        receipt = receipt_of(random_session(draw, str(number)), previous)
        files[f"{number}.json"] = check(file_of(receipt))
        previous = receipt.hash
    assert series_faults(files) == {}
    del files["1.json"]
    assert series_faults(files) == {}
    del files["3.json"]
    told = series_faults(files)
    assert list(told) == ["4.json"]
    assert told["4.json"][0].path == "previous"


def test_two_receipts_that_follow_the_same_one_are_noticed() -> None:
    draw = random.Random(10)
    one = receipt_of(random_session(draw, "1"))
    files = {
        f"{number}.json": check(file_of(receipt_of(random_session(draw, number), one.hash)))
        for number in ("2", "3")
    }
    told = series_faults({"1.json": check(file_of(one)), **files})
    assert [(name, faults[0].path) for name, faults in told.items()] == [("3.json", "previous")]
