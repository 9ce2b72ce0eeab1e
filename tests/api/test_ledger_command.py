"""`tollcast ledger` on a data directory whose server runs, and after it was stopped."""

import json
from pathlib import Path

import pytest

from api import ledger_command
from api.ledger_command import audit_json, audit_text, head_text
from api.remote import CommandFailed
from config.clock import ManualClock
from config.embedded_postgres import SERVER_ROLE, EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from config.roles import grant_to_server
from config.settings import Settings, load
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import Transfer, hot_account, viewer_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.ledger.sealer import Sealer
from metering.money import Stroops

pytestmark = pytest.mark.process


async def fill(server: EmbeddedPostgres) -> None:
    owner = await Database.connect(await server.start())
    await migrate(owner)
    await grant_to_server(owner, SERVER_ROLE)
    await owner.close()
    database = await Database.connect(server.url(SERVER_ROLE))
    ledger, sealer = PostgresLedger(database), Sealer(PostgresJournal(database), ManualClock())
    hot, viewer = hot_account("XLM"), viewer_account("v", "XLM")
    await ledger.open_accounts([hot, viewer])
    for name in ("one", "two"):
        gift = Transfer(name, hot.id, viewer.id, Stroops(5), "XLM", "play_money")
        await ledger.post([gift])
        await sealer.seal_round()
    await database.close()


async def tamper(server: EmbeddedPostgres) -> None:
    superuser = await Database.connect(server.url("postgres"), pool_size=1)
    async with superuser.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE ledger_transfer SET amount = 6 WHERE id = 'two'")
    await superuser.close()


def settings_of(data: Path) -> Settings:
    return load([f"--data_directory={data}"], {}, None)


async def test_the_books_are_checked_while_the_server_runs_and_afterwards(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with pytest.raises(CommandFailed, match="no ledger in"):
        await ledger_command.verify(settings, None)
    server = EmbeddedPostgres(tmp_path / "postgres", {"fsync": "off", "shared_buffers": "8MB"})
    await fill(server)
    head = await ledger_command.head(settings)
    assert head is not None
    assert head_text(head).startswith("Seal 2, up to position 2:\n")
    found = await ledger_command.verify(settings, head.hash.hex())
    assert found.sound
    said = audit_text(found)
    assert "ok        J3   the seal that was noted elsewhere is in the chain (seals: 1)" in said
    assert "unchecked I9 " in said
    assert said.endswith("\n\nThe books are right.")

    await tamper(server)
    await server.stop()
    found = await ledger_command.verify(settings, None)
    assert not found.sound
    said = audit_text(found)
    assert "VIOLATED  J2 " in said
    assert "seal 2 (positions 2 to 2): two at position 2 was changed or added" in said
    assert said.endswith("\n\nNOT RIGHT: J2, L1")
    document = json.loads(audit_json(found))
    assert document["sound"] is False
    assert document["head"] == {"number": 2, "position": 2, "hash": head.hash.hex()}
    broken = {each["rule"]: each for each in document["findings"] if each["verdict"] == "violated"}
    assert broken.keys() == {"J2", "L1"}
    assert broken["L1"]["violations"] == 2
    with pytest.raises(CommandFailed, match="64 hexadecimal digits"):
        await ledger_command.verify(settings, "abc")
