"""Open sessions whose content has got another price.

Who watches was told a price. A lower one holds for them from their next second on. A higher one
holds after a while, and only for those who agreed to it; the sessions of the others end then.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from metering.offer import capped, is_dearer
from metering.open_session import OpenSession
from metering.session import Session
from metering.tariff import Tariff


class NoSuchChange(Exception):
    """The price that was agreed to is not the one that is announced."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Content has got another price.

    Attributes:
        effective_at: when sessions that began before `announced_at` go on at it, if it is higher.
    """

    asset_id: str
    tariff: Tariff
    announced_at: datetime
    effective_at: datetime

    def concerns(self, session: Session) -> bool:
        """Whether the session began at another price. Owners watch for nothing, whatever it is."""
        if session.asset_id != self.asset_id or session.viewer == session.payee:
            return False
        is_older = session.opened_at <= self.announced_at
        return is_older and self.tariff_of(session) != session.tariff

    def tariff_of(self, session: Session) -> Tariff:
        """What the session would be charged by: its cap never rises, and what it may watch for
        nothing, by a pass or a subscription for instance, it goes on watching for nothing.
        """
        before = session.tariff
        free = max(self.tariff.free_seconds, before.free_seconds)
        return replace(capped(self.tariff, before.session_cap), free_seconds=free)

    def needs_consent(self, session: Session) -> bool:
        """Whether it may not simply go on; nobody can be charged in another asset than before."""
        is_other = self.tariff.asset != session.tariff.asset
        return is_other or is_dearer(self.tariff_of(session), session.tariff)


@dataclass(frozen=True, slots=True)
class Notice:
    """A higher price that a session's viewer has to agree to, and whether that happened."""

    change: PriceChange
    agreed: bool = False


class Repricing:
    """Which sessions are concerned; the book does to them what is decided here."""

    __slots__ = ("_changes", "_next", "_notices")

    def __init__(self) -> None:
        self._changes: dict[str, PriceChange] = {}  # the newest of each asset with open sessions
        self._notices: dict[str, Notice] = {}
        self._next: dict[str, Tariff] = {}

    def announce(self, change: PriceChange) -> None:
        """From now on `concern` follows this change of an asset's price."""
        self._changes[change.asset_id] = change

    def concern(self, session: Session, consents: Iterable[str] = ()) -> bool:
        """Note what the newest change of its asset's price is to a session.

        Args:
            session: an open one.
            consents: the tariffs that its viewer agreed to before.

        Returns:
            Whether the session is to go on at another price at once.
        """
        self._notices.pop(session.id, None)
        self._next.pop(session.id, None)
        change = self._changes.get(session.asset_id)
        if change is None or not change.concerns(session):
            return False
        if change.needs_consent(session):
            self._notices[session.id] = Notice(change, change.tariff.id in consents)
            return False
        self._next[session.id] = change.tariff_of(session)
        return True

    def notice(self, session_id: str) -> Notice | None:
        """What its viewer is to be asked."""
        return self._notices.get(session_id)

    def agree(self, session: Session, epoch: str) -> None:
        """The viewer goes on at a higher price.

        Raises:
            NoSuchChange: it is not that one, or not in the asset that the session is charged in.
        """
        notice = self._notices.get(session.id)
        if notice is None or notice.change.tariff.id != epoch:
            raise NoSuchChange("the price has changed again, or has not changed")
        if notice.change.tariff.asset != session.tariff.asset:
            raise NoSuchChange("the new price is in another asset: begin a new session")
        self._notices[session.id] = replace(notice, agreed=True)

    def due(self, now: datetime) -> list[tuple[str, Notice]]:
        """The sessions whose old price ends, which are told only once."""
        due = [
            (session_id, notice)
            for session_id, notice in self._notices.items()
            if notice.change.effective_at <= now
        ]
        for session_id, _ in due:
            del self._notices[session_id]
        return due

    def go_on(self, session: Session, change: PriceChange) -> None:
        """The session's next second costs what its viewer agreed to."""
        self._next[session.id] = change.tariff_of(session)

    def apply(self, kept: OpenSession) -> None:
        """Charge a session by its new tariff, if it has one. All that was decided under the old one
        has to be in a commit, since that has room for one.
        """
        tariff, meter = self._next.pop(kept.session.id, None), kept.meter
        if tariff is None or meter is None or kept.closed_at is not None:
            return
        drawn = meter.drawn
        meter.change_terms(tariff)
        kept.wallet.available -= meter.drawn - drawn
        kept.session = replace(kept.session, terms=meter.terms)

    @property
    def has_next(self) -> bool:
        """Whether a session waits for `apply`."""
        return bool(self._next)

    def is_next(self, session_id: str) -> bool:
        """Whether this session does."""
        return session_id in self._next

    def forget(self, session_id: str) -> None:
        """The session is over."""
        self._notices.pop(session_id, None)
        self._next.pop(session_id, None)

    def forget_asset(self, asset_id: str) -> None:
        """Nobody watches it any more."""
        self._changes.pop(asset_id, None)
