"""What the dial of faults does to a running network, as its clients see it."""

from typing import Any

import pytest
from stellar_sdk.exceptions import BadResponseError, SorobanRpcErrorResponse
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError
from stellar_sdk.soroban_rpc import GetTransactionStatus

from metering.settlement.stellar_client import StellarClient
from tests.metering.localnet.peer import Peer, pay

pytestmark = pytest.mark.process


async def test_faults_happen_as_often_as_asked_and_leave_the_truth_alone(peer: Peer) -> None:
    ana = await peer.new_account()
    envelope = await peer.build(ana, pay(ana.public_key))
    await peer.faults(drop_before=1, drop_after=1)
    for _ in range(2):
        with pytest.raises(StellarConnectionError):
            await peer.rpc.send_transaction(envelope)
    found = await peer.rpc.poll_transaction(envelope.hash_hex())
    assert found.status == GetTransactionStatus.SUCCESS, "the second one had arrived"
    await peer.faults(fail_reads=1, drop_reads=1)
    with pytest.raises(StellarConnectionError):
        await peer.rpc.get_health()
    assert (await peer.client.get(f"{peer.network.url}/")).status_code == 503
    assert (await peer.client.get(f"{peer.network.url}/")).status_code == 200


async def test_a_submission_can_fail_before_and_after_it_was_taken(peer: Peer) -> None:
    ana = await peer.new_account()
    for fault, status, arrives in (("fail_before", 503, False), ("fail_after", 504, True)):
        envelope = await peer.build(ana, pay(ana.public_key, "3"))
        await peer.faults(**{fault: 1})
        with pytest.raises(BadResponseError) as caught:
            await peer.horizon.submit_transaction_async(envelope)
        assert caught.value.status == status
        if arrives:
            found = await peer.rpc.poll_transaction(envelope.hash_hex())
            assert found.status == GetTransactionStatus.SUCCESS
        else:
            answer = await peer.rpc.get_transaction(envelope.hash_hex())
            assert answer.status == GetTransactionStatus.NOT_FOUND


async def test_late_and_slow_answers(peer: Peer) -> None:
    ana = await peer.new_account()
    envelope = await peer.build(ana, pay(ana.public_key, "4"))
    await peer.faults(late=1, late_ledgers=5)
    sent = await peer.rpc.send_transaction(envelope)
    found = await peer.rpc.poll_transaction(sent.hash)
    assert found.ledger is not None
    assert found.ledger >= sent.latest_ledger + 6
    hasty = StellarClient(seconds_max=0.2)
    await peer.faults(slow=1, delay_ms=5_000)
    with pytest.raises(StellarConnectionError):
        await hasty.get(f"{peer.network.url}/")
    await hasty.close()


async def test_what_is_lost_is_included_all_the_same(peer: Peer) -> None:
    ana = await peer.new_account()
    for submit in (peer.rpc.send_transaction, peer.horizon.submit_transaction):
        envelope = await peer.build(ana, pay(ana.public_key))
        await peer.faults(lost=1, late_ledgers=3)
        before = (await peer.rpc.get_latest_ledger()).sequence
        with pytest.raises(StellarConnectionError):
            await submit(envelope)
        found = await peer.rpc.poll_transaction(envelope.hash_hex())
        assert found.status == GetTransactionStatus.SUCCESS
        assert found.ledger is not None
        assert found.ledger >= before + 4


async def test_failures_have_the_statuses_that_were_asked_for(peer: Peer) -> None:
    await peer.faults(fail_reads=4, statuses=[429, 500, 502, 504])
    answers = [await peer.client.get(f"{peer.network.url}/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [429, 500, 502, 504, 200]
    await peer.faults(fail_reads=1, statuses=[429])
    async with peer.session.get("/") as response:
        assert response.headers["Retry-After"] == "1"
        assert (await response.json())["type"].endswith("rate_limit_exceeded")


async def test_readers_can_be_behind_and_history_can_be_short(peer: Peer) -> None:
    ana, ben = await peer.new_account(), await peer.new_account()
    envelope = await peer.build(ana, pay(ben.public_key))
    await peer.faults(lag_ledgers=3)
    behind = (await peer.rpc.get_latest_ledger()).sequence
    assert (await peer.horizon.root().call())["history_latest_ledger"] >= behind
    answer = await peer.horizon.submit_transaction(envelope)
    assert answer["ledger"] >= behind + 4
    await peer.faults()
    forgotten = await peer.control("forget", keep_ledgers=1)
    assert forgotten["oldest_ledger"] >= answer["ledger"]
    with pytest.raises(SorobanRpcErrorResponse):
        await peer.rpc.get_events(start_ledger=1)
    root = await peer.horizon.root().call()
    assert root["history_elder_ledger"] >= forgotten["oldest_ledger"]


async def test_a_crowd_is_seen_in_the_fees(peer: Peer) -> None:
    await peer.faults(crowd_rate=3_000)
    assert (await peer.rpc.get_fee_stats()).inclusion_fee.p80 == 3_000
    stats = await peer.horizon.fee_stats().call()
    assert (stats["fee_charged"]["p80"], stats["ledger_capacity_usage"]) == ("3000", "1")


@pytest.mark.parametrize(
    "faults", [{"drop_everything": 1}, {"late": -1}, {"late": "1"}, {"late": 0.5}]
)
async def test_faults_that_do_not_exist_are_refused(peer: Peer, faults: dict[str, Any]) -> None:
    answer = await peer.client.post(f"{peer.network.url}/faults", json_data=faults)
    assert answer.status_code == 400
    async with peer.session.post("/faults", data=b'{"late": 5}') as response:
        assert response.status == 415
    left = await peer.client.get(f"{peer.network.url}/faults")
    assert left.json()["late"] == 0
