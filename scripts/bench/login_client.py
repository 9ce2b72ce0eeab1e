"""Wallets that sign in all at once: `python -m scripts.bench.login_client URL COUNT`.

Prints how many were let in, and in how many seconds.
"""

import asyncio
import json
import sys
from time import perf_counter

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from stellar_sdk import Keypair, TransactionEnvelope

_SECONDS_MAX = 60


async def _sign_in(http: ClientSession, key: Keypair) -> bool:
    async with http.get("/auth", params={"account": key.public_key}) as answer:
        challenge = await answer.json()
    envelope = TransactionEnvelope.from_xdr(
        challenge["transaction"], challenge["network_passphrase"]
    )
    envelope.sign(key)
    async with http.post("/auth", json={"transaction": envelope.to_xdr()}) as answer:
        return answer.status == 200


async def _main(url: str, count: int) -> None:
    keys = [Keypair.random() for _ in range(count)]
    timeout = ClientTimeout(total=_SECONDS_MAX)
    async with ClientSession(url, connector=TCPConnector(limit=0), timeout=timeout) as http:
        began = perf_counter()
        let_in = await asyncio.gather(*(_sign_in(http, key) for key in keys))
        print(json.dumps({"in": sum(let_in), "seconds": perf_counter() - began}))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
