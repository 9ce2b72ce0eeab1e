"""What the database is told of a batch: a column for each thing that is known of its sessions.

Long columns are one text each, arrays as Postgres writes them: asyncpg takes five times as long to
look at every element.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from metering.session import Batch, Session, SessionChange

_NOTHING = (0, 0, 0)


def columns_of(batch: Batch) -> tuple[object, ...]:
    """A batch as the arguments of `metering_commit`. The order of its sessions is no matter:
    nobody else writes about those of its lease meanwhile.
    """
    columns = _turned(batch.rows, 14)
    _, revisions, _, posted, _, rungs, states, closed = columns[:8]
    ids, first_ticks, drawn, amounts, served, repriced = columns[8:]
    sequences, los, his = _turned([each[0] if each else _NOTHING for each in served], 3)
    return (
        _lines(ids),
        _numbers(revisions),
        _numbers(drawn),
        _numbers(amounts),
        _numbers(first_ticks),
        _numbers(posted),
        _lines([each or "" for each in states]),
        _numbers(sequences),
        _numbers(los),
        _numbers(his),
        _rungs(rungs),
        *_rare(_further(batch) if max(map(len, served), default=0) > 1 else (), 5),
        *_rare(_ended(batch.changes) if any(closed) else (), 2),
        *_rare([(each.viewer, each.window_started_at, each.used) for each in batch.allowances], 3),
        *_rare(_repriced(batch.changes) if any(repriced) else (), 4),
        batch.fence,
    )


def repriced_sessions(batch: Batch) -> list[Session]:
    """Those whose terms are new with it."""
    return [row[0] for row in batch.rows if row[-1]]


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> tuple[tuple[Any, ...], ...]:
    """The columns of rows."""
    return tuple(zip(*rows, strict=True)) if rows else ((),) * width


def _rare(rows: Sequence[tuple[Any, ...]], width: int) -> tuple[object, ...]:
    """The columns of rows that most batches have none of. A null costs nothing; so many empty
    arrays take asyncpg a quarter of all the time that it takes for a commit.
    """
    return _turned(rows, width) if rows else (None,) * width


def _further(batch: Batch) -> list[tuple[object, ...]]:
    """What sessions were promised besides a first segment: parts of the next one."""
    return [
        (each.session_id, each.saved.revision, *further)
        for each in batch.changes
        for further in each.served[1:]
    ]


def _ended(changes: Sequence[SessionChange]) -> list[tuple[object, ...]]:
    return [
        (each.session_id, each.saved.closed_at)
        for each in changes
        if each.saved.closed_at is not None
    ]


def _repriced(changes: Sequence[SessionChange]) -> list[tuple[object, ...]]:
    return [
        (session.id, saved.revision, session.tariff.id, _numbers_or_none(session.terms.rungs))
        for saved, session in [
            (each.saved, each.saved.session) for each in changes if each.repriced
        ]
    ]


def _lines(values: Iterable[str]) -> str:
    """Ids and JSON as we write it have no line ends in them."""
    return "\n".join(values)


def _numbers(values: tuple[int, ...]) -> str:
    """One pattern for all of them takes two thirds of the time of a text for each."""
    return "{" + ("%d," * len(values))[:-1] % values + "}"


def _rungs(rungs: Sequence[tuple[int, ...]]) -> str | None:
    """None in the batches of most servers: nothing to look through for each session."""
    return _lines([_numbers(each) if each else "" for each in rungs]) if any(rungs) else None


def _numbers_or_none(values: tuple[int, ...]) -> str | None:
    return _numbers(values) if values else None
