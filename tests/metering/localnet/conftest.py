"""The network as a process, one for each module of tests, and clients on it."""

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from stellar_sdk.server_async import ServerAsync
from stellar_sdk.soroban_server_async import SorobanServerAsync

from metering.settlement.stellar_client import StellarClient
from tests.metering.localnet.peer import Peer
from tests.metering.localnet.running import RunningNetwork, running_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNetwork]:
    with running_network(tmp_path_factory.mktemp("network") / "state", close_ms=100) as network:
        yield network


@pytest.fixture
async def peer(network: RunningNetwork) -> AsyncIterator[Peer]:
    client = StellarClient(seconds_max=30)
    async with aiohttp.ClientSession(network.url) as session:
        rpc, horizon = SorobanServerAsync(network.url, client), ServerAsync(network.url, client)
        peer = Peer(network, rpc, horizon, client, session)
        await peer.faults()
        yield peer
    await client.close()
