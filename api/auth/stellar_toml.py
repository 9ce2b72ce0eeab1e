"""The server's stellar.toml (SEP-1): what wallets have to know before they sign anything."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.wallet_proof import WalletProof
from api.auth.wallet_routes import OPEN_TO_ALL

_CACHE = {**OPEN_TO_ALL, "Cache-Control": "public, max-age=300"}


@dataclass(frozen=True, slots=True)
class TomlFacts:
    """What is in it.

    Attributes:
        url: of this server, without a slash at its end.
        signing_key: signs challenges, and nothing on the chain.
        accounts: that this server pays from or is paid at.
    """

    url: str
    passphrase: str
    signing_key: str
    accounts: Sequence[str]


def write_toml(facts: TomlFacts) -> str:
    """The file. Text in JSON is text in TOML."""
    return "\n".join(
        [
            'VERSION="2.7.0"',
            f"NETWORK_PASSPHRASE={json.dumps(facts.passphrase)}",
            f"SIGNING_KEY={json.dumps(facts.signing_key)}",
            f"WEB_AUTH_ENDPOINT={json.dumps(f'{facts.url}/auth')}",
            f"ACCOUNTS={json.dumps(list(facts.accounts))}",
            "",
            "[DOCUMENTATION]",
            'ORG_NAME="Tollcast"',
            f"ORG_URL={json.dumps(facts.url)}",
            "",
            "[[CURRENCIES]]",
            'code="native"',
            'name="lumens"',
            "display_decimals=7",
            "is_asset_anchored=false",
            "",
        ]
    )


@dataclass(frozen=True, slots=True)
class StellarToml:
    """The route `/.well-known/stellar.toml`."""

    proof: WalletProof
    accounts: Callable[[], Awaitable[Sequence[str]]]
    url: str
    passphrase: str

    def routes(self) -> RouteTable:
        return [
            web.get("/.well-known/stellar.toml", self.get),
        ]

    async def get(self, _request: web.Request) -> web.Response:
        key = await self.proof.address()
        facts = TomlFacts(self.url, self.passphrase, key, await self.accounts())
        # As text, SEP-1 wants: browsers show it.
        return web.Response(
            text=write_toml(facts), content_type="text/plain", charset="utf-8", headers=_CACHE
        )
