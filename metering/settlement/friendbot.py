"""Friendbot of a test network or of the local one, over HTTP."""

import json

from metering.settlement.chain import ChainUnreachable
from metering.settlement.stellar_client import NO_ANSWER, StellarClient


class HttpFriendbot:
    """Implements `treasury.Friendbot`.

    Args:
        url: e.g. `http://127.0.0.1:8000/friendbot`.
        client: waits long enough for a ledger; closed by its owner.
    """

    def __init__(self, url: str, client: StellarClient) -> None:
        self._url = url
        self._client = client

    async def fund(self, address: str) -> str:
        try:
            response = await self._client.get(self._url, params={"addr": address})
            if response.status_code != 200:
                raise ChainUnreachable(f"friendbot refused: {response.status_code}")
            hash_: str = json.loads(response.text)["hash"]
        except (NO_ANSWER, ValueError, KeyError, TypeError) as error:
            raise ChainUnreachable(f"friendbot: {type(error).__name__}: {error}") from error
        return hash_
