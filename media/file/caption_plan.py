"""How the captions that come in a file are told apart and offered."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.file.description import TextDescription

_UNDETERMINED = "und"
_FORCED = "forced"


@dataclass(frozen=True, slots=True)
class CaptionPlan:
    """One track of captions; as `media.captions.captions.Captions`."""

    key: str
    language: str
    label: str
    default: bool
    forced: bool


def plan_captions(texts: Sequence[TextDescription]) -> tuple[CaptionPlan, ...]:
    """A plan for each track, in their order.

    Its key is its language; what is one too many of a language gets a number, and no language tag
    looks like that.
    """
    taken: set[str] = set()
    plans = []
    for text in texts:
        plain = (text.language or _UNDETERMINED).lower() + (f"-{_FORCED}" if text.forced else "")
        key, number = plain, 1
        while key in taken:
            number += 1
            key = f"{plain}-{number}"
        taken.add(key)
        plans.append(CaptionPlan(key, text.language, text.label, text.default, text.forced))
    return tuple(plans)
