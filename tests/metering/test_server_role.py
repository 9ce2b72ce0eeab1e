"""Whoever gets hold of the server's database connection cannot rewrite what happened."""

import pytest

from config.embedded_postgres import SERVER_ROLE
from config.migrate import migrate
from config.postgres import Database, InsufficientPrivilegeError, PostgresError, RaiseError
from config.roles import changeable_tables, grant_to_server
from metering.ledger.ledger import Transfer, hold_account, hot_account, viewer_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops

_JOURNAL = (
    "ledger_transfer",
    "ledger_transfer_0",
    "ledger_closed_transfer",
    "ledger_part",
    "journal_seal",
    "journal_balance",
    "tick_run",
    "tick_run_before",
    "tick_run_default",
    "delivery",
    "delivery_default",
    "price_epoch",
    "receipt",
    "chain_payment",
    "deposit_number",
    "pass",
    "pass_part",
)

# What is added to only by functions that check it.
_NOT_EVEN_ADDED_TO = ("ledger_transfer", "ledger_closed_transfer", "journal_seal", "tick_run",
                      "delivery", "journal_balance", "ledger_part")  # fmt: skip

_ON_EACH = (
    "DELETE FROM {}",
    "TRUNCATE {}",
    "DROP TABLE {} CASCADE",
    "ALTER TABLE {} DISABLE TRIGGER ALL",
    "ALTER TABLE {} ADD COLUMN more integer",
    "CREATE TRIGGER mine AFTER INSERT ON {} EXECUTE FUNCTION refuse_change()",
)

_OTHERWISE = (
    "UPDATE ledger_account SET balance = 1",
    "INSERT INTO ledger_account (id, asset, balance) VALUES ('viewer:me:XLM', 'XLM', 10)",
    "DELETE FROM ledger_account",
    "UPDATE payout SET amount = 1",
    "UPDATE payout SET address = 'mine'",
    "DELETE FROM payout",
    "DELETE FROM withdrawal",
    "TRUNCATE feed_position",
    "UPDATE payout_batch SET fee_max = 1",
    "UPDATE schema_migration SET number = 1",
    "DROP FUNCTION refuse_change() CASCADE",
    "ALTER FUNCTION refuse_change() OWNER TO CURRENT_USER",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE mine (id integer)",
    "SET session_replication_role = replica",
    "SET ROLE tollcast",
    "SELECT ledger_part_close(0, now(), 'x', 0)",
    "SELECT grant_to_server(current_user)",
    "SELECT setval('ledger_position', 1)",
    "LOCK TABLE ledger_transfer IN SHARE MODE",
    "COPY ledger_account TO PROGRAM 'cat'",
)


async def test_the_servers_role_cannot_change_what_happened(server_database: Database) -> None:
    statements = [each.format(table) for table in _JOURNAL for each in _ON_EACH]
    statements += [f"UPDATE {table} SET {column} = {column}" for table, column in (
        ("ledger_transfer", "amount"), ("ledger_transfer_0", "amount"), ("tick_run", "amount"),
        ("delivery", "hi"), ("journal_seal", "hash"), ("journal_balance", "balance"),
        ("receipt", "document"), ("price_epoch", "price_stroops"), ("ledger_part", "begun_at"),
        ("tick_run_default", "amount"), ("ledger_closed_transfer", "amount"),
    )]  # fmt: skip
    statements += [f"INSERT INTO {table} DEFAULT VALUES" for table in _NOT_EVEN_ADDED_TO]
    outcomes = {each: await outcome(server_database, each) for each in (*statements, *_OTHERWISE)}
    assert {each: said for each, said in outcomes.items() if not is_forbidden(said)} == {}


async def outcome(database: Database, statement: str) -> PostgresError | None:
    """What the server says to a statement; None when it was done."""
    try:
        async with database.transaction() as connection:
            await connection.execute(statement)
    except PostgresError as error:
        return error
    return None


def is_forbidden(said: PostgresError | None) -> bool:
    return isinstance(said, InsufficientPrivilegeError)


async def test_its_functions_are_not_led_to_tables_of_somebody_else(
    server_database: Database, database: Database
) -> None:
    hot, viewer = hot_account("XLM"), viewer_account("v", "XLM")
    ledger = PostgresLedger(server_database)
    await ledger.open_accounts([hot, viewer])
    gift = Transfer("gift", hot.id, viewer.id, Stroops(5), "XLM", "gift")
    async with server_database.transaction() as connection:
        await connection.execute(
            "CREATE TEMPORARY TABLE ledger_account (LIKE ledger_account);"
            "INSERT INTO pg_temp.ledger_account SELECT * FROM public.ledger_account;"
            "SET LOCAL search_path = pg_temp, public"
        )
        await ledger.post_within(connection, [gift])
    assert await PostgresLedger(database).balance(viewer.id) == 5


# What a session of somebody who has taken the server over might be: its viewer is the chain.
_OF_THE_CHAIN = """
INSERT INTO price_epoch (id, asset, price_stroops, price_seconds, view_stroops, free_seconds)
VALUES ('epc_1', 'XLM', 1, 1, 0, 0);
INSERT INTO playback_session (id, viewer, asset_id, payee, opened_at, viewer_account, hold_account,
    creator_account, fence, epoch, price_asset, price_stroops, price_seconds)
SELECT 'ses_1', 'v', 'ast_1', 'c', now(), hot.number, hold.number, hold.number, 0, epoch.number,
    'XLM', 1, 1
FROM ledger_account AS hot, ledger_account AS hold, price_epoch AS epoch
WHERE hot.id = 'chain:hot:XLM' AND hold.id = 'hold:ses_1'
"""

_TAKE = """
SELECT metering_commit('{ses_1}', '{1}', '{5}', '{0}', '{0}', '{0}', '{[]}', '{0}', '{0}', '{0}',
    '{""}', null, null, null, null, null, null, null, null, null, null, null, null, null, null)
"""


async def test_no_move_of_a_session_is_about_the_chain(server_database: Database) -> None:
    hot, hold, viewer = hot_account("XLM"), hold_account("ses_1", "XLM"), viewer_account("v", "XLM")
    ledger = PostgresLedger(server_database)
    await ledger.open_accounts([hot, hold, viewer])
    for cause in ("hold", "void", "post"):
        with pytest.raises(RaiseError, match="not_of_a_session"):
            await ledger.post([Transfer("t", hot.id, viewer.id, Stroops(5), "XLM", cause)])
    await server_database.execute(_OF_THE_CHAIN)
    with pytest.raises(RaiseError, match="would_overdraw"):
        await server_database.fetchval(_TAKE)
    assert await ledger.balances("") == {hot.id: 0, hold.id: 0, viewer.id: 0}


async def test_who_could_change_the_journal_is_told(
    server_database: Database, database: Database
) -> None:
    assert await changeable_tables(server_database) == []
    could = await changeable_tables(database)
    assert {"ledger_transfer", "ledger_transfer_0", "tick_run", "receipt"} <= set(could)


async def test_rights_that_somebody_gave_are_taken_back_with_the_next_migration(
    server_database: Database, database: Database
) -> None:
    await database.execute(f"GRANT ALL ON ledger_transfer TO {SERVER_ROLE}")
    await grant_to_server(database, SERVER_ROLE)
    assert await changeable_tables(server_database) == ["ledger_transfer"]
    await database.execute("UPDATE schema_grant SET migration = 0")
    await grant_to_server(database, SERVER_ROLE)
    assert await changeable_tables(server_database) == []


async def test_it_may_start_a_program_whose_schema_is_complete(server_database: Database) -> None:
    assert await migrate(server_database) == []
