"""A meter as it is saved."""

from typing import NamedTuple

from metering.rungs import LaneState


class MeterState(NamedTuple):
    """A meter as JSON can carry it: an array, because it is written with every segment.

    `covered` holds [lo, hi], `pending` [lo, hi, 1 when in flight], `rungs` the lanes of `Rungs`.
    """

    presence_ms: int
    posted: int
    delivered: int
    voided: int
    forced: int
    run_start: int
    head: int | None
    covered: list[tuple[int, int]]
    pending: list[tuple[int, int, int]]
    rungs: list[LaneState] = []  # noqa: RUF012 - of a tuple, whose default nobody changes
    waived: int = 0
