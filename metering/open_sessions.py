"""All open sessions, and the wallets of their viewers: who is there, and what is saved of them."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from metering.meter import Meter
from metering.money import Stroops
from metering.open_session import OpenSession
from metering.rules import MeterRules
from metering.session import Allowance, SavedSession, Session, SessionSummary, summary_of
from metering.viewers import Viewers
from metering.wall_time import WallTime
from metering.wallets import Wallets

# The sequence of the segment that it is of, its media [lo, hi), and how many lines its pictures
# have (0: none).
File = tuple[int, int, int, int]


class OpenSessions:
    """By id and by asset. `Book` decides about them."""

    def __init__(self, rules: MeterRules, wall: WallTime) -> None:
        self._rules = rules
        self._wall = wall
        self.wallets = Wallets()
        self.viewers = Viewers(rules, wall)
        self._sessions: dict[str, OpenSession] = {}
        self._by_asset: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._sessions

    def __getitem__(self, session_id: str) -> OpenSession:
        return self._sessions[session_id]

    def session_ids(self) -> Iterable[str]:
        """All sessions."""
        return self._sessions.keys()

    def is_open(self, session_id: str) -> bool:
        """Whether the session takes requests."""
        return self.open(session_id) is not None

    def open(self, session_id: str) -> OpenSession | None:
        """The session, if it takes requests."""
        kept = self._sessions.get(session_id)
        return None if kept is None or kept.closed_at is not None else kept

    @property
    def assets(self) -> Collection[str]:
        """What is watched."""
        return self._by_asset.keys()

    def session(self, session_id: str) -> Session:
        """What the session is."""
        return self._sessions[session_id].session

    def watching(self, asset_id: str, since: int) -> int:
        """How many open sessions of an asset asked for something at `since` or later."""
        sessions = self._by_asset.get(asset_id, ())
        return sum(self._sessions[each].requested_at >= since for each in sessions)

    def summary(self, session_id: str) -> SessionSummary:
        """What is saved of a session."""
        kept = self._sessions[session_id]
        return summary_of(kept.saved, Stroops(kept.wallet.available))

    def at_risk(self) -> dict[str, int]:
        """What all sessions took from wallets since they were saved, by currency."""
        at_risk: dict[str, int] = {}
        for kept in self._sessions.values():
            asset = kept.session.price.asset
            at_risk[asset] = at_risk.get(asset, 0) + max(0, kept.unsaved)
        return at_risk

    def promised(self, session_id: str) -> int:
        """Units of media that a session was promised since the last commit was put together."""
        return sum(hi - lo for _, lo, hi in self._sessions[session_id].served)

    def covers(self, session_id: str, file: File) -> bool:
        """Whether the session was promised all of it before: then it costs nothing more."""
        return self._sessions[session_id].covers(*file[1:])

    def clear(self) -> None:
        """Forget everything: somebody else has the sessions."""
        self._sessions.clear()
        self._by_asset.clear()
        self.wallets.clear()
        self.viewers.clear()

    # --- coming and going ------------------------------------------------------------------------

    def _enter(
        self, saved: SavedSession, balance: int, allowance: Allowance | None, now: int
    ) -> OpenSession:
        session = self._sharing(saved.session)
        saved = saved._replace(session=session)
        wallet = self.wallets.of(session.viewer_account, balance)
        viewer = self.viewers.enter(session.viewer, allowance)
        kept = OpenSession(session, saved, wallet, viewer, None, requested_at=now, advanced_at=now)
        if saved.state is not None:
            self._begin(kept, now)
        self._sessions[session.id] = kept
        self._by_asset.setdefault(session.asset_id, set()).add(session.id)
        self.wallets.join(kept)
        return kept

    def _leave(self, session_id: str) -> OpenSession:
        """With its wallet and viewer, when it was their last one."""
        kept = self._sessions.pop(session_id)
        asset_id = kept.session.asset_id
        self._by_asset[asset_id].discard(session_id)
        if not self._by_asset[asset_id]:
            del self._by_asset[asset_id]
        self.wallets.leave(kept)
        self.viewers.leave(kept.session.viewer)
        return kept

    def _sharing(self, session: Session) -> Session:
        """The same, made of what another one of its asset is made of: thousands watch a live, and
        each would have texts and terms of its own.
        """
        for each in self._by_asset.get(session.asset_id, ()):
            other = self._sessions[each].session
            if (other.payee, other.terms) != (session.payee, session.terms):
                break
            return replace(session, asset_id=other.asset_id, payee=other.payee, terms=other.terms)
        return session

    def _begin(self, kept: OpenSession, now: int) -> Meter:
        """Meter a session from what is saved of it on, as if since `now`."""
        saved, rules = kept.saved, self._rules
        terms, budget = saved.session.terms, self.viewers.budget(kept.viewer)
        state = saved.meter_state()
        if state is None:
            meter = Meter(terms, rules, budget, now)
        else:
            meter = Meter.restore(terms, rules, budget, state, now)
        kept.meter = meter
        return meter
