"""Both stores of sign-ins, API keys, logins and spent challenges say the same."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from api.auth.account import (
    Account,
    AccountKind,
    AccountStore,
    MemoryAccountStore,
    hash_token,
    new_account,
)
from api.auth.account_postgres import PostgresAccountStore
from api.auth.api_key import ApiKeyStore, MemoryApiKeyStore, TooManyKeys, new_key
from api.auth.api_key_postgres import PostgresApiKeyStore
from api.auth.login import (
    EmailTaken,
    HasPassword,
    LastWayIn,
    LinkedWallet,
    LoginStore,
    MemoryLoginStore,
    PasswordLogin,
    TooManyWallets,
)
from api.auth.login_postgres import PostgresLoginStore
from api.auth.scopes import Scope
from api.auth.sign_in import (
    MemorySignInStore,
    RefreshReused,
    SignIn,
    SignInOver,
    SignInStore,
    new_sign_in,
)
from api.auth.sign_in_postgres import PostgresSignInStore
from api.auth.spent import MemorySpentStore, PostgresSpentStore, SpentStore
from config.limits import (
    API_KEYS_OF_ACCOUNT_MAX,
    CHALLENGE_SECONDS,
    SIGN_IN_IDLE_SECONDS,
    SIGN_IN_SECONDS_MAX,
    SIGN_INS_OF_ACCOUNT_MAX,
    WALLETS_OF_ACCOUNT_MAX,
)
from config.postgres import Database

WALL_MS = 1_700_000_000_000
NOW = datetime.fromtimestamp(WALL_MS / 1000, UTC)
DAY = timedelta(days=1)


@dataclass
class Kept:
    accounts: AccountStore
    sign_ins: SignInStore
    keys: ApiKeyStore
    logins: LoginStore
    spent: SpentStore
    numbers: int = 0

    async def account(self, kind: AccountKind = AccountKind.GUEST) -> Account:
        """One more, whose token is its id."""
        self.numbers += 1
        account = new_account(kind, "Guest", WALL_MS + self.numbers)
        await self.accounts.create(account, hash_token(account.id))
        return account

    async def sign_in(self, account: Account, wall_ms: int = WALL_MS) -> SignIn:
        self.numbers += 1
        sign_in = new_sign_in(account.id, "GABC", "A browser", wall_ms + self.numbers)
        await self.sign_ins.begin(sign_in, b"first " + sign_in.id.encode())
        return sign_in


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        accounts = MemoryAccountStore()
        stores = (MemorySignInStore(), MemoryApiKeyStore(), MemoryLoginStore(accounts))
        return Kept(accounts, *stores, MemorySpentStore())
    database: Database = request.getfixturevalue("server_database")
    return Kept(
        PostgresAccountStore(database),
        PostgresSignInStore(database),
        PostgresApiKeyStore(database),
        PostgresLoginStore(database),
        PostgresSpentStore(database),
    )


async def test_a_refresh_token_is_good_once_and_ends_all_when_it_is_used_twice(kept: Kept) -> None:
    account, store = await kept.account(), kept.sign_ins
    sign_in = await kept.sign_in(account)
    first = b"first " + sign_in.id.encode()
    renewed = await store.refresh(sign_in.id, first, b"second", NOW + DAY)
    assert renewed == replace(
        sign_in, used_at=NOW + DAY, expires_at=NOW + DAY + timedelta(seconds=SIGN_IN_IDLE_SECONDS)
    )
    assert await store.get(sign_in.id, NOW + DAY) == renewed
    other = await kept.sign_in(account)
    with pytest.raises(RefreshReused):
        await store.refresh(sign_in.id, first, b"third", NOW + DAY)
    with pytest.raises(SignInOver):
        await store.refresh(sign_in.id, b"second", b"third", NOW + DAY)
    assert await store.get(sign_in.id, NOW) is None
    assert await store.of_account(account.id, NOW) == [other]
    assert await store.open_of(frozenset({sign_in.id, other.id}), NOW) == {other.id}


async def test_a_sign_in_is_over_when_nobody_came_or_after_half_a_year(kept: Kept) -> None:
    sign_in = await kept.sign_in(await kept.account())
    at, expires_at, token = sign_in.began_at, sign_in.expires_at, b"first " + sign_in.id.encode()
    end = sign_in.began_at + timedelta(seconds=SIGN_IN_SECONDS_MAX)
    while at + 29 * DAY < end:
        at += 29 * DAY
        following = at.isoformat().encode()
        expires_at = (await kept.sign_ins.refresh(sign_in.id, token, following, at)).expires_at
        token = following
    assert expires_at == end
    with pytest.raises(SignInOver):
        await kept.sign_ins.refresh(sign_in.id, token, b"more", end)
    idle = await kept.sign_in(await kept.account())
    assert await kept.sign_ins.get(idle.id, idle.expires_at) is None


async def test_sessions_are_ended_one_by_one_and_all_but_one_by_their_owner(kept: Kept) -> None:
    ann, ben = await kept.account(), await kept.account()
    mine = [await kept.sign_in(ann) for _ in range(SIGN_INS_OF_ACCOUNT_MAX + 2)]
    his = await kept.sign_in(ben)
    store = kept.sign_ins
    assert await store.of_account(ann.id, NOW) == mine[:1:-1], "the oldest two have made room"
    assert not await store.end(ann.id, his.id, NOW)
    assert await store.end(ann.id, mine[2].id, NOW)
    assert not await store.end(ann.id, mine[2].id, NOW)
    await store.end_others(ann.id, mine[3].id, NOW)
    assert await store.of_account(ann.id, NOW) == [mine[3]]
    await store.end_others(ann.id, None, NOW)
    assert await store.of_account(ann.id, NOW) == []
    assert await store.of_account(ben.id, NOW) == [his]


async def test_a_key_is_found_by_its_hash_until_it_is_revoked_or_over(kept: Kept) -> None:
    ann, ben = await kept.account(), await kept.account()
    plain = new_key(ann.id, "CI", [Scope.READ, Scope.STREAM], "sk_abcdefgh", WALL_MS)
    brief = replace(
        new_key(ann.id, "a day", [Scope.READ], "sk_2", WALL_MS + 1), expires_at=NOW + DAY
    )
    await kept.keys.create(plain, b"1")
    await kept.keys.create(brief, b"2")
    assert plain.hint == "efgh"
    assert await kept.keys.of_account(ann.id) == [brief, plain]
    assert await kept.keys.use(b"1", NOW) == replace(plain, last_used_at=NOW)
    moment = NOW + timedelta(seconds=1)
    assert await kept.keys.use(b"1", moment) == replace(plain, last_used_at=NOW), "not each time"
    assert await kept.keys.use(b"2", NOW + DAY) is None
    assert await kept.keys.use(b"3", NOW) is None
    both = frozenset({plain.id, brief.id})
    assert await kept.keys.good_of(both, NOW + DAY) == {plain.id}
    assert not await kept.keys.revoke(ben.id, plain.id)
    assert await kept.keys.revoke(ann.id, plain.id)
    assert not await kept.keys.revoke(ann.id, plain.id)
    assert await kept.keys.use(b"1", NOW) is None
    assert await kept.keys.good_of(both, NOW) == {brief.id}
    assert await kept.keys.of_account(ann.id) == [brief]


async def test_an_account_has_so_many_keys_and_wallets(kept: Kept) -> None:
    ann = await kept.account()
    for number in range(API_KEYS_OF_ACCOUNT_MAX):
        key = new_key(ann.id, "one", [Scope.READ], "sk_1", WALL_MS + number)
        await kept.keys.create(key, str(number).encode())
    with pytest.raises(TooManyKeys):
        await kept.keys.create(new_key(ann.id, "more", [Scope.READ], "sk_1", 0), b"more")
    for number in range(WALLETS_OF_ACCOUNT_MAX):
        await kept.logins.open_with_wallet(ann, LinkedWallet(f"G{number}", NOW))
    with pytest.raises(TooManyWallets):
        await kept.logins.open_with_wallet(ann, LinkedWallet("more", NOW))
    assert await kept.logins.open_with_wallet(ann, LinkedWallet("G1", NOW)) == ann.id


async def test_a_guest_who_signs_up_keeps_the_account_and_gives_the_token_back(kept: Kept) -> None:
    guest = await kept.account()
    named = replace(guest, display_name="Vera")
    await kept.logins.open_with_password(named, PasswordLogin(guest.id, "vera@x.org", "phc"))
    assert await kept.accounts.get(guest.id) == named
    assert await kept.accounts.by_token_hash(hash_token(guest.id)) is None
    assert await kept.logins.by_email("vera@x.org") == PasswordLogin(guest.id, "vera@x.org", "phc")
    await kept.logins.set_password(guest.id, "other")
    login = await kept.logins.password_of(guest.id)
    assert login == PasswordLogin(guest.id, "vera@x.org", "other")
    # The operator's own token is in a file, and opens the studio after that, too.
    creator = await kept.account(AccountKind.CREATOR)
    await kept.logins.open_with_password(creator, PasswordLogin(creator.id, "op@x.org", "phc"))
    assert await kept.accounts.by_token_hash(hash_token(creator.id)) == creator


async def test_an_address_and_a_wallet_open_one_account_each(kept: Kept) -> None:
    ann, ben = await kept.account(), new_account(AccountKind.GUEST, "Ben", WALL_MS)
    logins = kept.logins
    await logins.open_with_password(ann, PasswordLogin(ann.id, "ann@x.org", "phc"))
    with pytest.raises(EmailTaken):
        await logins.open_with_password(ben, PasswordLogin(ben.id, "ann@x.org", "phc"))
    assert await kept.accounts.get(ben.id) is None, "nothing was made"
    with pytest.raises(HasPassword):
        await logins.open_with_password(ann, PasswordLogin(ann.id, "two@x.org", "phc"))
    assert await logins.by_email("two@x.org") is None
    wallet = LinkedWallet("GANN", NOW)
    assert await logins.open_with_wallet(ann, wallet) == ann.id
    assert await logins.open_with_wallet(ben, wallet) == ann.id
    assert await kept.accounts.get(ben.id) is None
    assert (await logins.by_wallet("GANN"), await logins.by_wallet("GBEN")) == (ann.id, None)
    assert await logins.wallets_of(ann.id) == [wallet]


async def test_the_last_way_in_is_not_taken_away(kept: Kept) -> None:
    ann = new_account(AccountKind.GUEST, "Ann", WALL_MS)
    logins = kept.logins
    for subject in ("G1", "G2"):
        await logins.open_with_wallet(ann, LinkedWallet(subject, NOW))
    assert await logins.unlink(ann.id, "G1")
    assert not await logins.unlink(ann.id, "G1")
    with pytest.raises(LastWayIn):
        await logins.unlink(ann.id, "G2")
    assert await logins.by_wallet("G2") == ann.id
    await logins.open_with_password(ann, PasswordLogin(ann.id, "ann@x.org", "phc"))
    assert await logins.unlink(ann.id, "G2")
    assert await logins.wallets_of(ann.id) == []


async def test_a_challenge_is_spent_once_and_forgotten_long_after_it_is_over(kept: Kept) -> None:
    until = NOW + timedelta(seconds=CHALLENGE_SECONDS)
    assert await kept.spent.spend(b"one", until, NOW)
    assert not await kept.spent.spend(b"one", until, NOW)
    assert await kept.spent.spend(b"two", until, until)
    assert not await kept.spent.spend(b"one", until, until)
    later = until + timedelta(seconds=CHALLENGE_SECONDS + 1)
    assert await kept.spent.spend(b"three", later, later)
    assert await kept.spent.spend(b"one", later, later)
