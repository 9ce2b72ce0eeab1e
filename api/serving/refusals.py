"""Domain errors on the way from the main process to a serving process, one table both ways."""

from collections.abc import Callable
from typing import Any, NamedTuple

from api.auth.sharing import PlayedElsewhere
from api.serving.messages import Refused
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    NotHere,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.money import Stroops
from packager.package import (
    BadReload,
    NotReady,
    UnknownAsset,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)


class MainProcessFailed(Exception):
    """The main process broke over a question; it has logged why."""


class _Reason(NamedTuple):
    error: type[Exception]
    numbers: Callable[[Any], tuple[int, int]]
    make: Callable[[Refused], Exception]
    text: Callable[[Any], str] = str


def _plain(error: type[Exception]) -> _Reason:
    """An error that is made of its text."""
    return _Reason(error, lambda _: (0, 0), lambda refused: error(refused.text))


# The order is the number on the wire; both ends are the same program.
_REASONS = (
    _plain(MainProcessFailed),
    _Reason(
        InsufficientFunds,
        lambda error: (error.needed, error.available),
        lambda refused: InsufficientFunds(
            Stroops(refused.numbers[0]), Stroops(refused.numbers[1]), refused.text
        ),
        lambda error: str(error.asset),
    ),
    _Reason(
        Paced,
        lambda error: (error.retry_after_s, 0),
        lambda refused: Paced(refused.numbers[0]),
    ),
    *map(
        _plain,
        (
            SessionClosed,
            UnknownSession,
            Overloaded,
            MeterUnavailable,
            MeteredElsewhere,
            NotHere,
            NotReady,
            BadReload,
            UnknownAsset,
            UnknownPicture,
            UnknownRendition,
            UnknownSegment,
            PlayedElsewhere,
        ),
    ),
)
_PLACES = {reason.error: place for place, reason in enumerate(_REASONS)}

EXPECTED = tuple(reason.error for reason in _REASONS)
"""What may come of a question. Anything else is told as `MainProcessFailed`."""


def refusal(question: int, error: Exception) -> Refused:
    """The answer to a question that ended with this error."""
    place = _PLACES.get(type(error))
    if place is None:
        return Refused(question, 0, (0, 0), type(error).__name__)
    reason = _REASONS[place]
    return Refused(question, place, reason.numbers(error), reason.text(error))


def error_of(refused: Refused) -> Exception:
    """The error that the main process had."""
    if refused.reason >= len(_REASONS):
        return MainProcessFailed(f"reason {refused.reason}")
    return _REASONS[refused.reason].make(refused)
