"""A dial for faults that a client of a network has to survive."""

import asyncio
from enum import StrEnum
from random import Random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from config.limits import LOCALNET_LAG_LEDGERS_MAX
from metering.localnet.closing import OPERATIONS_PER_LEDGER_MAX, Traffic
from metering.localnet.reading import View

_COUNT_MAX = 10_000
_FEE_MAX = 2**32 - 1
_PERMILLE = 1000

Count = Annotated[int, Field(ge=0, le=_COUNT_MAX)]
Name = Literal[
    "drop_before",
    "drop_after",
    "fail_before",
    "fail_after",
    "late",
    "lost",
    "drop_reads",
    "fail_reads",
    "slow",
]
Status = Literal[429, 500, 502, 503, 504]


class Faults(BaseModel):
    """What goes wrong, and how often; each count goes down by one when it happened.

    Submissions:
        drop_before: the connection is cut, the submission is lost.
        drop_after: the submission is accepted, then the connection is cut.
        fail_before: one of `statuses`, the submission is lost.
        fail_after: the submission is accepted, then 504.
        late: the submission is accepted and waits for `late_ledgers` ledgers more.
        lost: the same, and the connection is cut: lost for all one can see, and then included.
    Other requests:
        drop_reads: the connection is cut.
        fail_reads: one of `statuses`.
    All requests:
        slow: the answer takes `delay_ms` more.

    What lasts until it is set otherwise:
        shares: how many requests of a thousand each of these befalls, drawn by chance from `seed`.
        statuses: of failures, in turn.
        lag_ledgers: reads tell of the network as it was so many ledgers ago.
        classic_events: False is a node that runs without EMIT_CLASSIC_EVENTS.
        ledger_operations: how many operations a ledger takes.
        crowd_rate: stroops an operation that others bid, who fill every ledger; 0 for nobody.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    drop_before: Count = 0
    drop_after: Count = 0
    fail_before: Count = 0
    fail_after: Count = 0
    late: Count = 0
    lost: Count = 0
    late_ledgers: int = Field(default=2, ge=0, le=1000)
    drop_reads: Count = 0
    fail_reads: Count = 0
    slow: Count = 0
    delay_ms: int = Field(default=0, ge=0, le=120_000)
    seed: int = 0
    shares: dict[Name, Annotated[int, Field(ge=0, le=_PERMILLE)]] = {}
    statuses: list[Status] = Field(default=[503], min_length=1, max_length=20)
    lag_ledgers: int = Field(default=0, ge=0, le=LOCALNET_LAG_LEDGERS_MAX)
    classic_events: bool = True
    ledger_operations: int = Field(
        default=OPERATIONS_PER_LEDGER_MAX, ge=1, le=OPERATIONS_PER_LEDGER_MAX
    )
    crowd_rate: int = Field(default=0, ge=0, le=_FEE_MAX)


class Answer(StrEnum):
    """How a request is answered."""

    TRULY = "truly"
    NOT_AT_ALL = "connection cut"
    FAILED = "failed"
    TIMEOUT = "gateway timeout"


class FaultDial:
    """Spends the faults that were asked for, first come first served."""

    def __init__(self) -> None:
        self.set(Faults())

    @property
    def view(self) -> View:
        """How the node sees the network at present."""
        return View(self.faults.lag_ledgers, self.faults.classic_events)

    @property
    def traffic(self) -> Traffic:
        """What else there is on the network at present."""
        return Traffic(self.faults.ledger_operations, self.faults.crowd_rate)

    def set(self, faults: Faults) -> None:
        """Replace what was left of the faults before."""
        self.faults = faults
        self._chance = Random(faults.seed)
        self._failures = 0

    async def pause(self) -> None:
        """Hold a request up, if that is asked for."""
        if self._spend("slow"):
            await asyncio.sleep(self.faults.delay_ms / 1000)

    def before_submission(self) -> Answer:
        """Whether a submission is lost before it is looked at."""
        if self._spend("drop_before"):
            return Answer.NOT_AT_ALL
        return Answer.FAILED if self._spend("fail_before") else Answer.TRULY

    def is_lost(self) -> bool:
        """Whether a submission is accepted, late, and not answered."""
        return self._spend("lost")

    def late_ledgers(self) -> int:
        """How many ledgers longer than usual the next submission waits."""
        return self.faults.late_ledgers if self._spend("late") else 0

    def after_submission(self) -> Answer:
        """Whether the answer to a submission that was looked at is lost."""
        if self._spend("drop_after"):
            return Answer.NOT_AT_ALL
        return Answer.TIMEOUT if self._spend("fail_after") else Answer.TRULY

    def before_read(self) -> Answer:
        """Whether a request that changes nothing is answered."""
        if self._spend("drop_reads"):
            return Answer.NOT_AT_ALL
        return Answer.FAILED if self._spend("fail_reads") else Answer.TRULY

    def status(self) -> int:
        """The status of the next failure."""
        statuses = self.faults.statuses
        self._failures += 1
        return statuses[(self._failures - 1) % len(statuses)]

    def _spend(self, name: Name) -> bool:
        left: int = getattr(self.faults, name)
        if left > 0:
            self.faults = self.faults.model_copy(update={name: left - 1})
            return True
        share = self.faults.shares.get(name, 0)
        return share > 0 and self._chance.randrange(_PERMILLE) < share
