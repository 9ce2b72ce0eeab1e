"""The wiring of signing in: who comes in by which door, and who is recognised later."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from api.area import RouteTable, tables
from api.auth.access_token import AccessTokens
from api.auth.account import AccountKind, AccountStore
from api.auth.api_key import ApiKeyStore, KeySeal
from api.auth.api_key_postgres import PostgresApiKeyStore
from api.auth.api_keys import ApiKeys
from api.auth.bearer import Bearers
from api.auth.client_domain import ClientDomains
from api.auth.door_limits import door_limits
from api.auth.key_routes import KeyRoutes
from api.auth.login import LoginStore
from api.auth.login_postgres import PostgresLoginStore
from api.auth.password_routes import PasswordRoutes
from api.auth.profile_routes import ProfileRoutes
from api.auth.refresh_token import RefreshTokens
from api.auth.session_routes import SessionRoutes
from api.auth.side_threads import SideThreads
from api.auth.sign_in import SignInStore
from api.auth.sign_in_keys import challenge_seed, sign_in_secret
from api.auth.sign_in_postgres import PostgresSignInStore
from api.auth.sign_ins import SignIns
from api.auth.spent import PostgresSpentStore, SpentStore
from api.auth.stellar_toml import StellarToml
from api.auth.wallet_proof import ChallengeTerms, Signatories, WalletProof
from api.auth.wallet_routes import WalletRoutes
from api.auth.watch import Watch
from api.public_address import PublicResolver
from api.secret_names import API_KEY_KEY, REFRESH_KEY
from api.stores import Stores
from config.clock import Clock
from config.limits import (
    CHALLENGE_THREADS,
    CHALLENGES_WAITING_MAX,
    PASSWORD_THREADS,
    PASSWORDS_WAITING_MAX,
)
from config.settings import Auth


class Chain(Signatories, Protocol):
    """What is asked of the chain's side of this server."""

    async def addresses(self) -> Sequence[str]:
        """The accounts that this server pays from or is paid at."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where all of it is kept."""

    accounts: AccountStore
    logins: LoginStore
    sign_ins: SignInStore
    keys: ApiKeyStore
    spent: SpentStore


@dataclass(frozen=True, slots=True)
class DoorKeys:
    """What signing in rests on; the seed is of the key that signs challenges."""

    sign_in: bytes = field(repr=False)
    refresh: bytes = field(repr=False)
    api_key: bytes = field(repr=False)
    challenge_seed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Premises:
    """The server that has the doors.

    Attributes:
        url: of it, as people see it.
        passphrase: of its network.
    """

    url: str
    passphrase: str
    auth: Auth
    clock: Clock


@dataclass(frozen=True, slots=True)
class Doors:
    """The routes of signing in, and what recognises who has."""

    bearers: Bearers
    wallets: WalletRoutes
    passwords: PasswordRoutes
    sessions: SessionRoutes
    profile: ProfileRoutes
    keys: KeyRoutes
    toml: StellarToml
    start: Callable[[], None]
    stop: Callable[[], Awaitable[None]]

    def routes(self) -> RouteTable:
        return tables(
            *(self.toml, self.wallets, self.passwords, self.sessions, self.profile, self.keys)
        )


def open_doors(stores: Stores, chain: Chain, url: str) -> Doors:
    """The doors of this server, with everything kept in Postgres.

    Raises:
        SecretExposed: others can read one of the keys.
    """
    database, secrets = stores.database, stores.secrets
    kept = Kept(
        stores.accounts,
        PostgresLoginStore(database),
        PostgresSignInStore(database),
        PostgresApiKeyStore(database),
        PostgresSpentStore(database),
    )
    keys = DoorKeys(
        sign_in_secret(secrets),
        secrets.create_or_read(REFRESH_KEY)[0].encode(),
        secrets.create_or_read(API_KEY_KEY)[0].encode(),
        challenge_seed(secrets),
    )
    passphrase, auth = stores.network.passphrase, stores.settings.auth
    return make_doors(kept, keys, Premises(url, passphrase, auth, stores.clock), chain)


def make_doors(kept: Kept, keys: DoorKeys, premises: Premises, chain: Chain) -> Doors:
    """Hand every part its neighbours."""
    clock, url, accounts = premises.clock, premises.url, kept.accounts
    access = AccessTokens(keys.sign_in, f"{url}/auth")
    refresh = RefreshTokens(keys.refresh)
    sign_ins = SignIns(kept.sign_ins, accounts, access, refresh, clock)
    api_keys = ApiKeys(kept.keys, accounts, KeySeal(keys.api_key), clock)
    bearers = Bearers(accounts, clock, (sign_ins, api_keys))
    challenges = SideThreads("challenge", CHALLENGE_THREADS, CHALLENGES_WAITING_MAX)
    passwords = SideThreads("password", PASSWORD_THREADS, PASSWORDS_WAITING_MAX)
    domain, limits = urlsplit(url).netloc, door_limits(clock)
    terms = ChallengeTerms(keys.challenge_seed, premises.passphrase, domain)
    proof = WalletProof(terms, chain, kept.spent, challenges, clock)
    kind = _kind_of_newcomers(premises.auth)
    foreign = ClientDomains(PublicResolver()) if premises.auth.client_domains else None
    watch = Watch(bearers)

    async def stop() -> None:
        await watch.stop()
        challenges.stop()
        passwords.stop()

    return Doors(
        bearers=bearers,
        wallets=WalletRoutes(
            *(proof, kept.logins, accounts, sign_ins, bearers, limits, clock),
            *(domain, premises.passphrase, foreign, kind),
        ),
        passwords=PasswordRoutes(
            *(kept.logins, accounts, sign_ins, bearers, passwords, limits, clock, kind)
        ),
        sessions=SessionRoutes(sign_ins, bearers, limits),
        profile=ProfileRoutes(kept.logins, accounts, bearers),
        keys=KeyRoutes(api_keys, bearers, clock),
        toml=StellarToml(proof, chain.addresses, url, premises.passphrase),
        start=watch.start,
        stop=stop,
    )


def _kind_of_newcomers(auth: Auth) -> AccountKind | None:
    if auth.sign_up == "closed":
        return None
    return AccountKind.CREATOR if auth.creators == "everybody" else AccountKind.GUEST
