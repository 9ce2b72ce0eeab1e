"""On what terms a publisher has a stream: what becomes of it when another one comes, or none."""

from dataclasses import dataclass
from enum import StrEnum

from config.limits import RECONNECT_WINDOW_MS


class Takeover(StrEnum):
    """What becomes of a second publisher of a stream."""

    REJECT = "reject"
    """It is not let in."""
    REPLACE = "replace"
    """It is shown from now on; the first one is sent away."""
    STANDBY = "standby"
    """It is shown as soon as the first one fails."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a publisher has a stream.

    Attributes:
        window_ms: how long the stream outlives its connection; 0 to end with it.
        takeover: what this publisher does to one that is there already.
    """

    window_ms: int = RECONNECT_WINDOW_MS
    takeover: Takeover = Takeover.REPLACE
