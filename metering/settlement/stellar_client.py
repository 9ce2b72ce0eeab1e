"""An HTTP client for the Stellar SDK over aiohttp, with deadlines and a bound on answers.

The SDK's own one replaces `StreamReader.readline` of the aiohttp in this process, which breaks
multipart uploads to our server, and lets TimeoutError escape, so that a submission gets lost.
"""

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.client.response import Response
from stellar_sdk.exceptions import BaseRequestError, ContentSizeLimitExceededError
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError

from config.limits import STELLAR_READ_SECONDS_MAX, STELLAR_RESPONSE_BYTES_MAX

# What a request raises that brought no answer, or one that is too long.
NO_ANSWER = BaseRequestError


class StellarClient(BaseAsyncClient):
    """Raises the SDK's ConnectionError for everything that is not an answer, late ones included.

    Args:
        seconds_max: how long one request may take in all.
    """

    def __init__(self, seconds_max: float = STELLAR_READ_SECONDS_MAX) -> None:
        self._timeout = aiohttp.ClientTimeout(total=seconds_max)
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self,
        url: str,
        params: dict[str, str] | None = None,
        max_content_size: int | None = None,
    ) -> Response:
        limit = min(max_content_size or STELLAR_RESPONSE_BYTES_MAX, STELLAR_RESPONSE_BYTES_MAX)
        return await self._request("GET", url, limit, params=params)

    async def post(
        self,
        url: str,
        data: dict[str, str] | None = None,
        json_data: dict[str, Any] | None = None,
    ) -> Response:
        limit = STELLAR_RESPONSE_BYTES_MAX
        return await self._request("POST", url, limit, data=data, json=json_data)

    def stream(
        self, url: str, params: dict[str, str] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Not offered: we follow the chain by asking.

        Raises:
            StellarConnectionError: always.
        """
        raise StellarConnectionError(f"{url} is not streamed: {params}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _request(self, method: str, url: str, limit: int, **content: Any) -> Response:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.request(
                method, url, allow_redirects=False, **content
            ) as response:
                text = await _read(response, limit)
                return Response(response.status, text, dict(response.headers), str(response.url))
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as error:
            raise StellarConnectionError(f"{type(error).__name__}: {error}") from error


async def _read(response: aiohttp.ClientResponse, limit: int) -> str:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise ContentSizeLimitExceededError(limit, len(body))
    return body.decode(response.charset or "utf-8")
