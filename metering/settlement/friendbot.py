"""Friendbot of a test network or of the local one, over HTTP."""

import json

from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.exceptions import SdkError

from metering.settlement.chain import ChainUnreachable


class HttpFriendbot:
    """Implements `treasury.Friendbot`.

    Args:
        url: e.g. `http://127.0.0.1:8000/friendbot`.
        client: waits long enough for a ledger; closed by its owner.
    """

    def __init__(self, url: str, client: BaseAsyncClient) -> None:
        self._url = url
        self._client = client

    async def fund(self, address: str) -> str:
        try:
            response = await self._client.get(self._url, params={"addr": address})
            if response.status_code != 200:
                raise ChainUnreachable(f"friendbot refused: {response.status_code}")
            hash_: str = json.loads(response.text)["hash"]
        except (SdkError, ValueError, KeyError, TypeError) as error:
            raise ChainUnreachable(f"friendbot: {type(error).__name__}: {error}") from error
        return hash_
