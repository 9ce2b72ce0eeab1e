"""The right of one process to meter: a lease on its sessions, with a fence that only ever grows.

Several servers may use one database, and each session is metered by one process. Two things keep
it so, and neither trusts the other one:

* The store refuses every commit under a lease that somebody has taken over, in the transaction of
  the commit. No clock has a part in that.
* The store's clock says when a lease is over and may be taken over. Its holder stops serving
  earlier, by its own monotonic clock, so that two servers do not serve the same session.

A lease that ran out and was not taken over goes on when it is renewed: nobody else has metered. So
that a holder can come back after the store was away, nobody takes over expired leases who has not
been renewing its own for a while.
"""

from dataclasses import dataclass
from typing import Protocol

from config.clock import Clock, ManualClock
from config.limits import (
    METER_LEASE_MARGIN_MS,
    METER_LEASE_MS,
    METER_LEASE_PATIENCE_MS,
    METER_LEASE_RENEW_MS,
    METER_OUTAGE_SECONDS,
)
from metering.errors import LeaseLost

_GIVEN_BACK = -1


@dataclass(frozen=True, slots=True)
class Server:
    """Whose processes follow each other: one data directory's. `url` is where viewers reach it,
    empty when nobody said.
    """

    id: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lasts, how often it is renewed, how much earlier its holder stops, and how
    long that has to have gone well before it takes over what others let run out.
    """

    duration_ms: int = METER_OUTAGE_SECONDS * 1000 + METER_LEASE_MS
    renew_ms: int = METER_LEASE_RENEW_MS
    margin_ms: int = METER_LEASE_MARGIN_MS
    patience_ms: int = METER_LEASE_PATIENCE_MS


def lease_terms(outage_seconds: int) -> LeaseTerms:
    """Of a meter that goes on for so long while the store is away."""
    return LeaseTerms(duration_ms=outage_seconds * 1000 + METER_LEASE_MS)


class Leases(Protocol):
    """Where leases are kept. Each call may raise `MeterUnavailable`."""

    async def acquire(self, server: Server, duration_ms: int, *, succeed: bool) -> int:
        """Begin a new lease; its fence.

        Args:
            server: who meters.
            duration_ms: how long it lasts from now on.
            succeed: whether earlier processes of this server are known to be gone: then all that
                they hold is this lease's at once.
        """

    async def renew(self, fence: int, duration_ms: int) -> bool:
        """Let a lease last for `duration_ms` from now on.

        Returns:
            Whether there are leases of others that are over.

        Raises:
            LeaseLost: somebody took it over.
        """

    async def take_over(self, fence: int, *, expired: bool) -> bool:
        """Take the sessions of leases that were given back, or also of those that ran out.

        Returns:
            Whether there were any.

        Raises:
            LeaseLost: somebody took over the one that takes.
        """

    async def release(self, fence: int) -> None:
        """Give a lease back: whoever comes first may have its sessions."""

    async def holder(self, session_id: str) -> Server | None:
        """Who meters a session now; None when its holder's lease is over."""


class Tenure:
    """What a process knows of its own lease, by its own clock: monotonic milliseconds.

    Every lease is reckoned from the moment in which the store was asked for it, which is before the
    one in which it was given.
    """

    __slots__ = ("_asked_at", "_terms", "_unbroken_since", "fence")

    def __init__(self, terms: LeaseTerms, fence: int, asked_at: int) -> None:
        self._terms = terms
        self.fence = fence
        self._asked_at = asked_at
        self._unbroken_since = asked_at

    @property
    def until(self) -> int:
        """From then on nothing may be served under it."""
        return self._asked_at + self._terms.duration_ms - self._terms.margin_ms

    def is_due(self, now: int) -> bool:
        """Whether it is time to renew."""
        return now >= self._asked_at + self._terms.renew_ms

    def renewed(self, asked_at: int) -> None:
        """The store gave it anew."""
        # When the store was away for us, it may have been so for others.
        if asked_at - self._asked_at > 2 * self._terms.renew_ms:
            self._unbroken_since = asked_at
        self._asked_at = asked_at

    def may_take_over(self) -> bool:
        """Whether whoever did not renew meanwhile could have done so."""
        return self._asked_at - self._unbroken_since >= self._terms.patience_ms


@dataclass(slots=True)
class _Lease:
    server: Server
    until: int


class MemoryLeases:
    """Implements `Leases`. Lost with the process."""

    def __init__(self, clock: Clock | None = None) -> None:
        """Without a clock no lease ever runs out."""
        self._clock = clock or ManualClock()
        self._leases: dict[int, _Lease] = {}
        self._sessions: dict[str, int] = {}
        self._last = 0

    async def acquire(self, server: Server, duration_ms: int, *, succeed: bool) -> int:
        self._last += 1
        self._leases[self._last] = _Lease(server, self._clock.monotonic_ms() + duration_ms)
        if succeed:
            ours = [fence for fence, each in self._leases.items() if each.server.id == server.id]
            self._move([fence for fence in ours if fence != self._last], self._last)
        return self._last

    async def renew(self, fence: int, duration_ms: int) -> bool:
        self.require(fence)
        now = self._clock.monotonic_ms()
        self._leases[fence].until = now + duration_ms
        return any(each.until < now for each in self._leases.values())

    async def take_over(self, fence: int, *, expired: bool) -> bool:
        self.require(fence)
        before = self._clock.monotonic_ms() if expired else 0
        over = [f for f, each in self._leases.items() if each.until < before and f != fence]
        self._move(over, fence)
        return bool(over)

    async def release(self, fence: int) -> None:
        if fence in self._leases:
            self._leases[fence].until = _GIVEN_BACK

    async def holder(self, session_id: str) -> Server | None:
        lease = self._leases.get(self._sessions.get(session_id, 0))
        if lease is None or lease.until < self._clock.monotonic_ms():
            return None
        return lease.server

    def require(self, fence: int) -> None:
        """Raises: LeaseLost."""
        if fence not in self._leases:
            raise LeaseLost(fence)

    def assign(self, session_id: str, fence: int) -> None:
        """A new session is metered under this lease."""
        self._sessions.setdefault(session_id, fence)

    def held(self, fence: int) -> set[str]:
        """The sessions of a lease, open or closed."""
        return {session_id for session_id, each in self._sessions.items() if each == fence}

    def _move(self, over: list[int], fence: int) -> None:
        for each in over:
            del self._leases[each]
        for session_id, each in self._sessions.items():
            if each in over:
                self._sessions[session_id] = fence
