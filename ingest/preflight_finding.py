"""What a publisher is told: a finding has a cause and a cure, in words for a person."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, from something to know to nothing to see."""

    INFO = "info"
    ADVICE = "advice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a preflight report.

    Attributes:
        code: stays the same from version to version.
        cause, cure: sentences; the cure names the place in OBS where there is one.
    """

    code: str
    severity: Severity
    cause: str
    cure: str


def seconds(milliseconds: int) -> str:
    """`2 s`, `0.5 s`, `40 ms`."""
    if milliseconds < 100:
        return f"{milliseconds} ms"
    return f"{_tenths((milliseconds + 50) // 100)} s"


def bits(bitrate: int) -> str:
    """`800 kbit/s`, `2.6 Mbit/s`."""
    if bitrate < 1_000_000:
        return f"{(bitrate + 500) // 1000} kbit/s"
    return f"{_tenths((bitrate + 50_000) // 100_000)} Mbit/s"


def frames(frames_per_1000_s: int) -> str:
    """`29.97`, `30`."""
    return f"{(frames_per_1000_s + 5) // 10 / 100:g}"


def _tenths(tenths: int) -> str:
    whole, rest = divmod(tenths, 10)
    return f"{whole}.{rest}" if rest else str(whole)
