"""Whether there is room for one more session. Running ones come first: they have paid."""

from typing import NamedTuple

from config.limits import (
    INTAKE_CROWDED_REQUESTS,
    INTAKE_LAG_MS_MAX,
    INTAKE_OPENINGS_MAX,
    INTAKE_SESSIONS_MAX,
)


class Load(NamedTuple):
    """What this process is busy with.

    Attributes:
        sessions: open ones.
        openings: sessions that wait to be made.
        requests: of open sessions, that wait for a commit or for their pace.
        lag_ms: how late the event loop does what is due.
    """

    sessions: int
    openings: int
    requests: int
    lag_ms: int


LIMITS = Load(INTAKE_SESSIONS_MAX, INTAKE_OPENINGS_MAX, INTAKE_CROWDED_REQUESTS, INTAKE_LAG_MS_MAX)

_WORDS = (
    "too many sessions are open",
    "too many sessions are being opened",
    "too many requests are waiting",
    "there is too much to do",
)


def crowded(load: Load) -> str | None:
    """Why nobody else is let in now; None when there is room."""
    for words, found, limit in zip(_WORDS, load, LIMITS, strict=True):
        if found >= limit:
            return words
    return None
