"""What a new server needs before anybody can use it: a creator, a source and their secrets."""

from dataclasses import dataclass

from api.auth.account import Account, AccountKind, AccountStore, hash_token, new_account, new_token
from api.secret_names import CREATOR_TOKEN
from api.sources import NewSource, make_source
from api.stream_keys import replace_main_key
from config.clock import Clock
from config.secret_files import SecretFiles
from ingest.source import Source
from ingest.source_store import SourceStore
from metering.offer import Offer
from metering.tariff import Price

MAIN_SOURCE = "main"
DEMO_SOURCE = "demo"


@dataclass(frozen=True, slots=True)
class FirstStart:
    """Makes what is missing, and finds again what an earlier start has made."""

    accounts: AccountStore
    sources: SourceStore
    secrets: SecretFiles
    clock: Clock
    price: Price

    async def creator(self) -> tuple[Account, str]:
        """The server's own creator, and the token that opens its studio."""
        token, _ = self.secrets.create_or_read(CREATOR_TOKEN, new_token)
        known = await self.accounts.by_token_hash(hash_token(token))
        if known is not None:
            return known, token
        creator = new_account(AccountKind.CREATOR, "You", self.clock.wall_ms())
        await self.accounts.create(creator, hash_token(token))
        return creator, token

    async def main_source(self, creator: Account) -> str | None:
        """Make the first source; its stream key when it is new, None when it was there."""
        if await self.sources.by_name(MAIN_SOURCE) is not None:
            return None
        _, key = await self._make(creator, MAIN_SOURCE, "My stream")
        return key

    async def demo_source(self, creator: Account) -> tuple[Source, str]:
        """The demo's source, and a key for its publisher: a new one each time, kept nowhere."""
        source = await self.sources.by_name(DEMO_SOURCE)
        if source is None:
            return await self._make(creator, DEMO_SOURCE, "Test pattern")
        secret, _ = await replace_main_key(self.sources, source, self.clock)
        return source, secret

    async def _make(self, creator: Account, name: str, title: str) -> tuple[Source, str]:
        draft = NewSource(creator.id, name, title, Offer.of(self.price))
        return await make_source(self.sources, draft, self.clock)
