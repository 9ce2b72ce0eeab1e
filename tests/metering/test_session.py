"""Sessions as values: what is saved of one, and the transfers that a change makes."""

import json
from datetime import UTC, datetime

from metering.effects import Effects, Totals
from metering.meter_state import MeterState
from metering.money import Stroops
from metering.session import (
    SavedSession,
    Session,
    SessionChange,
    SessionState,
    read_state,
    summary_of,
    transfers_for,
)
from metering.tariff import Price
from metering.terms import Terms

OPENED = datetime(2026, 11, 21, tzinfo=UTC)
SESSION = Session("ses_1", "acc_v", "ast_1", "acc_c", Terms.of(Price("XLM", 100, 1)), OPENED)
STATE = MeterState(1500, 180_000, 360_000, 0, 0, 0, None, [(0, 360_000)], [(180_000, 360_000, 0)])


def saved(totals: Totals, state: MeterState | None = STATE) -> SavedSession:
    return SavedSession(SESSION, 4, *totals, None if state is None else json.dumps(state), None)


def moved(amount: int, drawn: int) -> list[tuple[str, str, str, int]]:
    change = SessionChange(SESSION.id, saved(Totals()), 0, drawn, amount, ())
    return [(t.cause, t.debit, t.credit, t.amount) for t in transfers_for(change)]


def test_a_session_knows_the_accounts_it_moves_money_between() -> None:
    viewer, hold, creator = (account.id for account in SESSION.accounts())
    assert (viewer, hold, creator) == ("viewer:acc_v:XLM", "hold:ses_1", "creator:acc_c:XLM")
    assert (SESSION.viewer_account, SESSION.hold_account) == (viewer, hold)
    assert SESSION.creator_account == creator


def test_a_change_is_entered_from_its_first_second_to_the_last_that_is_charged_then() -> None:
    after = saved(Totals(33, 540_000, Stroops(20), (3,)))
    change = SessionChange(SESSION.id, after, first_tick=2, drawn=13, amount=14, served=())
    assert change.done == Effects(first_tick=2, last_tick=6, amount=Stroops(14), drawn=13)
    assert after.totals == Totals(33, 540_000, Stroops(20), (3,))


def test_delivering_holds_and_watching_posts() -> None:
    assert moved(amount=100, drawn=200) == [
        ("hold", "viewer:acc_v:XLM", "hold:ses_1", 200),
        ("post", "hold:ses_1", "creator:acc_c:XLM", 100),
    ]


def test_leaving_gives_back() -> None:
    assert moved(amount=0, drawn=-300) == [("void", "hold:ses_1", "viewer:acc_v:XLM", 300)]


def test_what_costs_nothing_moves_nothing() -> None:
    assert moved(amount=0, drawn=0) == []


def test_a_transfer_is_named_after_the_commit_that_made_it() -> None:
    change = SessionChange(SESSION.id, saved(Totals()), 0, 1, 1, ())
    assert [t.id for t in transfers_for(change)] == ["ses_1:4:hold", "ses_1:4:post"]


def test_a_state_is_read_from_json() -> None:
    assert read_state(json.dumps(STATE)) == STATE


def test_a_summary_tells_what_is_saved() -> None:
    summary = summary_of(saved(Totals(400, 180_000, Stroops(200))), Stroops(1_000))
    assert (summary.seconds_billed, summary.amount, summary.held) == (2, 200, 200)
    assert (summary.delivered_seconds, summary.state) == (4, SessionState.OPEN)
    assert summary.seconds_affordable == 12


def test_a_session_before_its_first_commit_has_nothing() -> None:
    before = saved(Totals(), state=None)
    assert (before.delivered, before.amount, before.meter_state()) == (0, 0, None)
