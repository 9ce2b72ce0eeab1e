"""Commits batches one after the other, and keeps the one whose fate is unknown."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from config.limits import INTAKE_COMMIT_MS_MAX
from config.telemetry import counter
from metering.errors import BooksDisagree, LeaseLost, MeterUnavailable
from metering.ledger.ledger import LedgerRefusal
from metering.session import Batch
from metering.store import MeterStore

log = structlog.get_logger(__name__)

_commits = counter("metering_commits_total", "Batches of sessions that were committed")
_saved = counter("metering_changes_total", "Changes of sessions that were committed")
_ticks = counter("metering_ticks_total", "Seconds of media that were charged")
_failed = counter("metering_commits_failed_total", "Commits that got no answer")

Refusal = LedgerRefusal | BooksDisagree


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: what is saved now, and which sessions were refused and why."""

    committed: Batch
    refused: dict[str, Refusal]


class Committer:
    """Takes the next batch only when it knows what became of the last one."""

    def __init__(self, store: MeterStore) -> None:
        self._store = store
        self._in_doubt: Batch | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether a batch was sent and not answered."""
        return self._in_doubt is not None

    async def resolve(self) -> Outcome:
        """Send the batch in doubt again, as it was.

        Raises:
            MeterUnavailable: again no answer.
            LeaseLost: somebody took its lease over; it has not happened, or before that.
        """
        assert self._in_doubt is not None
        return await self.commit(self._in_doubt)

    async def commit(self, batch: Batch) -> Outcome:
        """Save a batch; when it is refused, each session on its own, so that one that is wrong does
        not stop the others.

        Raises:
            MeterUnavailable: no answer; the batch is in doubt now.
            LeaseLost: somebody took its lease over; nothing was saved.
        """
        assert self._in_doubt is None or self._in_doubt is batch
        try:
            outcome = await self._outcome(batch)
        except MeterUnavailable:
            self._in_doubt = batch
            _failed.inc()
            raise
        except LeaseLost:
            self._in_doubt = None
            raise
        self._in_doubt = None
        return outcome

    async def _outcome(self, batch: Batch) -> Outcome:
        try:
            await self._send(batch)
        except (LedgerRefusal, BooksDisagree) as refusal:
            if len(batch.rows) > 1:
                return await self._one_by_one(batch)
            return _refused(batch, refusal)
        return Outcome(batch, {})

    async def _one_by_one(self, batch: Batch) -> Outcome:
        outcomes = [await self._outcome(single) for single in _singles(batch)]
        return Outcome(
            Batch(
                tuple(row for each in outcomes for row in each.committed.rows),
                tuple(allowance for each in outcomes for allowance in each.committed.allowances),
                batch.fence,
            ),
            {session_id: why for each in outcomes for session_id, why in each.refused.items()},
        )

    async def _send(self, batch: Batch) -> None:
        try:
            async with asyncio.timeout(INTAKE_COMMIT_MS_MAX / 1000):
                await self._store.commit(batch)
        except TimeoutError:
            raise MeterUnavailable("the store takes too long") from None
        _commits.inc()
        _saved.inc(len(batch.rows))
        _ticks.inc(batch.ticks)


def _singles(batch: Batch) -> Iterator[Batch]:
    for change in batch.changes:
        viewer = change.saved.session.viewer
        allowances = tuple(each for each in batch.allowances if each.viewer == viewer)
        yield Batch((change.row,), allowances, batch.fence)


def _refused(batch: Batch, refusal: Refusal) -> Outcome:
    (session_id,) = batch.session_ids
    log.warning("session's commit was refused", session=session_id, reason=str(refusal))
    return Outcome(Batch(()), {session_id: refusal})
