"""A process's hold on its lease: it begins one, renews it, takes over those of dead servers."""

import asyncio

import structlog

from config.limits import INTAKE_COMMIT_MS_MAX
from config.telemetry import counter
from metering.errors import LeaseLost, MeterUnavailable
from metering.leases.lease import Leases, LeaseTerms, Server, Tenure

log = structlog.get_logger(__name__)

_lost = counter("metering_leases_lost_total", "Leases that somebody else took over")
_taken = counter("metering_leases_taken_total", "Leases of others that were taken over")


class LeaseHolder:
    """Asks for what is due, when it is told to; all times are monotonic milliseconds."""

    def __init__(self, leases: Leases, server: Server, terms: LeaseTerms) -> None:
        self._leases = leases
        self._server = server
        self._terms = terms
        self._tenure: Tenure | None = None
        self._is_successor = True
        self._is_hurried = False

    @property
    def fence(self) -> int:
        """The lease's; 0 when there is none."""
        return 0 if self._tenure is None else self._tenure.fence

    @property
    def until(self) -> int:
        """From then on nothing may be served under it."""
        return 0 if self._tenure is None else self._tenure.until

    def is_due(self, now: int) -> bool:
        """Whether there is something to ask the store."""
        return self._tenure is None or self._is_hurried or self._tenure.is_due(now)

    def hurry(self) -> None:
        """There may be something to take over."""
        self._is_hurried = True

    async def keep(self, now: int) -> bool:
        """Begin a lease, or renew it and take over what others have left.

        The first one succeeds to what earlier processes of this server had, which are gone. A later
        one does not: whoever took the last one is there.

        Returns:
            Whether there may be sessions that were not ours before.

        Raises:
            LeaseLost: somebody took it over; the next call begins another one.
            MeterUnavailable: the store does not answer, or in time.
        """
        try:
            async with asyncio.timeout(INTAKE_COMMIT_MS_MAX / 1000):
                if self._tenure is None:
                    return await self._begin(now)
                return await self._renew(self._tenure, now)
        except TimeoutError:
            raise MeterUnavailable("the store takes too long") from None
        except LeaseLost:
            self.lose()
            raise

    def lose(self) -> None:
        """Somebody took the lease over."""
        if self._tenure is not None:
            _lost.inc()
            log.error("lease was lost to another process", fence=self._tenure.fence)
        self._tenure = None

    async def release(self) -> None:
        """Give the lease back, if there is one.

        Raises:
            MeterUnavailable: the store does not answer, or in time: it runs out instead.
        """
        if self._tenure is None:
            return
        fence, self._tenure = self._tenure.fence, None
        try:
            async with asyncio.timeout(INTAKE_COMMIT_MS_MAX / 1000):
                await self._leases.release(fence)
        except TimeoutError:
            raise MeterUnavailable("the store takes too long") from None

    async def _begin(self, now: int) -> bool:
        is_successor, terms = self._is_successor, self._terms
        fence = await self._leases.acquire(self._server, terms.duration_ms, succeed=is_successor)
        self._tenure = Tenure(terms, fence, now)
        self._is_successor = False
        await self._leases.take_over(fence, expired=False)
        return True

    async def _renew(self, tenure: Tenure, now: int) -> bool:
        self._is_hurried = False
        others_are_over = await self._leases.renew(tenure.fence, self._terms.duration_ms)
        tenure.renewed(now)
        if not others_are_over:
            return False
        taken = await self._leases.take_over(tenure.fence, expired=tenure.may_take_over())
        if taken:
            _taken.inc()
            log.warning("took over the sessions of a server that is gone", fence=tenure.fence)
        return taken
