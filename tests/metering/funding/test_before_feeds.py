"""What play money a server had before it read payments one by one is not booked again."""

import shutil
from pathlib import Path

import config
from config.migrate import migrate
from config.postgres import Database
from metering.funding.deposit import Kind
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.taker import DepositTaker
from metering.ledger.ledger_postgres import PostgresLedger
from tests.metering.funding.payments import FRIENDBOT, HOT, XLM, MemoryFeed, paid, rules

SCHEMA = Path(config.__file__).parent / "schema"

# Two gifts, as the version before booked them: when the account had changed in ledgers 90 and 102.
_USED = f"""
insert into ledger_account (id, asset, floor, balance) values
    ('chain:hot:XLM', 'XLM', null, {-2 * XLM}), ('treasury:XLM', 'XLM', 0, {2 * XLM});
insert into ledger_transfer (id, debit, credit, amount, cause) values
    ('funding:{HOT}:90', 1, 2, {XLM}, 'play_money'),
    ('funding:{HOT}:102', 1, 2, {XLM}, 'play_money');
"""


async def test_gifts_that_were_booked_by_comparison_are_known(
    database: Database, tmp_path: Path
) -> None:
    await database.execute("drop schema public cascade; create schema public")
    for file in SCHEMA.glob("*.sql"):
        if file.name < "0019":
            shutil.copy(file, tmp_path)
    await migrate(database, tmp_path)
    await database.execute(_USED)
    await migrate(database)
    ledger, feed = PostgresLedger(database), MemoryFeed()
    feed.pay(*(paid(n, source=FRIENDBOT) for n in (1, 2, 3)))
    deposits = PostgresDeposits(database, ledger, rules().network)
    [fresh] = await DepositTaker([feed], deposits, rules(), lambda *_: None).take()
    assert (fresh.kind, fresh.payment.ledger) == (Kind.GIFT, 103)
    assert await ledger.balance("treasury:XLM") == 3 * XLM
    assert (await ledger.check()).sound
