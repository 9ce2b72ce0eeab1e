"""When a session's player is asked for another voucher, and for how much."""

from config.limits import VOUCHER_AHEAD_SECONDS, VOUCHER_NEED_SECONDS
from metering.money import Stroops
from metering.session import SessionState, SessionSummary
from metering.tariff import Price


def wanted(summary: SessionSummary) -> Stroops | None:
    """What a voucher should add now, in stroops of the session's currency; None: there is enough.

    With less than `VOUCHER_NEED_SECONDS` of free money the player is asked for so much that
    `VOUCHER_AHEAD_SECONDS` are there, of the best pictures that cost extra.
    """
    if summary.state is not SessionState.OPEN:
        return None
    terms, free = summary.terms, summary.balance
    left = terms.seconds_affordable(summary.ticks, summary.rung_seconds, free)
    if left is None or left >= VOUCHER_NEED_SECONDS:
        return None
    prices = [summary.price, *(rung.price for rung in summary.tariff.rungs)]
    ahead = sum(_rounded_up(price, VOUCHER_AHEAD_SECONDS) for price in prices)
    return Stroops(max(1, ahead - free))


def _rounded_up(price: Price, seconds: int) -> int:
    return -(-price.stroops * seconds // price.seconds)
