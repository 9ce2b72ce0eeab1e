"""The wiring of signing in: who comes in by which door, and who is recognised later."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from api.auth.access_token import AccessTokens
from api.auth.account import AccountKind
from api.auth.api_key import KeySeal
from api.auth.api_key_postgres import PostgresApiKeyStore
from api.auth.api_keys import ApiKeys
from api.auth.bearer import Bearers
from api.auth.client_domain import ClientDomains
from api.auth.door_limits import door_limits
from api.auth.key_routes import KeyRoutes
from api.auth.login_postgres import PostgresLoginStore
from api.auth.password_routes import PasswordRoutes
from api.auth.profile_routes import ProfileRoutes
from api.auth.refresh_token import RefreshTokens
from api.auth.session_routes import SessionRoutes
from api.auth.side_threads import SideThreads
from api.auth.sign_in_keys import challenge_seed, sign_in_secret
from api.auth.sign_in_postgres import PostgresSignInStore
from api.auth.sign_ins import SignIns
from api.auth.spent import PostgresSpentStore
from api.auth.stellar_toml import StellarToml
from api.auth.wallet_proof import ChallengeTerms, Signatories, WalletProof
from api.auth.wallet_routes import WalletRoutes
from api.auth.watch import Watch
from api.public_address import PublicResolver
from api.secret_names import API_KEY_KEY, REFRESH_KEY
from api.stores import Stores
from config.limits import (
    CHALLENGE_THREADS,
    CHALLENGES_WAITING_MAX,
    PASSWORD_THREADS,
    PASSWORDS_WAITING_MAX,
)
from config.settings import Settings


class Chain(Signatories, Protocol):
    """What is asked of the chain's side of this server."""

    async def addresses(self) -> Sequence[str]:
        """The accounts that this server pays from or is paid at."""


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


def open_doors(stores: Stores, chain: Chain, url: str) -> Doors:
    """Make all of it.

    Args:
        url: of this server, as people see it.

    Raises:
        SecretExposed: others can read one of the keys.
    """
    clock, database, secrets = stores.clock, stores.database, stores.secrets
    logins, limits = PostgresLoginStore(database), door_limits(clock)
    sign_ins = SignIns(
        PostgresSignInStore(database),
        stores.accounts,
        AccessTokens(sign_in_secret(secrets), f"{url}/auth"),
        RefreshTokens(secrets.create_or_read(REFRESH_KEY)[0].encode()),
        clock,
    )
    seal = KeySeal(secrets.create_or_read(API_KEY_KEY)[0].encode())
    keys = ApiKeys(PostgresApiKeyStore(database), stores.accounts, seal, clock)
    bearers = Bearers(stores.accounts, clock, (sign_ins, keys))
    challenges = SideThreads("challenge", CHALLENGE_THREADS, CHALLENGES_WAITING_MAX)
    passwords = SideThreads("password", PASSWORD_THREADS, PASSWORDS_WAITING_MAX)
    domain, passphrase = urlsplit(url).netloc, stores.network.passphrase
    terms = ChallengeTerms(challenge_seed(secrets), passphrase, domain)
    proof = WalletProof(terms, chain, PostgresSpentStore(database), challenges, clock)
    kind = _kind_of_newcomers(stores.settings)
    foreign = ClientDomains(PublicResolver()) if stores.settings.auth.client_domains else None

    watch = Watch(bearers)

    async def stop() -> None:
        await watch.stop()
        challenges.stop()
        passwords.stop()

    return Doors(
        bearers=bearers,
        wallets=WalletRoutes(
            *(proof, logins, stores.accounts, sign_ins, bearers, limits, clock),
            *(domain, passphrase, foreign, kind),
        ),
        passwords=PasswordRoutes(
            *(logins, stores.accounts, sign_ins, bearers, passwords, limits, clock, kind)
        ),
        sessions=SessionRoutes(sign_ins, bearers, limits),
        profile=ProfileRoutes(logins, stores.accounts, bearers),
        keys=KeyRoutes(keys, bearers, clock),
        toml=StellarToml(proof, chain.addresses, url, passphrase),
        start=watch.start,
        stop=stop,
    )


def _kind_of_newcomers(settings: Settings) -> AccountKind | None:
    if settings.auth.sign_up == "closed":
        return None
    return AccountKind.CREATOR if settings.auth.creators == "everybody" else AccountKind.GUEST
