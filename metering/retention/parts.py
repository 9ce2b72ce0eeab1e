"""Months, and where the parts of tables end that are divided by them."""

from datetime import UTC, datetime

from config.ids import base32

_TIME_LETTERS = 10  # of an id's 26: the milliseconds since 1970


def month_of(wall_ms: int) -> int:
    """The month of a moment, counted from the year 0."""
    at = datetime.fromtimestamp(wall_ms // 1000, UTC)
    return at.year * 12 + at.month - 1


def month_name(month: int) -> str:
    """E.g. `2026_11`."""
    year, place = divmod(month, 12)
    return f"{year:04}_{place + 1:02}"


def month_start(month: int) -> datetime:
    """When a month begins."""
    year, place = divmod(month, 12)
    return datetime(year, place + 1, 1, tzinfo=UTC)


def first_session_id(month: int) -> str:
    """What sorts before ids of sessions that begin in this month, and after all earlier ones."""
    milliseconds = int(month_start(month).timestamp()) * 1000
    return f"ses_{base32(milliseconds, _TIME_LETTERS)}"
