"""A network for the tests of this folder, and somebody with money on it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.metering.localnet.running import RunningNetwork, running_network
from tests.metering.settlement.networks import TESTNET, Town, Visitor, set_faults


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNetwork]:
    with running_network(tmp_path_factory.mktemp("network") / "state", close_ms=100) as network:
        yield network


@pytest.fixture
async def visitor(request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    where, api = request.param
    if where == "test":
        town = TESTNET
        if not town.is_there:
            pytest.skip("the test network is out of reach")
    else:
        running: RunningNetwork = request.getfixturevalue("network")
        await set_faults(running, {})
        url = running.url
        town = Town(url, url, f"{url}/friendbot", running.passphrase)
    visitor = Visitor(town, api)
    await visitor.arrive()
    yield visitor
    await visitor.client.close()
