"""Who watches what with a pass until when; and its price, shared to the stroop."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.limits import PASS_HOURS_MAX, PRICE_SECONDS_MAX, PRICE_STROOPS_MAX
from metering.ledger.ledger import (
    Transfer,
    creator_account,
    hot_account,
    movements,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.offer import Offer, PassOffer
from metering.passes.admitted import Admitted
from metering.passes.passes import Content, Pass, Sale, free_seconds, passes_account
from metering.passes.store import MemoryPassStore
from metering.shares.splits import Split, platform_account
from metering.tariff import BadPrice, Price, Tariff
from tests.metering.test_splits import split_of, splits

BOUGHT = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = Pass("pas_1", "acc_v", "ast_1", None, 24, "XLM", Stroops(10_000_000), BOUGHT)
FILM = Content("ast_1", None, BOUGHT - timedelta(days=9))
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("after", "good"),
    [
        (timedelta(0), True),
        (timedelta(hours=24) - SECOND, True),
        (timedelta(hours=24), False),
        (-SECOND, False),
    ],
)
def test_a_pass_is_good_for_its_hours(after: timedelta, good: bool) -> None:
    assert DAY.is_good(FILM, BOUGHT + after) is good
    assert not DAY.is_good(replace(FILM, id="ast_2"), BOUGHT + after)


def test_a_pass_for_a_broadcast_is_good_for_those_that_follow_and_for_none_before() -> None:
    live = replace(DAY, source="src_1")
    now = BOUGHT + timedelta(hours=2)
    following = Content("ast_2", "src_1", BOUGHT + timedelta(hours=1))
    assert live.is_good(Content("ast_1", "src_1", FILM.began), now)
    assert live.is_good(following, now)
    assert not live.is_good(replace(following, began=BOUGHT - SECOND), now)
    assert not live.is_good(replace(following, source="src_2"), now)
    assert not live.is_good(replace(following, source=None), now)
    assert not DAY.is_good(replace(following, source=None), now)


@settings(max_examples=40)
@given(splits(), st.integers(1, PRICE_STROOPS_MAX))
def test_all_that_a_viewer_pays_reaches_those_whose_it_is(split: Split, price: int) -> None:
    sale = Sale(replace(DAY, price=Stroops(price)), split)
    moved = movements(sale.transfers)
    assert moved.pop(viewer_account("acc_v", "XLM").id) == -price
    assert moved.pop(passes_account("XLM").id) == 0
    assert moved.pop(platform_account("XLM").id, 0) == sale.fee == price * sale.split.fee // 10_000
    assert moved == {creator_account(each.account, "XLM").id: each.amount for each in sale.parts}
    assert sale.fee + sum(each.amount for each in sale.parts) == price
    opened = {each.id for each in sale.accounts}
    assert {name for each in sale.transfers for name in (each.debit, each.credit)} <= opened


def test_who_gets_no_stroop_of_a_pass_is_left_out() -> None:
    sale = Sale(replace(DAY, price=Stroops(1)), split_of(1, 9_999))
    assert [(each.account, each.amount) for each in sale.parts] == [("acc_1", 1)]
    assert [each.cause for each in sale.transfers] == ["pass", "pass_sold"]


@given(st.integers(1, PASS_HOURS_MAX), st.integers(0, 3600 * PASS_HOURS_MAX - 1))
def test_what_is_left_of_a_pass_is_free_and_hardly_more(hours: int, passed: int) -> None:
    passed %= 3600 * hours
    left = 3600 * hours - passed
    free = free_seconds(replace(DAY, hours=hours), BOUGHT + passed * SECOND)
    assert left <= free <= PRICE_SECONDS_MAX
    assert free - left < (60 if left <= 86_400 else 3600)


async def test_a_session_of_its_owner_is_free_for_what_is_left_of_it() -> None:
    ledger, own, hot = MemoryLedger(), viewer_account("acc_v", "XLM"), hot_account("XLM")
    await ledger.open_accounts([own, hot])
    await ledger.post([Transfer("gift", hot.id, own.id, DAY.price, "XLM", "play_money")])
    store = MemoryPassStore(ledger)
    await store.buy(Sale(DAY, split_of(10_000)), FILM)
    admitted = Admitted(store)
    offer = Offer(Tariff(Price("XLM", 5, 1), view_stroops=7, free_seconds=30), day_cap=9)
    now = BOUGHT + timedelta(hours=23, minutes=58, seconds=30)
    free = await admitted.offer("acc_v", FILM, offer, now)
    assert free == replace(offer, tariff=replace(offer.tariff, free_seconds=120))
    more = replace(offer, tariff=replace(offer.tariff, free_seconds=600))
    assert await admitted.offer("acc_v", FILM, more, now) == more
    assert await admitted.offer("acc_w", FILM, offer, now) is None
    assert await admitted.offer("acc_v", FILM, offer, BOUGHT + timedelta(hours=24)) is None


@pytest.mark.parametrize(
    ("hours", "stroops"), [(0, 1), (PASS_HOURS_MAX + 1, 1), (1, 0), (1, PRICE_STROOPS_MAX + 1)]
)
def test_impossible_passes_are_refused(hours: int, stroops: int) -> None:
    with pytest.raises(BadPrice):
        PassOffer(hours, Stroops(stroops))
