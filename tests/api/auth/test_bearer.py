"""Whose token it is, remembered for two seconds, and while the database is away."""

import pytest

from api.auth.account import Account, AccountKind, hash_token, new_account
from api.auth.bearer import Bearers
from api.errors import Problem
from config.clock import ManualClock
from config.connection_pool import DatabaseAway
from config.limits import BEARER_RECHECK_MS

VERA = new_account(AccountKind.GUEST, "Vera", 0)


class Accounts:
    """Knows one token, until it does not."""

    def __init__(self) -> None:
        self.tokens = {hash_token("tc_vera"): VERA}
        self.asked = 0
        self.is_away = False

    async def by_token_hash(self, token_hash: bytes) -> Account | None:
        self.asked += 1
        if self.is_away:
            raise DatabaseAway
        return self.tokens.get(token_hash)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_what_was_revoked_on_another_server_stops_within_two_seconds(
    clock: ManualClock,
) -> None:
    accounts = Accounts()
    bearers = Bearers(accounts, clock)
    for _ in range(3):
        assert (await bearers.caller_of("tc_vera")).account == VERA
    assert accounts.asked == 1
    accounts.tokens.clear()
    clock.advance(BEARER_RECHECK_MS - 1)
    await bearers.caller_of("tc_vera")
    clock.advance(1)
    with pytest.raises(Problem, match="not known"):
        await bearers.caller_of("tc_vera")


async def test_what_is_revoked_here_stops_at_once(clock: ManualClock) -> None:
    accounts = Accounts()
    bearers = Bearers(accounts, clock)
    await bearers.caller_of("tc_vera")
    accounts.tokens.clear()
    bearers.forget("acc_of_somebody_else")
    await bearers.caller_of("tc_vera")
    bearers.forget(VERA.id)
    with pytest.raises(Problem, match="not known"):
        await bearers.caller_of("tc_vera")


async def test_who_was_known_goes_on_while_the_database_is_away(clock: ManualClock) -> None:
    accounts = Accounts()
    bearers = Bearers(accounts, clock)
    await bearers.caller_of("tc_vera")
    accounts.is_away = True
    clock.advance(BEARER_RECHECK_MS)
    assert (await bearers.caller_of("tc_vera")).account == VERA
    with pytest.raises(DatabaseAway):
        await bearers.caller_of("tc_stranger")
    accounts.is_away = False
    accounts.tokens.clear()
    with pytest.raises(Problem):
        await bearers.caller_of("tc_vera")
