"""Servers on one database pay from one account."""

from config.postgres import Database
from metering.settlement.paying_key import paying_account


async def test_whoever_is_first_pays_and_may_get_another_key(database: Database) -> None:
    assert await paying_account(database, "net", "GONE", "srv_one") == "GONE"
    assert await paying_account(database, "net", "GTWO", "srv_two") == "GONE"
    # The same key elsewhere, and the same server with another one.
    assert await paying_account(database, "net", "GONE", "srv_three") == "GONE"
    assert await paying_account(database, "net", "GNEW", "srv_one") == "GNEW"
    assert await paying_account(database, "net", "GONE", "srv_three") == "GNEW"
    assert await paying_account(database, "other", "GTWO", "srv_two") == "GTWO"
