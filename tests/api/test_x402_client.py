"""x402's own client pays in, and buys a pass."""

import asyncio
import json
import os
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from stellar_sdk import Keypair

from api.certificate import own_certificate
from api.top_up_money import TopUpMoney
from config.clock import SystemClock
from config.postgres import Database
from metering.funding.deposit import Addresses, Rules
from metering.funding.deposit import network_name as deposit_network
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.taker import DepositTaker
from metering.ledger.ledger import creator_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet.network import LocalNetwork, genesis
from metering.localnet.node import NetworkClock, Node
from metering.localnet.server import Server
from metering.localnet.state_file import StateFile
from metering.money import Stroops
from metering.settlement.chain import SettledAsset
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.x402.sponsor import StellarSponsor
from metering.x402.store_postgres import PostgresTopUps
from metering.x402.terms import network_name
from metering.x402.till import Till
from tests.api.test_passes import DAY, DAY_STROOPS, Desk, pass_desk
from tests.api.test_top_ups import LUMENS, TESTNET, listening
from tests.npm import NPM_TIMEOUT, npm_packages


@pytest.mark.peer
@NPM_TIMEOUT
async def test_the_client_of_x402_buys_a_pass_and_pays_in(
    database: Database, tmp_path: Path
) -> None:
    """On a network of this process that calls itself the test network: the client knows two."""
    versions = ("@x402/fetch@2.9.0", "@x402/stellar@2.9.0")
    modules = await asyncio.to_thread(npm_packages, "x402-2.9.0", *versions)
    client, hot, fees, payer = StellarClient(20), *(Keypair.random() for _ in range(3))
    deposits = PostgresDeposits(database, PostgresLedger(database), deposit_network(TESTNET))
    async with asyncio.timeout(90), AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        server = Server(await running_node(tmp_path, stack))
        network = f"http://127.0.0.1:{await listening(server.application(), stack)}"
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*own_certificate(tmp_path, SystemClock()))
        port = await listening(server.application(), stack, tls)
        for each in (hot, fees, payer):
            await client.get(f"{network}/friendbot", params={"addr": each.public_key})
        taker = takes_on_chain(deposits, database, network, client, hot.public_key, fees)
        desk = await stack.enter_async_context(pass_desk(database, deposits, taker, hot.public_key))
        requests = [
            {"url": f"{desk.url}/api/v1/content/{desk.film}/passes", "body": DAY},
            {"url": f"{desk.url}/api/v1/payments/top-up", "body": {"amount": "12.5"}},
        ]
        bought, paid_in = await pays(modules, f"https://127.0.0.1:{port}", payer, requests)
        assert bought["status"] == 201, bought
        assert bought["document"]["contentId"] == desk.film
        assert bought["response"]["success"] is True
        assert bought["response"]["payer"] == payer.public_key
        assert paid_in["status"] == 200, paid_in
        assert paid_in["document"]["credited"] is True
        assert paid_in["document"]["balance"] == "12.5000000", "of the other one nothing is left"
        assert paid_in["response"]["transaction"] == paid_in["document"]["transactionHash"]
        await watches_for_nothing(desk)


async def watches_for_nothing(desk: Desk) -> None:
    """And the creator has the pass's price but for the fee of a tenth."""
    session = (await desk.rig.start(desk.film))["sessionId"]
    await desk.rig.play(session, 5)
    stopped = await desk.rig.call("POST", "streaming/stop", {"sessionId": session})
    assert (stopped["secondsBilled"], stopped["amount"]) == (10, "0.0000000")
    assert await desk.balance() == "12.5000000"
    ada = creator_account(desk.rig.accounts["ada"], "XLM")
    assert await desk.rig.ledger.balance(ada.id) == DAY_STROOPS - DAY_STROOPS // 10


async def running_node(folder: Path, stack: AsyncExitStack) -> Node:
    clock, state_file = SystemClock(), StateFile(folder / "state")
    # The client agrees to what happens in the next 60 ledgers: on a busy machine it takes a while.
    state = genesis(TESTNET, 300, clock.wall_ms())
    state_file.create(state)
    network = LocalNetwork(state, history_bytes_max=2**20)
    node = Node(network, state_file, NetworkClock(clock, state.header.closed_ms))
    await node.start()
    stack.push_async_callback(node.stop)
    return node


def takes_on_chain(
    deposits: PostgresDeposits,
    database: Database,
    network: str,
    client: StellarClient,
    hot: str,
    fees: Keypair,
) -> TopUpMoney:
    """All of the server that the routes need, on that network."""
    chain = StellarRpc(network, TESTNET, SettledAsset(), client)
    rules = Rules(deposit_network(TESTNET), Addresses(hot, hot), frozenset(("XLM",)), Stroops(1))
    sponsor = StellarSponsor(RpcNode(network, TESTNET, client), fees.secret)
    return TopUpMoney(
        till=Till(PostgresTopUps(database), sponsor, chain, SystemClock(), poll_ms=50),
        sponsor=sponsor,
        taker=DepositTaker([chain.feed(hot)], deposits, rules, lambda account, asset: None),
        ours=frozenset((hot, fees.public_key)),
        network=network_name(TESTNET),
        tokens={"XLM": LUMENS},
        client=client,
        friendbot=None,
    )


async def pays(
    modules: Path, network: str, payer: Keypair, requests: list[dict[str, Any]]
) -> list[Any]:
    """What the client told of each request. It takes known certificates alone, and ours is not."""
    script = Path(__file__).with_name("x402_client.mjs")
    process = await asyncio.create_subprocess_exec(
        *("node", script, modules, network, "vera", payer.secret, json.dumps(requests)),
        env=dict(os.environ) | {"NODE_TLS_REJECT_UNAUTHORIZED": "0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-3000:]
    told: list[Any] = json.loads(out)
    return told
