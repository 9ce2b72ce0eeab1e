"""Rules of sessions: I3 to I7, read session by session beside their runs of ticks."""

from collections.abc import AsyncIterator

from config.limits import JOURNAL_PAGE_MAX, SESSIONS_AUDITED_AT_ONCE
from config.postgres import Connection, Record
from metering.audit.finding import Check, Finding
from metering.audit.session_books import (
    Run,
    Runs,
    SessionBooks,
    amount_violations,
    delivery_violations,
    hold_violations,
    order_violations,
    presence_violations,
)
from metering.rules import MeterRules
from metering.session import read_state
from metering.tariff import Tariff
from metering.tariff_postgres import tariff_of
from metering.terms import Terms

# How much of the media that a session was promised is covered by its deliveries; what its hold
# holds; and what was charged to it, as far as all of its transfers are still here: of names with a
# common beginning, none sorts after it and the sign after the colon.
_SESSIONS = """
WITH page AS MATERIALIZED (
    SELECT * FROM playback_session WHERE id > $1 ORDER BY id LIMIT $2
), promised AS (
    SELECT session_id, sum(upper(piece) - lower(piece))::bigint AS units
    FROM (
        SELECT session_id, unnest(range_agg(int8range(lo, hi))) AS piece
        FROM delivery WHERE session_id IN (SELECT id FROM page) GROUP BY session_id
    ) AS pieces
    GROUP BY session_id
)
SELECT page.*, rung_heights, price_epoch.number IS NOT NULL AS is_known,
    coalesce(promised.units, 0) AS promised, hold.balance AS held,
    (SELECT coalesce(sum(entry.amount), 0)::bigint FROM ledger_transfer AS entry
     WHERE entry.id > page.id || ':' AND entry.id < page.id || ';'
        AND cause = 'post' AND debit = hold_account) AS transferred,
    opened_at < (SELECT min(begun_at) FROM ledger_part WHERE closing_seal IS NULL)
        AND exists (SELECT FROM ledger_part WHERE closing_seal IS NOT NULL) AS is_old
FROM page
LEFT JOIN price_epoch ON price_epoch.number = page.epoch
LEFT JOIN ledger_account AS hold ON hold.number = hold_account
LEFT JOIN promised ON promised.session_id = page.id
ORDER BY page.id
"""

_RUNS = """
SELECT session_id, revision, epoch, first_tick, last_tick, amount FROM tick_run
WHERE (session_id, revision) > ($1, $2) ORDER BY session_id, revision LIMIT $3
"""

_EPOCH = "SELECT * FROM price_epoch WHERE number = $1"

_EPOCHS_REMEMBERED = 1_000

_SERVERS_RULES = MeterRules()


async def check_sessions(
    connection: Connection, rules: MeterRules = _SERVERS_RULES
) -> list[Finding]:
    """Look at every session and every run of its ticks; a page of each is in memory."""
    walk = _Walk(connection, rules)
    await walk.through()
    return [check.finding() for check in walk.checks]


class _Walk:
    """Through sessions and runs of ticks side by side, both in the order of the sessions' ids."""

    def __init__(self, connection: Connection, rules: MeterRules) -> None:
        self._connection = connection
        self._runs = _runs(connection)
        self._next: Run | None = None
        self._tariffs: dict[int, Tariff | None] = {}
        self._rules = rules
        self._order = Check("I3", "ticks of a session follow each other from 0", "runs of ticks")
        self._amount = Check(
            "I4", "each tick costs what its tariff says, and so do all", "sessions"
        )
        self._delivery = Check("I5", "no more is charged than was delivered", "sessions")
        self._presence = Check("I6", "no more is charged than could be watched", "sessions")
        self._hold = Check("I7", "a session holds what its pending media cost", "sessions")
        self.checks = (self._order, self._amount, self._delivery, self._presence, self._hold)

    async def through(self) -> None:
        self._next = await anext(self._runs, None)
        last = ""
        while rows := await self._connection.fetch(_SESSIONS, last, SESSIONS_AUDITED_AT_ONCE):
            for row in rows:
                await self._session(_books(row))
            last = rows[-1]["id"]
        while self._next is not None:
            await self._astray()

    async def _session(self, books: SessionBooks) -> None:
        while self._next is not None and self._next.session_id < books.id:
            await self._astray()
        taken = Runs(self._terms_of)
        wrong: dict[Check, str] = {}
        while self._next is not None and self._next.session_id == books.id:
            run = self._next
            await self._know(run.epoch)
            order, price = taken.add(run)
            for check, what in ((self._order, order), (self._amount, price)):
                if what:
                    wrong.setdefault(check, what)
            self._order.saw()
            self._next = await anext(self._runs, None)
        self._judge(books, taken, wrong)

    def _judge(self, books: SessionBooks, taken: Runs, wrong: dict[Check, str]) -> None:
        """A session breaks each rule at most once."""
        for check in self.checks[1:]:
            check.saw()
        for check, violations in (
            (self._order, order_violations(books, taken)),
            (self._amount, amount_violations(books, taken)),
            (self._delivery, delivery_violations(books)),
            (self._presence, presence_violations(books, self._rules)),
            (self._hold, hold_violations(books)),
        ):
            what = wrong.get(check) or next(violations, "")
            if what:
                check.violated(what)

    async def _astray(self) -> None:
        assert self._next is not None, "there is one"
        self._order.violated(f"{self._next.session_id}: there are ticks, and no such session")
        self._next = await anext(self._runs, None)

    def _terms_of(self, run: Run, paid: int) -> Terms | None:
        """Where better pictures cost more, nobody kept how many there were of them at each run."""
        tariff = self._tariffs.get(run.epoch)
        if tariff is None or tariff.rungs:
            return None
        return Terms(tariff, run.first, (), paid)

    async def _know(self, epoch: int) -> None:
        if epoch in self._tariffs:
            return
        if len(self._tariffs) >= _EPOCHS_REMEMBERED:
            self._tariffs.clear()
        row = await self._connection.fetchrow(_EPOCH, epoch)
        self._tariffs[epoch] = (
            None if row is None else tariff_of(row, row["asset"], row["session_cap"])
        )


async def _runs(connection: Connection) -> AsyncIterator[Run]:
    last: tuple[str, int] = ("", 0)
    while rows := await connection.fetch(_RUNS, *last, JOURNAL_PAGE_MAX):
        for row in rows:
            yield Run(*row)
        last = (rows[-1]["session_id"], rows[-1]["revision"])


def _books(row: Record) -> SessionBooks:
    terms = None
    if row["is_known"]:
        terms = Terms(
            tariff=tariff_of(row, row["price_asset"], row["cap"]),
            seconds=row["since_ticks"],
            rungs=tuple(row["since_rungs"] or ()),
            paid=row["paid"],
        )
    return SessionBooks(
        id=row["id"],
        terms=terms,
        posted=row["posted_units"],
        ticks=row["ticks"],
        rungs=tuple(row["rung_ticks"] or ()),
        drawn=row["drawn"],
        amount=row["amount"],
        is_closed=row["closed_at"] is not None,
        state=read_state(row["state"]) if row["state"] else None,
        held=row["held"],
        transferred=None if row["is_old"] else row["transferred"],
        promised=row["promised"],
    )
