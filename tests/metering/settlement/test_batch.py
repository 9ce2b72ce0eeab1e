"""Who is paid next, and with whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.money import Stroops
from metering.settlement.batch import Plan, Room, fee_rate, fill, judge
from metering.settlement.outbox import Kind
from metering.settlement.source import Due

ROOM = Room(4, 200, Stroops(10**12), Stroops(10**12), 10**9, 100)
USD = "USD:GISSUER"


def due(name: str, amount: int, kind: Kind = Kind.PAYOUT, **rest: object) -> Due:
    made = Due(name, name, f"creator:{name}:XLM", f"G{name}", Stroops(amount), kind)
    return replace(made, **rest)  # type: ignore[arg-type]  # named as its fields


def names(plan: Plan) -> list[list[str]]:
    return [[each.id for each in batch] for batch in plan.batches]


@pytest.mark.parametrize(
    ("p80", "rate"), [(0, 100), (100, 100), (101, 101), (5_000, 5_000), (1_000_000, 5_000)]
)
def test_the_fee_follows_the_market_within_bounds(p80: int, rate: int) -> None:
    assert fee_rate(p80) == rate


def test_a_hundred_are_paid_together_and_others_by_another_source() -> None:
    everyone = [due(f"c{n:03d}", 1_000 + n) for n in range(103)]
    plan = fill(everyone, ROOM, "XLM")
    assert [len(batch) for batch in plan.batches] == [100, 3]
    assert plan.batches[0][0].id == "c102", "the largest first"
    assert len(fill(everyone, replace(ROOM, transactions=1), "XLM").batches) == 1
    few = fill(everyone, replace(ROOM, payments=40), "XLM")
    assert [len(batch) for batch in few.batches] == [40], "a fifth of a ledger, with what is sent"
    assert (few.short, few.capped, few.out_of_fees) == ((), (), False), "the rest is next"


def test_who_takes_money_out_is_first_and_with_a_memo_alone() -> None:
    everyone = [
        due("ana", 900),
        due("ben", 800, memo="id:7"),
        due("w1", 5, Kind.WITHDRAWAL),
        due("w2", 6, Kind.WITHDRAWAL, memo="text:x"),
    ]
    assert names(fill(everyone, ROOM, "XLM")) == [["w2"], ["ben"], ["w1", "ana"]]
    two = fill(everyone, replace(ROOM, transactions=2), "XLM")
    assert names(two) == [["w2"], ["w1", "ana"]]


def test_a_hot_account_with_too_little_pays_whom_it_can_fees_included() -> None:
    everyone = [due("ana", 1_000), due("ben", 500), due("cy", 400)]
    plan = fill(everyone, replace(ROOM, spendable=Stroops(1_000)), "XLM")
    assert names(plan) == [["ben"]]
    assert [each.id for each in plan.short] == ["ana", "cy"]
    exact = replace(ROOM, spendable=Stroops(1_000 + 500 + 400))
    assert names(fill(everyone, exact, USD)) == [["ana", "ben", "cy"]], "fees are in lumens"
    assert names(fill(everyone, exact, "XLM")) == [["ana", "ben"]]


def test_above_the_caps_of_the_day_payments_wait_and_it_is_known_why() -> None:
    everyone = [due("ana", 1_000), due("ben", 500), due("cy", 400)]
    capped = fill(everyone, replace(ROOM, allowance=Stroops(999)), "XLM")
    assert names(capped) == [["ben", "cy"]]
    assert [each.id for each in capped.capped] == ["ana"]
    poor = fill(everyone, replace(ROOM, fees=200), "XLM")
    assert names(poor) == [["ana", "ben"]]
    assert poor.out_of_fees
    assert names(fill(everyone, replace(ROOM, allowance=Stroops(-5), fees=-5), "XLM")) == []


@pytest.mark.parametrize(
    ("asset", "one", "code", "outcome"),
    [
        # Lumens need no trust: whoever cannot have them has no account.
        ("XLM", due("ana", 10**8), "op_no_destination", "op_no_destination"),
        ("XLM", due("ana", 10**8), "op_line_full", "op_line_full"),
        (USD, due("ana", 10**8), "op_no_trust", "claimable"),
        (USD, due("ana", 10**8), "op_line_full", "claimable"),
        (USD, due("ana", 10**8), "op_not_authorized", "claimable"),
        (USD, due("ana", 10**8), "op_no_destination", "op_no_destination"),
        (USD, due("ana", 10**7 - 1), "op_no_trust", "op_no_trust"),
        (USD, due("w", 10**8, Kind.WITHDRAWAL), "op_no_trust", "refused"),
        ("XLM", due("w", 10**8, Kind.WITHDRAWAL), "own_address", "refused"),
        (USD, due("w", 10**8, Kind.WITHDRAWAL), "op_low_reserve", "op_low_reserve"),
        ("XLM", due("ana", 10**8, address=None), "", "no_address"),
    ],
)
def test_whom_an_account_keeps_from_being_paid(
    asset: str, one: Due, code: str, outcome: str
) -> None:
    other = due("ben", 1)
    blocked = {} if one.address is None else {one.address: code}
    judged = judge([one, other], asset, blocked, {})
    assert other in judged.payable
    if outcome == "claimable":
        assert replace(one, claimable=True) in judged.payable
    elif outcome == "refused":
        assert judged.refused == {one.id: code}
    else:
        assert judged.held == {one.id: outcome}
        assert judged.payable == (other,)


def test_what_came_back_lately_is_not_tried_again_but_left_to_be_claimed() -> None:
    ana, ben, out = due("ana", 10**8), due("ben", 10**8), due("w", 5, Kind.WITHDRAWAL)
    lately = {"ana": "op_no_trust", "ben": "op_no_destination", "w": "op_no_trust"}
    judged = judge([ana, ben, out], USD, {}, lately)
    assert judged.payable == (replace(ana, claimable=True),)
    assert judged.held == {"ben": "refused_lately"}
    assert judged.refused == {"w": "op_no_trust"}


@given(
    st.lists(st.integers(1, 10**6), max_size=250),
    st.integers(0, 10**8),
    st.integers(0, 10**8),
    st.integers(100, 5_000),
    st.integers(0, 10**6),
    st.integers(0, 4),
)
def test_what_is_chosen_can_be_paid(
    amounts: list[int], spendable: int, cap: int, rate: int, fees: int, transactions: int
) -> None:
    everyone = [due(f"c{n}", amount) for n, amount in enumerate(amounts)]
    room = Room(transactions, 200, Stroops(spendable), Stroops(cap), fees, rate)
    plan = fill(everyone, room, "XLM")
    paid = [each for batch in plan.batches for each in batch]
    assert sum(each.amount + rate for each in paid) <= spendable
    assert sum(each.amount for each in paid) <= cap
    assert len(paid) * rate <= fees
    assert len(paid) <= 200
    assert len(plan.batches) <= transactions
    assert all(0 < len(batch) <= 100 for batch in plan.batches)
    assert len({*paid, *plan.short, *plan.capped}) == len(paid) + len(plan.short) + len(plan.capped)
    assert {*paid, *plan.short, *plan.capped} <= set(everyone)
