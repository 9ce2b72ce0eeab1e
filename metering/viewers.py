"""What viewers with open sessions may leave unwatched, and how much of that is saved."""

from collections.abc import Iterable

from metering.open_session import OpenSession, Viewer
from metering.rules import MeterRules
from metering.session import Allowance
from metering.void_budget import VoidBudget
from metering.wall_time import WallTime


class Viewers:
    """By name. A viewer is in memory as long as there are open sessions of theirs."""

    def __init__(self, rules: MeterRules, wall: WallTime) -> None:
        self._rules = rules
        self._wall = wall
        self._viewers: dict[str, Viewer] = {}
        self._unsaved: set[str] = set()

    def __contains__(self, viewer: str) -> bool:
        return viewer in self._viewers

    def enter(self, name: str, allowance: Allowance | None) -> Viewer:
        """One session more; `allowance` is what the store has of a viewer who is not in memory."""
        viewer = self._viewers.get(name)
        if viewer is None:
            viewer = self._viewers[name] = Viewer()
            if allowance is not None:
                viewer.saved = (self._wall.monotonic(allowance.window_started_at), allowance.used)
        viewer.sessions += 1
        return viewer

    def leave(self, name: str) -> None:
        """One session less."""
        viewer = self._viewers[name]
        viewer.sessions -= 1
        if not viewer.sessions:
            del self._viewers[name]
            self._unsaved.discard(name)

    def budget(self, viewer: Viewer) -> VoidBudget:
        """The void budget that all sessions of a viewer share."""
        if viewer.budget is None:
            start, used = viewer.saved
            rules = self._rules
            viewer.budget = VoidBudget(rules.void_units_max, rules.void_window_ms, used, start)
        return viewer.budget

    def note(self, kept: OpenSession) -> None:
        """A session may have used the budget of its viewer."""
        if kept.viewer.changed:
            self._unsaved.add(kept.session.viewer)

    def allowances(self, sessions: Iterable[OpenSession]) -> tuple[Allowance, ...]:
        """What is to be saved of the budgets of these sessions."""
        if not self._unsaved:  # as nearly always
            return ()
        names = sorted(self._unsaved & {each.session.viewer for each in sessions})
        budgets = [(name, self.budget(self._viewers[name])) for name in names]
        return tuple([Allowance(n, self._wall.of(b.window_start_ms), b.used) for n, b in budgets])

    def are_saved(self, allowances: Iterable[Allowance]) -> None:
        """The store has them."""
        for each in allowances:
            viewer = self._viewers.get(each.viewer)
            if viewer is not None:
                viewer.saved = (self._wall.monotonic(each.window_started_at), each.used)
                if not viewer.changed:
                    self._unsaved.discard(each.viewer)

    def clear(self) -> None:
        """Forget all."""
        self._viewers.clear()
        self._unsaved.clear()
