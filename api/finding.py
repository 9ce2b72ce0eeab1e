"""What `tollcast doctor` says about one thing that it has looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a finding means: it is well, less than it could be, or a public server refuses."""

    OK = "ok"
    LESS = "less"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        details: one line each, below the finding.
        advice: what to do about it, one line each; nothing when it is well.
    """

    verdict: Verdict
    subject: str
    state: str
    details: Sequence[str] = ()
    advice: Sequence[str] = ()
