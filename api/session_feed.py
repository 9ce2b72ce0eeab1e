"""One session as a page follows it: what is saved of it, and for which reasons money moved."""

from collections.abc import Callable
from typing import Protocol

from api.movements import Reason, Refunds, reason_json
from api.wire import offer_json, timestamp
from metering.money import Stroops, format_amount
from metering.repricing import Notice
from metering.session import SessionState, SessionSummary
from metering.vouchers.need import wanted

Paying = Callable[[str], str | None]
"""Tells the payment channel that an account pays from now; None when it does not pay so."""


class Summaries(Protocol):
    """Who knows sessions; `metering.intake.Intake` does."""

    async def summary(self, session_id: str) -> SessionSummary: ...
    async def notice(self, session_id: str) -> Notice | None: ...


class SessionFeed:
    """Looks at a session, again and again.

    What was given back is looked up in the ledger only when the viewer has more than before: money
    that a session reserves and charges can only get less.
    """

    def __init__(
        self, session_id: str, summaries: Summaries, refunds: Refunds, paying: Paying
    ) -> None:
        self._paying = paying
        self._session_id = session_id
        self._summaries = summaries
        self._refunds = refunds
        self._before: SessionSummary | None = None
        self._reasons: list[Reason] = []

    async def look(self) -> dict[str, object]:
        """The session's document as it is now.

        Raises:
            UnknownSession: there is none.
            MeterUnavailable, or one of `config.postgres.UNAVAILABLE`.
        """
        summary = await self._summaries.summary(self._session_id)
        before, self._before = self._before, summary
        if before is None or _wealth(summary) > _wealth(before) or _ended(before, summary):
            self._reasons = await self._refunds.refunds_of(self._session_id)
        document = session_json(summary, self._reasons)
        notice = await self._summaries.notice(self._session_id)
        return {
            **document,
            "priceChange": None if notice is None else notice_json(notice),
            "needVoucher": self._need(summary),
        }

    def _need(self, summary: SessionSummary) -> dict[str, object] | None:
        """A viewer who pays by vouchers is asked for one: for at least so much more."""
        channel = self._paying(summary.viewer)
        amount = None if channel is None else wanted(summary)
        if amount is None:
            return None
        return {"channelId": channel, "amount": format_amount(amount)}


def is_over(document: object) -> bool:
    """Whether nothing of a session's document changes any more."""
    return isinstance(document, dict) and document["state"] == SessionState.CLOSED.value


def session_json(summary: SessionSummary, refunds: list[Reason]) -> dict[str, object]:
    """What a viewer is told of a session: durable figures, and a line for each reason."""
    ticks, closed_at = summary.ticks, summary.closed_at
    charge = Reason("charge", "watched", summary.amount, seconds=ticks)
    waived = Reason("waived", "lost", Stroops(0), seconds=summary.seconds_waived)
    said = ([charge] if ticks else []) + ([waived] if summary.seconds_waived else []) + refunds
    return {
        "sessionId": summary.session_id,
        "contentId": summary.asset_id,
        "state": summary.state.value,
        "secondsBilled": summary.seconds_billed,
        "amount": format_amount(summary.amount),
        "refunded": format_amount(sum(refund.amount for refund in refunds)),
        "held": format_amount(summary.held),
        "asset": summary.price.asset,
        "price": offer_json(summary.tariff),
        "balance": format_amount(summary.balance),
        "secondsAffordable": summary.seconds_affordable,
        "openedAt": timestamp(summary.opened_at),
        "closedAt": None if closed_at is None else timestamp(closed_at),
        "secondsWaived": summary.seconds_waived,
        "lines": [reason_json(each) for each in said],
    }


def notice_json(notice: Notice) -> dict[str, object]:
    """A higher price that a viewer has to agree to, or the session ends when it holds."""
    change = notice.change
    return {
        "price": offer_json(change.tariff),
        "epoch": change.tariff.id,
        "effectiveAt": timestamp(change.effective_at),
        "agreed": notice.agreed,
    }


def _wealth(summary: SessionSummary) -> Stroops:
    return Stroops(summary.balance + summary.held + summary.amount)


def _ended(before: SessionSummary, summary: SessionSummary) -> bool:
    return before.state is not summary.state
