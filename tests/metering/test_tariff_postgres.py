"""Tariffs as rows, those too that sessions had before there were any."""

from importlib.resources import files

from config.migrate import read_migrations
from config.postgres import Database
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price, RungPrice, Tariff
from metering.tariff_postgres import keep_tariffs, tariff_of
from metering.terms import Terms

PLAIN = Tariff(Price("XLM", 5_000_000, 3_600))
RICH = Tariff(
    Price("XLM", 7, 3),
    5,
    60,
    900,
    (RungPrice(720, Price("XLM", 1, 1)), RungPrice(1080, PLAIN.price)),
)
TARIFFS = 11  # the migration that made tables of them
OLD_SESSION = """
INSERT INTO playback_session (
    id, viewer, asset_id, payee, price_asset, price_stroops, price_seconds, viewer_account,
    hold_account, creator_account, opened_at, revision, drawn, posted_units, ticks, amount
) VALUES ('ses_old', 'v', 'a', 'c', 'XLM', 12500, 9, 1, 2, 3, now(), 2, 6000, 360000, 4, 5555);
INSERT INTO tick_run (session_id, first_tick, last_tick, amount)
VALUES ('ses_old', 0, 2, 2777), ('ses_old', 2, 4, 2778);
"""


async def test_tariffs_are_kept_once_and_read_as_they_were(database: Database) -> None:
    await keep_tariffs(database, [PLAIN, RICH, PLAIN])
    await keep_tariffs(database, [RICH])
    rows = {row["id"]: row for row in await database.fetch("SELECT * FROM price_epoch")}
    read = {key: tariff_of(row, row["asset"], row["session_cap"]) for key, row in rows.items()}
    assert read == {PLAIN.id: PLAIN, RICH.id: RICH}


async def test_a_session_of_before_goes_on_under_the_tariff_that_its_price_is(
    database: Database,
) -> None:
    await database.execute("DROP SCHEMA public CASCADE")
    await database.execute("CREATE SCHEMA public")
    for migration in read_migrations(files("config") / "schema"):
        if migration.number == TARIFFS:
            await database.execute(OLD_SESSION)
        await database.execute(migration.sql)
    saved = await PostgresMeterStore(database).session("ses_old")
    assert saved is not None
    assert saved.session.terms == Terms(PLAIN)
    assert (saved.totals.ticks, saved.amount) == (4, 5555)
    runs = await database.fetch(
        "SELECT first_tick, amount, id FROM tick_run JOIN price_epoch ON number = epoch"
        " ORDER BY revision"
    )
    assert [tuple(run) for run in runs] == [(0, 2777, PLAIN.id), (2, 2778, PLAIN.id)]
