"""What the journal's migration makes of a database that was used before."""

import shutil
from pathlib import Path

import pytest

import config
from config.clock import ManualClock
from config.migrate import migrate
from config.postgres import Database
from metering.audit.audit import audit
from metering.audit.finding import Verdict
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import (
    ConflictingTransfer,
    Standing,
    Transfer,
    creator_account,
    hot_account,
)
from metering.ledger.ledger_postgres import PostgresLedger
from metering.ledger.sealer import Sealer
from metering.money import Stroops
from metering.retention.upkeep import LedgerUpkeep

SCHEMA = Path(config.__file__).parent / "schema"
BEGUN = 1 << 40

# A session that watched 3 seconds at 100 stroops each, as the version before wrote it.
_USED = """
insert into ledger_account (id, asset, floor, balance) values
    ('chain:hot:XLM', 'XLM', null, -1000), ('viewer:v:XLM', 'XLM', 0, 500),
    ('hold:ses_01old', 'XLM', 0, 200), ('creator:c:XLM', 'XLM', 0, 300);
insert into ledger_transfer (id, debit, credit, amount, cause) values
    ('gift', 1, 2, 1000, 'play_money'), ('ses_01old:1:hold', 2, 3, 500, 'hold'),
    ('ses_01old:1:post', 3, 4, 300, 'post');
insert into playback_session (id, viewer, asset_id, payee, price_asset, price_stroops,
    price_seconds, viewer_account, hold_account, creator_account, opened_at, revision, drawn,
    posted_units, ticks, amount)
values ('ses_01old', 'v', 'ast_1', 'c', 'XLM', 100, 1, 2, 3, 4, now(), 1, 500, 270000, 3, 300);
insert into delivery (session_id, sequence, revision, lo, hi) values ('ses_01old', 0, 1, 0, 450000);
insert into tick_run (session_id, first_tick, last_tick, amount) values
    ('ses_01old', 0, 2, 200), ('ses_01old', 2, 3, 100);
"""


_INDEXES = """
SELECT part, array_agg(of ORDER BY of) AS columns FROM (
    SELECT tablename AS part, substring(replace(indexdef, '"', '') FROM '[(]([a-z, ]+)[)]')
        || CASE WHEN indexdef LIKE '%WHERE%' THEN ' of some' ELSE '' END AS of
    FROM pg_indexes WHERE tablename ~ '^ledger_transfer_[0-9]+$'
) AS index GROUP BY part
"""

_INDEXED = (
    "credit, position of some",
    "debit, position of some",
    "id",
    "id of some",
    "position",
)


@pytest.fixture
async def used(database: Database, tmp_path: Path) -> Database:
    """A database as the version left it that had neither tariffs nor a journal."""
    await database.execute("drop schema public cascade; create schema public")
    for file in [*SCHEMA.glob("000?_*.sql"), *SCHEMA.glob("0010_*.sql")]:
        shutil.copy(file, tmp_path)
    await migrate(database, tmp_path)
    await database.execute(_USED)
    return database


async def test_what_was_posted_before_is_kept_sealed_and_not_posted_again(used: Database) -> None:
    await migrate(used)
    ledger, clock = PostgresLedger(used), ManualClock(2_208_988_800_000)
    before = await ledger.balances("")
    assert await ledger.standings("creator:", Stroops(1)) == {
        "creator:c:XLM": Standing(Stroops(300), 3)
    }
    sealer = Sealer(PostgresJournal(used), clock)
    await sealer.seal_round()
    await LedgerUpkeep(used, clock).prepare()
    hot, creator = hot_account("XLM"), creator_account("c", "XLM")
    assert await ledger.post([Transfer("gift", hot.id, "viewer:v:XLM", Stroops(1000), "XLM",
                                       "play_money")]) == frozenset()  # fmt: skip
    with pytest.raises(ConflictingTransfer):
        await ledger.post([Transfer("gift", hot.id, creator.id, Stroops(1), "XLM", "play_money")])
    assert await ledger.balances("") == before
    await ledger.post([Transfer("new", hot.id, creator.id, Stroops(1), "XLM", "play_money")])
    await sealer.seal_round()

    # All parts, those of before and those made since, have the same indexes: by account only of
    # what does not move while somebody watches.
    rows = await used.fetch(_INDEXES)
    indexes = {row["part"]: row["columns"] for row in rows}
    assert set(indexes) == {"ledger_transfer_0", "ledger_transfer_1", "ledger_transfer_2"}
    assert set(map(tuple, indexes.values())) == {tuple(_INDEXED)}

    entries = await ledger.transfers_of(hot.id)
    assert [entry.transfer.id for entry in entries] == ["gift", "new"]
    assert entries[0].position < BEGUN < entries[1].position + 1
    found = await audit(used)
    wrong = [each for each in found.findings if each.verdict is Verdict.VIOLATED]
    assert wrong == []
    assert found.unsealed == 0
    session = await used.fetchrow(
        "SELECT sum(last_tick - first_tick), sum(amount), count(*) FROM tick_run"
    )
    assert session is not None
    assert tuple(session) == (3, 300, 2)
    assert await used.fetchval("SELECT count(*) FROM delivery_before") == 1
