"""The network over HTTP, as the Python SDK and plain requests see it. One process for all tests."""

import asyncio
import hashlib
import json

import pytest
from stellar_sdk import (
    Account,
    Asset,
    ChangeTrust,
    Keypair,
    ManageData,
    MuxedAccount,
    scval,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.exceptions import (
    BadRequestError,
    BadResponseError,
    NotFoundError,
    SorobanRpcErrorResponse,
)
from stellar_sdk.soroban_rpc import (
    EventFilter,
    EventFilterType,
    GetTransactionStatus,
    SendTransactionStatus,
)

from config.limits import LOCALNET_BODY_BYTES_MAX
from tests.metering.localnet.peer import Peer, pay

pytestmark = pytest.mark.process


async def test_rpc_tells_what_the_network_is(peer: Peer) -> None:
    assert (await peer.rpc.get_health()).status == "healthy"
    network = await peer.rpc.get_network()
    assert network.passphrase == "Tollcast Local Network ; play money"
    assert network.friendbot_url == f"{peer.network.url}/friendbot"
    assert (await peer.rpc.get_version_info()).protocol_version == network.protocol_version
    assert (await peer.rpc.get_fee_stats()).inclusion_fee.p80 == 100


async def test_the_latest_ledger_is_a_hashed_header_and_moves_on(peer: Peer) -> None:
    first = await peer.rpc.get_latest_ledger()
    header = stellar_xdr.LedgerHeader.from_xdr(first.header_xdr)
    assert header.ledger_seq.uint32 == first.sequence
    assert header.scp_value.close_time.time_point.uint64 == first.close_time
    assert first.id == hashlib.sha256(header.to_xdr_bytes()).hexdigest()
    meta = stellar_xdr.LedgerCloseMeta.from_xdr(first.metadata_xdr)
    assert meta.v0 is not None
    assert meta.v0.ledger_header.header == header
    async with asyncio.timeout(30):
        while (await peer.rpc.get_latest_ledger()).sequence == first.sequence:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_payment_by_rpc_is_accepted_applied_and_read_back(peer: Peer) -> None:
    ana, ben = await peer.new_account(), await peer.new_account()
    envelope = await peer.build(ana, pay(ben.public_key, "2.5"))
    sent = await peer.rpc.send_transaction(envelope)
    assert sent.status == SendTransactionStatus.PENDING
    assert sent.hash == envelope.hash_hex()
    found = await peer.rpc.poll_transaction(sent.hash)
    assert found.status == GetTransactionStatus.SUCCESS
    assert found.envelope_xdr == envelope.to_xdr()
    assert found.result_xdr is not None
    result = stellar_xdr.TransactionResult.from_xdr(found.result_xdr)
    assert result.result.code == stellar_xdr.TransactionResultCode.txSUCCESS
    assert result.fee_charged.int64 == 100
    assert found.result_meta_xdr is not None
    meta = stellar_xdr.TransactionMeta.from_xdr(found.result_meta_xdr)
    assert meta.v4 is not None
    assert len(meta.v4.operations) == 1
    account = await peer.horizon.accounts().account_id(ben.public_key).call()
    assert account["balances"][0]["balance"] == "10002.5000000"


async def test_what_is_pending_is_a_duplicate(peer: Peer) -> None:
    ana = await peer.new_account()
    envelope = await peer.build(ana, pay(ana.public_key))
    await peer.faults(late=1, late_ledgers=1_000)  # for as long as this test takes
    for status in (SendTransactionStatus.PENDING, SendTransactionStatus.DUPLICATE):
        assert (await peer.rpc.send_transaction(envelope)).status == status


async def test_an_unknown_transaction_is_not_found_as_of_a_ledger(peer: Peer) -> None:
    missing = await peer.rpc.get_transaction("ab" * 32)
    assert missing.status == GetTransactionStatus.NOT_FOUND
    assert missing.oldest_ledger <= missing.latest_ledger
    assert missing.oldest_ledger_close_time <= missing.latest_ledger_close_time


async def test_a_refused_transaction_tells_why(peer: Peer) -> None:
    ana = await peer.new_account()
    envelope = await peer.build(ana, pay(ana.public_key))
    envelope.signatures.clear()
    sent = await peer.rpc.send_transaction(envelope)
    assert sent.status == SendTransactionStatus.ERROR
    assert sent.error_result_xdr is not None
    result = stellar_xdr.TransactionResult.from_xdr(sent.error_result_xdr)
    assert result.result.code == stellar_xdr.TransactionResultCode.txBAD_AUTH


async def test_entries_are_read_by_key(peer: Peer) -> None:
    issuer, ana = await peer.new_account(), await peer.new_account()
    asset = Asset("EURO", issuer.public_key)
    data = ManageData("color", b"blue")
    await peer.horizon.submit_transaction(await peer.build(ana, ChangeTrust(asset), data))
    keys = [
        stellar_xdr.LedgerKey(
            stellar_xdr.LedgerEntryType.TRUSTLINE,
            trust_line=stellar_xdr.LedgerKeyTrustLine(
                ana.xdr_account_id(), asset.to_trust_line_asset_xdr_object()
            ),
        ),
        stellar_xdr.LedgerKey(
            stellar_xdr.LedgerEntryType.DATA,
            data=stellar_xdr.LedgerKeyData(ana.xdr_account_id(), stellar_xdr.String64(b"color")),
        ),
        stellar_xdr.LedgerKey(
            stellar_xdr.LedgerEntryType.ACCOUNT,
            account=stellar_xdr.LedgerKeyAccount(Keypair.random().xdr_account_id()),
        ),
    ]
    found = await peer.rpc.get_ledger_entries(keys)
    assert found.entries is not None
    assert [entry.key for entry in found.entries] == [key.to_xdr() for key in keys[:2]]
    line, datum = (stellar_xdr.LedgerEntryData.from_xdr(entry.xdr) for entry in found.entries)
    assert line.trust_line is not None
    assert line.trust_line.limit.int64 == 2**63 - 1
    assert datum.data is not None
    assert datum.data.data_value.data_value == b"blue"
    account = await peer.horizon.accounts().account_id(ana.public_key).call()
    assert account["data"] == {"color": "Ymx1ZQ=="}
    assert await peer.horizon.data(ana.public_key, "color").call() == {"value": "Ymx1ZQ=="}
    with pytest.raises(NotFoundError):
        await peer.horizon.data(ana.public_key, "smell").call()
    assert account["subentry_count"] == 2
    assert account["balances"][0]["asset_code"] == "EURO"


async def test_horizon_waits_for_the_ledger_and_answers_the_same_again(peer: Peer) -> None:
    ana, ben = await peer.new_account(), await peer.new_account()
    envelope = await peer.build(ana, pay(ben.public_key))
    answer = await peer.horizon.submit_transaction(envelope)
    assert answer["successful"]
    assert answer["hash"] == envelope.hash_hex()
    stellar_xdr.TransactionResult.from_xdr(answer["result_xdr"])
    stellar_xdr.LedgerEntryChanges.from_xdr(answer["fee_meta_xdr"])
    assert await peer.horizon.submit_transaction(envelope) == answer
    assert await peer.horizon.transactions().transaction(answer["hash"]).call() == answer


async def test_horizon_tells_failures_with_their_codes(peer: Peer) -> None:
    ana = await peer.new_account()
    nobody = Keypair.random().public_key
    envelope = await peer.build(ana, pay(ana.public_key), pay(nobody))
    with pytest.raises(BadRequestError) as caught:
        await peer.horizon.submit_transaction(envelope)
    assert caught.value.extras is not None
    assert caught.value.extras["result_codes"] == {
        "transaction": "tx_failed",
        "operations": ["op_success", "op_no_destination"],
    }
    assert caught.value.type == "https://stellar.org/horizon-errors/transaction_failed"
    result = stellar_xdr.TransactionResult.from_xdr(caught.value.extras["result_xdr"])
    assert result.fee_charged.int64 == 200
    late = await peer.build(ana, pay(ana.public_key))
    late.transaction.sequence += 5
    late.signatures.clear()
    late.sign(ana)
    with pytest.raises(BadRequestError) as caught:
        await peer.horizon.submit_transaction(late)
    assert caught.value.extras is not None
    assert caught.value.extras["result_codes"] == {"transaction": "tx_bad_seq"}


async def test_horizon_takes_submissions_without_waiting(peer: Peer) -> None:
    ana = await peer.new_account()
    envelope = await peer.build(ana, pay(ana.public_key))
    await peer.faults(late=1, late_ledgers=1_000)  # so that it is still pending below
    answer = await peer.horizon.submit_transaction_async(envelope)
    assert answer == {"hash": envelope.hash_hex(), "tx_status": "PENDING"}
    with pytest.raises(BadRequestError) as duplicate:
        await peer.horizon.submit_transaction_async(envelope)
    assert duplicate.value.status == 409
    other = await peer.build(ana, pay(ana.public_key, "2"))
    with pytest.raises(BadResponseError) as busy:
        await peer.horizon.submit_transaction_async(other)
    assert busy.value.status == 503


async def test_horizon_knows_ledgers_fees_and_itself(peer: Peer) -> None:
    root = (await peer.client.get(f"{peer.network.url}/")).json()
    assert root["network_passphrase"] == peer.network.passphrase
    [ledger] = (await peer.horizon.ledgers().order(desc=True).limit(1).call())["_embedded"][
        "records"
    ]
    assert ledger["sequence"] >= root["history_latest_ledger"]
    assert (await peer.horizon.fee_stats().call())["fee_charged"]["p95"] == "100"
    assert await peer.horizon.fetch_base_fee() == 100


async def test_horizon_lists_payments_and_ledgers_page_by_page(peer: Peer) -> None:
    ana, ben = await peer.new_account(), await peer.new_account()
    for amount in ("1", "2", "3"):
        await peer.horizon.submit_transaction(
            await peer.build(ana, pay(MuxedAccount(ben.public_key, 77).account_muxed or "", amount))
        )
    builder = peer.horizon.payments().for_account(ben.public_key).join("transactions").limit(2)
    page = await builder.call()
    records = []
    while page["_embedded"]["records"]:
        records += page["_embedded"]["records"]
        page = await builder.next()
    assert [record["type"] for record in records] == ["create_account", *["payment"] * 3]
    assert [record["amount"] for record in records[1:]] == ["1.0000000", "2.0000000", "3.0000000"]
    assert {record["to_muxed_id"] for record in records[1:]} == {"77"}
    assert all(record["transaction"]["memo_type"] == "none" for record in records)
    newest = await peer.horizon.ledgers().order(desc=True).limit(3).call()
    numbers = [record["sequence"] for record in newest["_embedded"]["records"]]
    assert numbers == [numbers[0], numbers[0] - 1, numbers[0] - 2]
    one = await peer.horizon.ledgers().ledger(numbers[2]).call()
    assert one == newest["_embedded"]["records"][2]
    with pytest.raises(NotFoundError):
        await peer.horizon.payments().for_account(Keypair.random().public_key).call()
    with pytest.raises(BadRequestError) as caught:
        await peer.horizon.payments().for_account(ben.public_key).cursor("soon").call()
    assert caught.value.extras is not None
    assert caught.value.extras["invalid_field"] == "cursor"
    async with peer.session.get("/order_book") as response:
        assert response.content_type == "application/problem+json"


async def test_rpc_lists_events_transactions_and_ledgers(peer: Peer) -> None:
    ana, ben = await peer.new_account(), await peer.new_account()
    envelope = await peer.build(ana, pay(MuxedAccount(ben.public_key, 78).account_muxed or ""))
    answer = await peer.horizon.submit_transaction(envelope)
    to_ben = [scval.to_symbol("transfer"), None, scval.to_address(ben.public_key), None]
    topics = ["*" if topic is None else topic.to_xdr() for topic in to_ben]
    wanted = EventFilter(type=EventFilterType.CONTRACT, topics=[topics])
    found = await peer.rpc.get_events(start_ledger=1, filters=[wanted])
    assert [scval.to_native(stellar_xdr.SCVal.from_xdr(e.value)) for e in found.events] == [
        100_000_000_000,
        {"amount": 10_000_000, "to_muxed_id": 78},
    ]
    assert found.events[-1].transaction_hash == answer["hash"]
    more = await peer.rpc.get_events(cursor=found.cursor, filters=[wanted])
    assert more.events == []
    with pytest.raises(SorobanRpcErrorResponse) as caught:
        await peer.rpc.get_events(start_ledger=found.latest_ledger + 1000)
    assert caught.value.code == -32600
    listed = await peer.rpc.get_transactions(start_ledger=answer["ledger"])
    assert [t.transaction_hash for t in listed.transactions] == [answer["hash"]]
    ledgers = await peer.rpc.get_ledgers(start_ledger=answer["ledger"], limit=1)
    assert [ledger.sequence for ledger in ledgers.ledgers] == [answer["ledger"]]


async def test_what_does_not_exist_is_a_404_with_a_problem(peer: Peer) -> None:
    with pytest.raises(NotFoundError) as caught:
        await peer.horizon.load_account(Keypair.random().public_key)
    assert caught.value.type == "https://stellar.org/horizon-errors/not_found"
    with pytest.raises(NotFoundError):
        await peer.horizon.transactions().transaction("ab" * 32).call()
    async with peer.session.get(f"/accounts/{Keypair.random().public_key}") as response:
        assert response.content_type == "application/problem+json"


async def test_friendbot_serves_many_at_once_and_gives_again(peer: Peer) -> None:
    keypairs = await asyncio.gather(*(peer.new_account() for _ in range(6)))
    first = keypairs[0].public_key
    url = f"{peer.network.url}/friendbot"
    assert (await peer.client.get(url, params={"addr": first})).status_code == 200
    account = await peer.horizon.accounts().account_id(first).call()
    assert account["balances"][0]["balance"] == "20000.0000000"
    assert (await peer.client.get(url, params={"addr": "GNOBODY"})).status_code == 400
    assert (await peer.client.get(url)).status_code == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32600),
        (b"not json", -32600),
        (b"[]", -32600),
        (b"[" * 5000, -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"getHealth"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"getCakes"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"getTransaction","params":{"hash":"zz"}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getTransaction"}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getLedgerEntries","params":{"keys":["?"]}}', -32602),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":{"transaction":"A"}}',
            -32602,
        ),
        (
            json.dumps(
                {
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": "getLedgerEntries",
                    "params": {"keys": ["AAAA"] * 201},
                }
            ).encode(),
            -32602,
        ),
    ],
)
async def test_rpc_requests_that_make_no_sense_get_the_errors_of_json_rpc(
    peer: Peer, body: bytes, code: int
) -> None:
    async with peer.session.post("/", data=body) as response:
        assert response.status == 200
        answer = await response.json()
    assert answer["error"]["code"] == code
    assert "result" not in answer


async def test_the_sdk_gets_the_error_too(peer: Peer) -> None:
    with pytest.raises(SorobanRpcErrorResponse) as caught:
        await peer.rpc.send_transaction("AAAA")
    assert caught.value.code == -32602


async def test_malformed_envelopes_are_a_problem_on_horizon(peer: Peer) -> None:
    for path in ("/transactions", "/transactions_async"):
        for form in ({"tx": "AAAA"}, {"tx": ""}, {}):
            async with peer.session.post(path, data=form) as response:
                assert response.status == 400
                assert (await response.json())["type"].endswith("transaction_malformed")


async def test_bodies_have_a_bound(peer: Peer) -> None:
    big = b"x" * (LOCALNET_BODY_BYTES_MAX + 1)
    for path in ("/", "/transactions", "/transactions_async"):
        async with peer.session.post(path, data={"tx": big.decode()}) as response:
            assert response.status == 413


async def test_a_sequence_number_of_horizon_works_with_rpc(peer: Peer) -> None:
    ana = await peer.new_account()
    account = await peer.horizon.load_account(ana.public_key)
    assert isinstance(account, Account)
    assert account.sequence == (await peer.rpc.load_account(ana.public_key)).sequence
