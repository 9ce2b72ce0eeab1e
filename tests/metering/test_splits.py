"""Shares are exact, add up, and never shrink."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.ledger.ledger import creator_account, movements
from metering.shares.splits import (
    WHOLE,
    BadSplit,
    Share,
    Split,
    is_split,
    payee_account,
    platform_account,
    share_transfers,
    unsplit_account,
)


def split_of(*basis_points: int, fee: int = 0) -> Split:
    shares = tuple(Share(f"acc_{n}", each) for n, each in enumerate(basis_points))
    return Split(shares, fee)


@st.composite
def splits(draw: st.DrawFn, most: int = 20) -> Split:
    cuts = draw(st.sets(st.integers(1, WHOLE - 1), max_size=most - 1))
    edges = [0, *sorted(cuts), WHOLE]
    return split_of(*(b - a for a, b in pairwise(edges)), fee=draw(st.integers(0, 5_000)))


totals = st.one_of(st.integers(0, 30_000), st.integers(0, 10**16))


@settings(max_examples=40)
@given(splits(), totals, st.integers(0, 10**9))
def test_shares_are_exact_add_up_and_never_shrink(split: Split, total: int, more: int) -> None:
    fee, parts = split.parts(total)
    assert fee == total * split.fee // WHOLE
    assert fee + sum(parts) == total
    for share, part in zip(split.shares, parts, strict=True):
        assert abs(part - Fraction((total - fee) * share.basis_points, WHOLE)) < 1
    for after in (total + 1, total + more):
        fee_after, parts_after = split.parts(after)
        assert fee_after >= fee
        assert all(a >= b for a, b in zip(parts_after, parts, strict=True))


@pytest.mark.parametrize("weights", [(5_000, 3_333, 1_667), (9_900, *[10] * 10), (1, 2, 9_997)])
def test_every_stroop_of_a_whole_round_keeps_every_share_within_one(weights: list[int]) -> None:
    split = split_of(*weights)
    before = [0] * len(weights)
    for total in range(1, WHOLE + 1):
        _, parts = split.parts(total)
        assert sum(part - old for part, old in zip(parts, before, strict=True)) == 1
        assert all(part >= old for part, old in zip(parts, before, strict=True))
        assert all(
            abs(part * WHOLE - total * each) < WHOLE
            for part, each in zip(parts, weights, strict=True)
        )
        before = parts
    assert before == list(weights)


def largest_remainders(total: int, weights: tuple[int, ...]) -> list[int]:
    parts = [total * each // WHOLE for each in weights]
    rest = sorted(range(len(weights)), key=lambda n: -(total * weights[n] % WHOLE))
    for n in rest[: total - sum(parts)]:
        parts[n] += 1
    return parts


def test_largest_remainders_alone_would_take_a_stroop_back() -> None:
    weights = (4_550, 4_550, 900)
    assert [largest_remainders(total, weights)[2] for total in (5, 6)] == [1, 0]
    split = split_of(*weights)
    shares = [split.parts(total)[1][2] for total in range(60)]
    assert shares == sorted(shares)


@settings(max_examples=25)
@given(splits(most=4), st.lists(st.integers(0, 10**6), max_size=6))
def test_how_often_it_is_moved_makes_no_difference(split: Split, amounts: list[int]) -> None:
    piecewise: list[dict[str, int]] = []
    moved = 0
    for amount in amounts:
        piecewise.append(movements(share_transfers(split, "XLM", moved, moved + amount)))
        moved += amount
    at_once = movements(share_transfers(split, "XLM", 0, moved))
    names = {name for each in piecewise for name in each} | set(at_once)
    for name in names:
        assert sum(each.get(name, 0) for each in piecewise) == at_once.get(name, 0)


def test_what_is_moved_goes_from_the_split_to_the_platform_and_the_payees() -> None:
    split = split_of(7_000, 3_000, fee=250)
    assert movements(share_transfers(split, "XLM", 0, 1_000)) == {
        unsplit_account(split.id, "XLM").id: -1_000,
        platform_account("XLM").id: 25,
        creator_account("acc_0", "XLM").id: 683,
        creator_account("acc_1", "XLM").id: 292,
    }
    assert share_transfers(split, "XLM", 1_000, 1_000) == []


def test_a_split_takes_a_payees_place() -> None:
    split = split_of(10_000)
    assert is_split(split.id)
    assert not is_split("acc_0")
    assert payee_account(split.id, "XLM").id == f"unsplit:{split.id}:XLM"
    assert payee_account("acc_0", "XLM") == creator_account("acc_0", "XLM")
    assert Split.from_document(split.to_document()) == split
    assert split_of(5_000, 5_000).id != split_of(5_000, 5_000, fee=1).id


@pytest.mark.parametrize(
    ("shares", "fee"),
    [
        ([], 0),
        ([9_999], 0),
        ([5_000, 5_001], 0),
        ([10_001, -1], 0),
        ([10_000, 0], 0),
        ([476] * 20 + [480], 0),
        ([10_000], -1),
        ([10_000], 5_001),
    ],
)
def test_what_is_no_split_is_refused(shares: list[int], fee: int) -> None:
    with pytest.raises(BadSplit):
        split_of(*shares, fee=fee)


def test_an_account_has_one_share() -> None:
    with pytest.raises(BadSplit):
        Split((Share("acc_0", 5_000), Share("acc_0", 5_000)))
