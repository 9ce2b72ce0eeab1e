"""What time and a new beginning do to a network of their own: tests beside them expect neither."""

import pytest
from stellar_sdk.exceptions import NotFoundError

from tests.metering.localnet.peer import Peer

pytestmark = pytest.mark.process


async def test_time_can_pass_at_once(peer: Peer) -> None:
    before = await peer.rpc.get_latest_ledger()
    told = await peer.control("leap", seconds=3_600)
    after = await peer.rpc.get_latest_ledger()
    assert after.close_time >= told["close_time"] >= before.close_time + 3_600
    assert after.sequence >= before.sequence + 36_000
    await peer.new_account()


async def test_a_network_can_begin_anew(peer: Peer) -> None:
    ana = await peer.new_account()
    before = (await peer.rpc.get_latest_ledger()).sequence
    told = await peer.control("reset")
    assert told == {"passphrase": peer.network.passphrase}
    assert (await peer.rpc.get_latest_ledger()).sequence < before
    with pytest.raises(NotFoundError):
        await peer.horizon.load_account(ana.public_key)
    await peer.new_account()
