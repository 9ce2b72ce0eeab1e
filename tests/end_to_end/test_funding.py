"""A wallet pays in, its owner watches, and takes out what is left; nothing is credited twice."""

import asyncio
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest
from stellar_sdk import Asset, Keypair, Server, TransactionBuilder

from config.embedded_postgres import ROLE, url_of_running
from config.postgres import Database
from metering.audit.audit import audit
from metering.money import format_amount, parse_amount
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
)
from tests.end_to_end.viewer import watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

XLM = 10**7
FLAGS = ("--settlement.interval_seconds=1", "--settlement.minimum_stroops=1")
PAID_IN, ASTRAY, GIVEN = 125 * XLM // 10, 2 * XLM, 10_000 * XLM


class Wallet:
    """Somebody's own account on the network, and the SDK."""

    def __init__(self, network: str, passphrase: str) -> None:
        self.keypair = Keypair.random()
        self.address = self.keypair.public_key
        self.network = network
        self._passphrase = passphrase

    async def open(self) -> None:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{self.network}/friendbot", params={"addr": self.address}) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def pay(self, *payments: tuple[str, int]) -> None:
        """All in one transaction, which is part of a ledger by then."""
        await asyncio.to_thread(self._pay, payments)

    def _pay(self, payments: tuple[tuple[str, int], ...]) -> None:
        server = Server(self.network)
        builder = TransactionBuilder(server.load_account(self.address), self._passphrase, 100)
        for address, stroops in payments:
            builder.append_payment_op(address, Asset.native(), format_amount(stroops))
        envelope = builder.set_timeout(60).build()
        envelope.sign(self.keypair)
        assert server.submit_transaction(envelope)["successful"]


async def test_what_a_wallet_pays_in_is_credited_once_and_the_rest_comes_back(start: Any) -> None:
    server = await start(*FLAGS)
    async with guest_of(server, funded=False) as guest:
        told = await guest.get("/api/v1/payments/deposit")
        token = guest.http.headers["Authorization"]
        wallet = Wallet(server.announced["network_url"], told["networkPassphrase"])
        await wallet.open()
        await wallet.pay((told["muxedAddress"], PAID_IN), (told["address"], ASTRAY))
        key = server.announced["stream_key"]
        await server.kill()
    server = await start(*FLAGS)
    wallet.network = server.announced["network_url"]
    database = await owner_database(server)
    async with (
        client_of(server, Authorization=token) as guest,
        client_of(server, **server.creator) as operator,
    ):
        await eventually(lambda: credited(guest), 60, "the deposit is credited")
        await read_the_feed_again(database, told["address"])
        assert parse_amount((await guest.get("/api/v1/payments/balance"))["balance"]) == PAID_IN
        assert len((await guest.get("/api/v1/payments/deposits"))["items"]) == 1
        [astray] = (await operator.get("/api/v1/admin/suspense"))["items"]
        await keyed(operator, "/api/v1/admin/suspense/return", {"payment": astray["id"]})

        spent = await watch_a_little(f"{server.rtmp_url}/{key}", guest)
        rest = (await guest.get("/api/v1/payments/balance"))["balance"]
        assert parse_amount(rest) == PAID_IN - spent
        wish = {"amount": rest, "address": wallet.address}
        asked = await keyed(guest, "/api/v1/payments/withdraw", wish, 202)
        assert await keyed(guest, "/api/v1/payments/withdraw", wish, 202) == asked
        path = f"/api/v1/payments/withdrawals/{asked['withdrawalId']}"
        await eventually(lambda: paid(guest, path), 60, "the withdrawal is paid")
        await eventually(lambda: at_rest(database), 60, "nothing is under way")

        fee = 2 * 100
        on_chain = await balances(wallet, database)
        assert on_chain.pop(wallet.address) == GIVEN - fee - spent
        assert on_chain == await in_the_books(database)
    found = await audit(database)
    assert found.sound, [each for each in found.findings if each.verdict != "kept"]
    await database.close()


async def keyed(client: Client, path: str, body: dict[str, str], status: int = 200) -> Any:
    headers = {"Idempotency-Key": path.rpartition("/")[2]}
    async with client.http.post(path, json=body, headers=headers) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return await answer.json()


async def credited(guest: Client) -> bool | None:
    return True if (await guest.get("/api/v1/payments/deposits"))["items"] else None


async def paid(guest: Client, path: str) -> bool | None:
    return True if (await guest.get(path))["state"] == "paid" else None


async def watch_a_little(rtmp_url: str, guest: Client) -> int:
    """Some seconds of a live; returns what they cost."""
    async with publishing(rtmp_url):
        viewer = await watch(guest, "main")

        async def billed() -> bool | None:
            for url, playlist in (await viewer.media_playlists()).items():
                for segment in playlist.segments[-1:]:
                    address = urljoin(url, segment.uri)
                    if address not in viewer.fetched:
                        await viewer.body(address)
            return True if (await viewer.summary())["secondsBilled"] > 1 else None

        await eventually(billed, 60, "something is billed")
        return parse_amount((await viewer.stop())["amount"])


async def owner_database(server: RunningServer) -> Database:
    url = url_of_running(server.data / "postgres", ROLE)
    assert url is not None
    return await Database.connect(url, pool_size=2)


async def read_the_feed_again(database: Database, address: str) -> None:
    """Have the server begin with the first payment that its network ever made."""
    where = "FROM feed_position WHERE address = $1"
    before = await database.fetchval(f"SELECT cursor {where}", address)
    async with database.transaction() as connection:
        await connection.execute("ALTER TABLE feed_position DISABLE TRIGGER feed_position_kept")
        await connection.execute(f"DELETE {where}", address)
        await connection.execute("ALTER TABLE feed_position ENABLE TRIGGER feed_position_kept")

    async def is_there() -> bool | None:
        again = await database.fetchval(f"SELECT cursor >= $2 {where}", address, before)
        return True if again else None

    await eventually(is_there, 60, "all was read again")


async def at_rest(database: Database) -> bool | None:
    """Nobody is being paid, and creators have got what they earned."""
    left = await database.fetchval(
        "SELECT count(*) FROM ledger_account WHERE balance <> 0"
        " AND (id LIKE 'inflight:%' OR id LIKE 'creator:%' OR id LIKE 'hold:%')"
    )
    return None if left else True


async def in_the_books(database: Database) -> dict[str, int]:
    """What the ledger says that our accounts on the chain hold."""
    rows = await database.fetch("SELECT id, -balance AS held FROM ledger_account"
                                " WHERE id LIKE 'chain:%' AND balance <> 0")  # fmt: skip
    return {row["id"]: int(row["held"]) for row in rows}


async def balances(wallet: Wallet, database: Database) -> dict[str, int]:
    """What the wallet holds, and what our accounts do, by their names in the ledger."""
    position = await database.fetchval("SELECT address FROM feed_position")
    names = {wallet.address: wallet.address, position: "chain:hot:XLM"}
    for account in await in_the_books(database):
        if account.startswith("chain:sender:"):
            names[account.split(":")[2]] = account
    found: dict[str, int] = {}
    async with aiohttp.ClientSession(wallet.network) as http:
        for address, name in names.items():
            async with http.get(f"/accounts/{address}") as answer:
                lines = (await answer.json())["balances"]
            native = next(each for each in lines if each["asset_type"] == "native")
            found[name] = parse_amount(native["balance"])
    return found
