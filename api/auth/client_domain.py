"""Where a wallet says that it is from: the key in that domain's stellar.toml (SEP-1, SEP-10)."""

import asyncio
import re
import ssl
import tomllib
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from api.auth.challenge import ChallengeRefused
from api.bounded_answer import IDENTITY, AnswerTooLarge, read_at_most
from config.limits import (
    CLIENT_DOMAIN_BYTES_MAX,
    CLIENT_DOMAIN_SECONDS_MAX,
    CLIENT_DOMAINS_AT_ONCE,
)

# Names only, with a last part of letters: no address in whatever notation, no port.
_NAME = re.compile(r"(?=.{4,64}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_KEY = re.compile(r"G[A-Z2-7]{55}")
_HTTPS = 443


class ClientDomains:
    """Asks foreign servers, over HTTPS only: a few at once, each with little time and few bytes.

    Args:
        resolver: says which addresses names stand for (see `PublicResolver`).
        port, tls: where and how servers are asked; of another kind in tests only.
    """

    def __init__(
        self,
        resolver: AbstractResolver,
        port: int = _HTTPS,
        tls: ssl.SSLContext | bool = True,
    ) -> None:
        self._resolver = resolver
        self._port = port
        self._tls = tls
        self._turns = asyncio.Semaphore(CLIENT_DOMAINS_AT_ONCE)

    async def signing_key(self, domain: str) -> str:
        """The key that signs for a domain.

        Raises:
            ChallengeRefused: there is none to be had.
        """
        if _NAME.fullmatch(domain) is None:
            raise ChallengeRefused("client_domain: the name of a domain, in lower case")
        try:
            async with asyncio.timeout(CLIENT_DOMAIN_SECONDS_MAX), self._turns:
                text = await self._fetch(domain)
        except (aiohttp.ClientError, AnswerTooLarge, OSError):
            # Nothing more is said: what is behind a name is nobody's business.
            raise ChallengeRefused(f"client_domain: {domain} has no stellar.toml for us") from None
        key = _signing_key(text)
        if key is None:
            raise ChallengeRefused(f"client_domain: {domain} names no SIGNING_KEY")
        return key

    async def _fetch(self, domain: str) -> bytes:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver, use_dns_cache=False, force_close=True, ssl=self._tls
        )
        url = f"https://{domain}:{self._port}/.well-known/stellar.toml"
        async with (
            aiohttp.ClientSession(
                connector=connector,
                headers=IDENTITY,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as http,
            http.get(url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise aiohttp.ClientPayloadError(f"status {answer.status}")
            return await read_at_most(answer, CLIENT_DOMAIN_BYTES_MAX)


def _signing_key(text: bytes) -> str | None:
    try:
        document: dict[str, Any] = tomllib.loads(text.decode())
    except (ValueError, RecursionError):
        return None
    key = document.get("SIGNING_KEY")
    return key if isinstance(key, str) and _KEY.fullmatch(key) else None
