"""What the meter answers to a request for media.

The first two are always the same ones (`SERVE`, `DUPLICATE`): most answers are, and making a new
object for each takes as long as deciding.
"""

from dataclasses import dataclass

from metering.money import Stroops


@dataclass(frozen=True, slots=True)
class Serve:
    """New media: deliver it. What it costs was reserved."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Media that was asked for before: deliver it, it costs nothing more."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Too far ahead of what could be watched; there is room again in about `wait_ms`."""

    wait_ms: int


@dataclass(frozen=True, slots=True)
class ShortOfFunds:
    """The viewer's free balance is below `needed`."""

    needed: Stroops


@dataclass(frozen=True, slots=True)
class Fragmented:
    """The session was watched in too many separate places to keep account of."""


SERVE = Serve()
DUPLICATE = Duplicate()

Decision = Serve | Duplicate | Pace | ShortOfFunds | Fragmented
