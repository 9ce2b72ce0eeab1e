"""Both stores of tiers; the command that sets one."""

import pytest

from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.remote import CommandFailed
from api.tier_command import set_tier
from api.tiers import MemoryTierStore, Tier, TierStore
from api.tiers_postgres import PostgresTierStore
from config.postgres import Database
from config.settings import load


async def an_account(database: Database) -> str:
    account = new_account(AccountKind.GUEST, "Guest", 0)
    await PostgresAccountStore(database).create(account, hash_token("token"))
    return account.id


@pytest.mark.parametrize("kind", ["memory", "postgres"])
async def test_an_account_is_free_until_it_has_another_tier(kind: str, database: Database) -> None:
    account = await an_account(database)
    memory = kind == "memory"
    store: TierStore = MemoryTierStore() if memory else PostgresTierStore(database)
    assert await store.tier(account) is Tier.FREE
    for tier in (Tier.GOLD, Tier.BRONZE, Tier.FREE, Tier.SILVER):
        await store.set_tier(account, tier)
        assert await store.tier(account) is tier
    assert await store.tier("acc_other") is Tier.FREE


async def test_the_operator_gives_a_tier_to_an_account_that_there_is(
    database: Database, postgres_url: str
) -> None:
    account = await an_account(database)
    settings = load([f"--database.url={postgres_url}"], {}, None)
    await set_tier(settings, account, Tier.GOLD)
    assert await PostgresTierStore(database).tier(account) is Tier.GOLD
    with pytest.raises(CommandFailed, match="there is no account acc_nobody"):
        await set_tier(settings, "acc_nobody", Tier.GOLD)
