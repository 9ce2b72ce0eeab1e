"""A player is asked for a voucher when some seconds are left, and for some seconds more."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config.limits import VOUCHER_AHEAD_SECONDS, VOUCHER_NEED_SECONDS
from metering.money import Stroops
from metering.session import SessionState, SessionSummary
from metering.tariff import Price, RungPrice, Tariff
from metering.terms import Terms
from metering.vouchers.need import wanted

PRICE = Price("XLM", 333, 2)  # 166.5 stroops a second


def summary(balance: int, tariff: Tariff | None = None) -> SessionSummary:
    return SessionSummary(
        session_id="ses_1",
        viewer="acc_v",
        asset_id="ast_1",
        state=SessionState.OPEN,
        terms=Terms(Tariff(PRICE) if tariff is None else tariff),
        seconds_billed=10,
        amount=Stroops(1_665),
        held=Stroops(5_000),
        balance=Stroops(balance),
        ticks=10,
        opened_at=datetime(2026, 11, 30, tzinfo=UTC),
        closed_at=None,
        delivered_seconds=12,
    )


@pytest.mark.parametrize(("balance", "more"), [(832, None), (831, 834), (0, 1_665)])
def test_with_less_than_five_seconds_in_hand_ten_are_asked_for(
    balance: int, more: int | None
) -> None:
    """What is held for media that was sent does not count: it is spent."""
    assert (VOUCHER_NEED_SECONDS, VOUCHER_AHEAD_SECONDS) == (5, 10)
    assert wanted(summary(balance)) == more


def test_better_pictures_are_paid_for_as_well() -> None:
    tariff = Tariff(PRICE, rungs=(RungPrice(720, Price("XLM", 100, 1)),))
    assert wanted(replace(summary(0, tariff), rung_seconds=(0,))) == 1_665 + 1_000


def test_nobody_is_asked_for_what_costs_nothing_or_is_over() -> None:
    assert wanted(summary(0, Tariff(Price("XLM", 0, 1)))) is None
    assert wanted(replace(summary(0), state=SessionState.CLOSED)) is None
