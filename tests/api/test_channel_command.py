"""A viewer opens a payment channel from the command line, and can do without the server again."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.channel_command import Viewer, open_channel, start_closing, take_back
from api.payment_channels import terms_json
from api.remote import CommandFailed
from tests.metering.localnet.running import RunningNetwork, running_network
from tests.metering.vouchers.parties import WAITING, Parties, parties_on

pytestmark = pytest.mark.process


async def test_a_wallet_opens_one_and_asks_for_it_back(tmp_path: Path) -> None:
    with running_network(tmp_path / "net.state") as network:
        async with parties_on(network) as parties, server_of(parties, network) as server:
            viewer = Viewer(str(server.make_url("/")), "", tmp_path / "wallet.seed")
            contract = await open_channel(viewer, parties.key.public.hex(), "0.5")
            state = (await parties.contracts.read([contract]))[contract]
            parties.terms.require(state)
            assert (state.balance, state.key) == (5_000_000, parties.key.public)
            assert viewer.seed_file.stat().st_mode & 0o777 == 0o600
            with pytest.raises(CommandFailed):
                await take_back(viewer, contract)
            await start_closing(viewer, contract)
            state = (await parties.contracts.read([contract]))[contract]
            assert state.closes_at is not None
            assert state.closes_at <= state.ledger + WAITING
            for key, amount in (("ab", "0.5"), (parties.key.public.hex(), "-1"), ("zz", "1")):
                with pytest.raises(CommandFailed):
                    await open_channel(viewer, key, amount)


async def test_without_a_server_or_a_wallet_it_says_so(tmp_path: Path) -> None:
    nobody = Viewer("http://127.0.0.1:1", "", tmp_path / "wallet.seed")
    with pytest.raises(CommandFailed, match="no answer"):
        await start_closing(nobody, "C")


def server_of(parties: Parties, network: RunningNetwork) -> TestServer:
    """The one route of a server that the command asks."""

    async def terms(_request: web.Request) -> web.Response:
        return web.json_response({**terms_json(parties.terms), "rpcUrl": network.url})

    application = web.Application()
    application.router.add_get("/api/v1/payments/channel-terms", terms)
    return TestServer(application)
