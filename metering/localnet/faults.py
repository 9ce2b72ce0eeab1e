"""A dial for faults that a client of a network has to survive."""

import asyncio
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from config.limits import LOCALNET_LAG_LEDGERS_MAX
from metering.localnet.reading import View

_COUNT_MAX = 10_000


class Faults(BaseModel):
    """What goes wrong, and how often; each count goes down by one when it happened.

    Submissions:
        drop_before: the connection is cut, the submission is lost.
        drop_after: the submission is accepted, then the connection is cut.
        fail_before: 503, the submission is lost.
        fail_after: the submission is accepted, then 504.
        late: the submission is accepted and waits for `late_ledgers` ledgers more.
    Other requests:
        drop_reads: the connection is cut.
        fail_reads: 503.
    All requests:
        slow: the answer takes `delay_ms` more.

    What lasts until it is set otherwise:
        lag_ledgers: reads tell of the network as it was so many ledgers ago.
        classic_events: False is a node that runs without EMIT_CLASSIC_EVENTS.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    drop_before: int = Field(default=0, ge=0, le=_COUNT_MAX)
    drop_after: int = Field(default=0, ge=0, le=_COUNT_MAX)
    fail_before: int = Field(default=0, ge=0, le=_COUNT_MAX)
    fail_after: int = Field(default=0, ge=0, le=_COUNT_MAX)
    late: int = Field(default=0, ge=0, le=_COUNT_MAX)
    late_ledgers: int = Field(default=2, ge=0, le=1000)
    drop_reads: int = Field(default=0, ge=0, le=_COUNT_MAX)
    fail_reads: int = Field(default=0, ge=0, le=_COUNT_MAX)
    slow: int = Field(default=0, ge=0, le=_COUNT_MAX)
    delay_ms: int = Field(default=0, ge=0, le=120_000)
    lag_ledgers: int = Field(default=0, ge=0, le=LOCALNET_LAG_LEDGERS_MAX)
    classic_events: bool = True


class Answer(StrEnum):
    """How a request is answered."""

    TRULY = "truly"
    NOT_AT_ALL = "connection cut"
    UNAVAILABLE = "service unavailable"
    TIMEOUT = "gateway timeout"


class FaultDial:
    """Spends the faults that were asked for, first come first served."""

    def __init__(self) -> None:
        self.faults = Faults()

    @property
    def view(self) -> View:
        """How the node sees the network at present."""
        return View(self.faults.lag_ledgers, self.faults.classic_events)

    def set(self, faults: Faults) -> None:
        """Replace what was left of the faults before."""
        self.faults = faults

    async def pause(self) -> None:
        """Hold a request up, if that is asked for."""
        if self._spend("slow"):
            await asyncio.sleep(self.faults.delay_ms / 1000)

    def before_submission(self) -> Answer:
        """Whether a submission is lost before it is looked at."""
        if self._spend("drop_before"):
            return Answer.NOT_AT_ALL
        return Answer.UNAVAILABLE if self._spend("fail_before") else Answer.TRULY

    def after_submission(self) -> Answer:
        """Whether the answer to a submission that was looked at is lost."""
        if self._spend("drop_after"):
            return Answer.NOT_AT_ALL
        return Answer.TIMEOUT if self._spend("fail_after") else Answer.TRULY

    def before_read(self) -> Answer:
        """Whether a request that changes nothing is answered."""
        if self._spend("drop_reads"):
            return Answer.NOT_AT_ALL
        return Answer.UNAVAILABLE if self._spend("fail_reads") else Answer.TRULY

    def late_ledgers(self) -> int:
        """How many ledgers longer than usual the next submission waits."""
        return self.faults.late_ledgers if self._spend("late") else 0

    def _spend(self, name: str) -> bool:
        left: int = getattr(self.faults, name)
        if left > 0:
            self.faults = self.faults.model_copy(update={name: left - 1})
        return left > 0
