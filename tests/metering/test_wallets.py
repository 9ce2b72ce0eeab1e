"""Wallets and budgets are in memory as long as somebody needs them."""

from datetime import UTC, datetime

from metering.open_session import OpenSession
from metering.rules import MeterRules
from metering.session import Allowance, Session, unstarted
from metering.tariff import Price
from metering.terms import Terms
from metering.viewers import Viewers
from metering.wall_time import WallTime
from metering.wallets import Wallets

OPENED = datetime(2026, 11, 30, tzinfo=UTC)
WALL = WallTime(1_700_000_000_000)
AT = datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC)  # a second after that
V = "viewer:v:XLM"


def opened(name: str, wallets: Wallets, viewers: Viewers) -> OpenSession:
    session = Session(name, "v", "ast", "c", Terms.of(Price("XLM", 1, 1)), OPENED)
    wallet, viewer = wallets.of(V, 500), viewers.enter("v", Allowance("v", AT, 7))
    kept = OpenSession(session, unstarted(session), wallet, viewer, None, 0, 0)
    wallets.join(kept)
    return kept


def test_the_last_session_of_a_viewer_takes_wallet_and_budget_with_it() -> None:
    wallets, viewers = Wallets(), Viewers(MeterRules(), WALL)
    one, other = (opened(name, wallets, viewers) for name in "ab")
    wallets.take_out(V, 100)
    assert (wallets.available(V), wallets.held(V)) == (400, 0)
    for each in (one, other):
        assert V in wallets
        assert "v" in viewers
        wallets.leave(each)
        viewers.leave("v")
    assert V not in wallets
    assert "v" not in viewers


def test_a_budget_is_saved_with_whichever_session_comes_first_and_once() -> None:
    wallets, viewers = Wallets(), Viewers(MeterRules(), WALL)
    one, other = (opened(name, wallets, viewers) for name in "ab")
    budget = viewers.budget(one.viewer)
    assert budget is viewers.budget(other.viewer)
    assert (budget.used, budget.window_start_ms) == (7, 1_000)
    viewers.note(one)
    assert viewers.allowances([one, other]) == ()
    budget.take(3, 2_000)
    viewers.note(one)
    saving = viewers.allowances([other])
    assert saving == (Allowance("v", AT, 10),)
    budget.take(5, 2_000)
    viewers.are_saved(saving)
    assert viewers.allowances([one]) == (Allowance("v", AT, 15),)
    viewers.are_saved(viewers.allowances([one]))
    assert viewers.allowances([one, other]) == ()


def test_moments_are_the_walls_and_come_back_the_same() -> None:
    assert WALL.of(1_000) == AT
    assert WALL.monotonic(AT) == 1_000
