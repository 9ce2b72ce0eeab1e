"""API keys as they are shown: who shows one, and what it may do."""

from collections.abc import Iterable
from datetime import UTC, datetime

from api.auth.api_key import PREFIX, ApiKey, ApiKeyStore, KeySeal
from api.auth.caller import Caller, Proof
from api.auth.sign_ins import Accounts
from config.clock import Clock


class ApiKeys:
    """Keeps and recognises API keys (see `TokenReader`)."""

    def __init__(self, store: ApiKeyStore, accounts: Accounts, seal: KeySeal, clock: Clock) -> None:
        self.store = store
        self._accounts = accounts
        self._seal = seal
        self._clock = clock

    async def keep(self, key: ApiKey, secret: str) -> None:
        """Raises: TooManyKeys."""
        await self.store.create(key, self._seal.hash(secret))

    def reads(self, token: str) -> bool:
        return token.startswith(PREFIX)

    async def read(self, token: str) -> Caller | None:
        key = await self.store.use(self._seal.hash(token), self._now())
        account = None if key is None else await self._accounts.get(key.account_id)
        if key is None or account is None:
            return None
        return Caller(account, Proof.KEY, key.id, key.scopes)

    async def still_good(self, proof_ids: Iterable[str]) -> frozenset[str]:
        return await self.store.good_of(frozenset(proof_ids), self._now())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
