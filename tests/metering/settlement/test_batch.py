"""Who is paid next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.money import Stroops
from metering.settlement.batch import Due, choose, due_creators, fee_rate


def due(creator: str, amount: int) -> Due:
    return Due(creator, f"G{creator}", Stroops(amount))


def test_creators_with_the_minimum_are_due() -> None:
    balances = {
        "creator:ana:XLM": Stroops(100),
        "creator:ben:XLM": Stroops(99),
        "creator:cy:USD": Stroops(500),
        "creator:with:colon:XLM": Stroops(500),
        "creators:dan:XLM": Stroops(500),
        "viewer:eve:XLM": Stroops(500),
    }
    assert due_creators(balances, "XLM", Stroops(100)) == {"ana": 100, "with:colon": 500}
    assert due_creators(balances, "USD", Stroops(1)) == {"cy": 500}


def test_nothing_is_not_due_even_without_a_minimum() -> None:
    assert due_creators({"creator:ana:XLM": Stroops(0)}, "XLM", Stroops(0)) == {}


@pytest.mark.parametrize(
    ("p80", "rate"), [(0, 100), (100, 100), (101, 101), (5_000, 5_000), (1_000_000, 5_000)]
)
def test_the_fee_follows_the_market_within_bounds(p80: int, rate: int) -> None:
    assert fee_rate(p80) == rate


def test_a_hundred_are_paid_together_and_the_rest_next_time() -> None:
    batch = choose([due(f"c{n:03d}", 1_000 + n) for n in range(103)], Stroops(10**9), 100)
    assert len(batch.paid) == 100
    assert batch.paid[0].creator == "c102", "the largest first"
    assert batch.waiting == ()


def test_a_hot_account_with_too_little_pays_whom_it_can_fees_included() -> None:
    everyone = [due("ana", 1_000), due("ben", 500), due("cy", 400)]
    batch = choose(everyone, Stroops(1_000), 100)
    assert [d.creator for d in batch.paid] == ["ben"]
    assert [d.creator for d in batch.waiting] == ["ana", "cy"]
    exact = choose(everyone, Stroops(1_000 + 500 + 400 + 300), 100)
    assert [d.creator for d in exact.paid] == ["ana", "ben", "cy"]


@given(
    st.lists(st.integers(1, 10**6), max_size=120),
    st.integers(0, 10**8),
    st.integers(100, 5_000),
)
def test_what_is_chosen_can_be_paid(amounts: list[int], spendable: int, rate: int) -> None:
    everyone = [due(f"c{n}", amount) for n, amount in enumerate(amounts)]
    batch = choose(everyone, Stroops(spendable), rate)
    assert sum(d.amount + rate for d in batch.paid) <= spendable
    assert len(batch.paid) <= 100
    assert len(set(batch.paid)) == len(batch.paid)
    assert set(batch.paid) | set(batch.waiting) <= set(everyone)
    if len(batch.paid) < 100:
        assert len(batch.paid) + len(batch.waiting) == len(everyone)
