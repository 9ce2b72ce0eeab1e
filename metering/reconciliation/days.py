"""The report of each day: running while it lasts, and made anew from the chain when it is over."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

import structlog

from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.difference import Difference
from metering.reconciliation.examination import Examination, Examiner
from metering.reconciliation.recheck import TooManyPayments, of_rereading, read_again
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.report import (
    Compared,
    Header,
    Listed,
    Signing,
    ledgers_of,
    merged,
    report_text,
)
from metering.reconciliation.store import Open, Progress, Report
from metering.settlement.chain import Snapshot, Tip
from metering.settlement.feed import Feed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Who makes reports: the passphrase of the network that they are about, and who signs them."""

    network: str
    signing: Signing


class Days:
    """Knows where each day began. Days are those of UTC, by the server's clock."""

    def __init__(
        self,
        feeds: Collection[Feed],
        examiner: Examiner,
        store: PostgresReconciliation,
        books: PostgresBooks,
        ours: Ours,
        made_by: MadeBy,
    ) -> None:
        self._feeds = feeds
        self._examiner = examiner
        self._store = store
        self._books = books
        self._ours = ours
        self._made_by = made_by

    async def turn(
        self, at: datetime, progress: Progress, tip: Tip
    ) -> tuple[int, dict[str, Difference]]:
        """Close the day before, if it is not yet.

        Returns:
            Behind which ledger this day began, and what a second reading of the day before found.
        """
        latest = await self._store.report(None)
        if latest is None:
            return progress.ledger, {}
        after, until = ledgers_of(latest.document)
        if latest.day == at.date():
            return after, {}
        if latest.final:
            return until, {}
        return until, await self._close(latest, at, tip)

    async def running(
        self,
        at: datetime,
        after: int,
        examination: Examination,
        differences: Mapping[str, Difference],
        known: Sequence[Open],
    ) -> Report:
        """The report of a day that is not over."""
        compared = await self._compared(after, examination.covered)
        header = Header(self._made_by.network, at.date(), final=False, at=at)
        listed = merged(differences, known, at)
        text = await self._text(header, compared, examination.snapshot, listed)
        return Report(at.date(), text, final=False)

    async def _close(self, report: Report, at: datetime, tip: Tip) -> dict[str, Difference]:
        after, until = ledgers_of(report.document)
        try:
            changed = await self._changed(after, until)
        except TooManyPayments as error:
            log.error("a day had too many payments to be read once more", address=str(error))
            changed = {}
        found = changed | await self._examiner.ledgers(after, until, tip)
        opened = await self._store.open()
        others = {each.difference.key: each.difference for each in opened}
        header = Header(self._made_by.network, report.day, final=True, at=at)
        compared = await self._compared(after, until)
        text = await self._text(header, compared, None, merged(others | found, opened, at))
        await self._store.write(Report(report.day, text, final=True), at)
        return found

    async def _changed(self, after: int, until: int) -> dict[str, Difference]:
        """What the chain tells otherwise now; what it did not tell at all is added."""
        again = await read_again(self._feeds, after, until)
        told = await self._books.movements(after, until)
        known = {each.event for each in told}
        await self._store.add([each for event, each in again.items() if event not in known])
        changed = {each.key: each for each in of_rereading(told, again)}
        accepted = await self._store.accepted(list(changed))
        return {key: each for key, each in changed.items() if key not in accepted}

    async def _compared(self, after: int, until: int) -> Compared:
        return Compared(after, until, await self._books.digests(after, until))

    async def _text(
        self,
        header: Header,
        compared: Compared,
        snapshot: Snapshot | None,
        listed: Sequence[tuple[Difference, datetime]],
    ) -> str:
        midnight = datetime.combine(header.day, time(), UTC)
        lost = await self._books.losses(midnight)
        told = Listed(snapshot, self._ours.accounts, listed, lost)
        return report_text(header, compared, told, self._made_by.signing)
