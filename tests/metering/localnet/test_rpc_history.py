"""What Stellar RPC tells of the past: events of classic payments (CAP-67), and transactions."""

from typing import Any

import pytest
from stellar_sdk import (
    Asset,
    ChangeTrust,
    CreateAccount,
    HashMemo,
    IdMemo,
    Keypair,
    Memo,
    MuxedAccount,
    Operation,
    Payment,
    TextMemo,
    TransactionEnvelope,
    scval,
)
from stellar_sdk import xdr as stellar_xdr
from stellar_sdk.soroban_rpc import (
    GetLedgersResponse,
    GetTransactionsResponse,
)

from metering.localnet.reading import View
from tests.metering.localnet.rpc_client import Client, plain
from tests.metering.localnet.town import PASSPHRASE, XLM, Town


def sent(town: Town, source: str, *operations: Operation, memo: Memo | None = None) -> str:
    """Build, sign and close; the transaction's hash."""
    envelope = town.build(source, *operations)
    if memo is not None:
        envelope.transaction.memo = memo
        envelope.signatures.clear()
        envelope.sign(town.keys[source])
    assert town.outcome(envelope)[0] == "tx_success"
    return envelope.hash_hex()


def muxed(address: str, number: int) -> str:
    return MuxedAccount(address, number).account_muxed or ""


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben", "issuer")


def test_payments_emit_what_the_asset_contract_would(town: Town) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    ana, ben, issuer = (town.address(name) for name in ("ana", "ben", "issuer"))
    euro = Asset("EURO", issuer)
    town.run("ana", ChangeTrust(euro))
    town.run("ben", ChangeTrust(euro))
    sent(town, "issuer", town.pay("ana", "5", euro))
    sent(town, "ana", town.pay("ben", "2", euro), town.pay("issuer", "1", euro))
    sent(town, "ana", town.pay("ben", "3"))
    sent(town, "ana", CreateAccount(destination=free_address(town), starting_balance="7"))
    name = f"EURO:{issuer}"
    assert Client(town).told(startLedger=start) == [
        ("mint", ana, name, 5 * XLM),
        ("transfer", ana, ben, name, 2 * XLM),
        ("burn", ana, name, 1 * XLM),
        ("transfer", ana, ben, "native", 3 * XLM),
        ("transfer", ana, town.address("new"), "native", 7 * XLM),
    ]


def free_address(town: Town) -> str:
    """An address that no account has yet, known as `new`."""
    town.keys["new"] = Keypair.random()
    return town.address("new")


@pytest.mark.parametrize(
    ("number", "memo", "told"),
    [
        (2**64 - 1, None, 2**64 - 1),
        (0, IdMemo(9), 0),
        (None, IdMemo(2**64 - 1), 2**64 - 1),
        (None, TextMemo("für 9"), "für 9"),
        (None, HashMemo(b"\7" * 32), b"\7" * 32),
        (None, None, None),
    ],
)
def test_whom_a_payment_is_for_is_in_its_event(
    town: Town, number: int | None, memo: Memo | None, told: object
) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    ben = town.address("ben")
    destination = ben if number is None else muxed(ben, number)
    sent(town, "ana", Payment(destination, Asset.native(), "1"), memo=memo)
    [event] = Client(town).told(startLedger=start)
    expected: object = XLM if told is None else {"amount": XLM, "to_muxed_id": told}
    assert event == ("transfer", town.address("ana"), ben, "native", expected)


def test_an_event_says_where_it_happened(town: Town) -> None:
    hash_ = sent(town, "ana", town.pay("ben"), town.pay("ben", "2"))
    ledger = town.network.latest(town.now_ms).sequence
    fee, one, two = Client(town).events(startLedger=ledger).events
    native = Asset.native().contract_id(PASSPHRASE)
    assert {event.contract_id for event in (fee, one, two)} == {native}
    assert {event.transaction_hash for event in (fee, one, two)} == {hash_}
    assert [plain(part) for part in (*fee.topic, fee.value)] == ["fee", town.address("ana"), 200]
    assert fee.id == f"{ledger << 32:019d}-0000000000"
    assert (one.id, two.id) == (
        f"{ledger << 32 | 1 << 12:019d}-0000000000",
        f"{ledger << 32 | 1 << 12 | 1:019d}-0000000000",
    )
    assert (two.transaction_index, two.operation_index) == (1, 1)
    assert int(two.ledger_close_at.timestamp()) == town.network.latest(town.now_ms).close_time


def test_what_failed_emits_its_fee_only(town: Town) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    assert town.run("ana", town.pay("ben"), town.pay("ben", "5000"))[0] == "tx_failed"
    [event] = Client(town).events(startLedger=start).events
    assert plain(event.value) == 200


def full_ledger(town: Town) -> list[TransactionEnvelope]:
    """Three transactions of two payments each in one ledger."""
    envelopes = [
        town.build(name, town.pay("ben"), town.pay("ben", "2"))
        for name in ("ana", "issuer", "root")
    ]
    for envelope in envelopes:
        town.submit(envelope)
    town.close()
    return envelopes


@pytest.mark.parametrize("limit", [1, 2, 3, 9, 100])
def test_pages_of_any_size_make_the_same_whole(town: Town, limit: int) -> None:
    client = Client(town)
    start = town.network.latest(town.now_ms).sequence + 1
    full_ledger(town)
    sent(town, "ben", town.pay("ana"))
    town.close(5)
    whole = client.events(startLedger=start)
    assert len(whole.events) == 3 + 6 + 2
    paged = []
    page = client.events(startLedger=start, pagination={"limit": limit})
    while page.events:
        paged += page.events
        page = client.events(pagination={"cursor": page.cursor, "limit": limit})
    assert paged == whole.events
    assert [event.id for event in paged] == sorted({event.id for event in paged})
    # A cursor at the end waits there for what comes.
    sent(town, "ben", town.pay("ana", "7"))
    later = client.events(pagination={"cursor": page.cursor}).events
    assert [plain(event.value) for event in later] == [100, 7 * XLM]


def test_filters_choose_by_contract_and_topics(town: Town) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    full_ledger(town)
    to_ben = ["*", "*", scval.to_address(town.address("ben")).to_xdr(), "**"]
    by_ana = [scval.to_symbol("transfer").to_xdr(), scval.to_address(town.address("ana")).to_xdr()]
    other = Asset("EURO", town.address("issuer")).contract_id(PASSPHRASE)
    client = Client(town)

    def count(**wanted: Any) -> int:
        return len(client.events(startLedger=start, filters=[wanted]).events)

    assert count(topics=[to_ben]) == 6
    assert count(topics=[[*by_ana, "*", "*"]]) == 2
    assert count(topics=[by_ana]) == 0, "all segments have to be there"
    assert count(topics=[by_ana, ["*", "**"]]) == 9
    assert count(contractIds=[other]) == 0
    assert count(type="contract", contractIds=[Asset.native().contract_id(PASSPHRASE)]) == 9
    assert count(type="system") == 0


def test_a_start_before_history_is_refused_with_the_range(town: Town) -> None:
    client = Client(town)
    sent(town, "ana", town.pay("ben"))
    cursor = client.events(startLedger=1).cursor
    old = client.result("getTransactions", startLedger=1)["cursor"]
    town.close(10)
    latest = town.network.latest(town.now_ms).sequence
    town.network.forget_before(latest - 3)
    known = f"startLedger must be within the ledger range: {latest - 3} - {latest}"
    for asked in (
        {"startLedger": latest - 4},
        {"startLedger": latest + 1},
        {"pagination": {"cursor": cursor}},
    ):
        assert client.ask("getEvents", **asked)["error"] == {"code": -32600, "message": known}
    assert client.events(startLedger=latest - 3).oldest_ledger == latest - 3
    assert client.ask("getTransactions", startLedger=1)["error"]["code"] == -32600
    gone = client.ask("getTransactions", pagination={"cursor": old})["error"]
    assert "does not contain metadata" in gone["message"]
    assert client.ask("getLedgers", startLedger=1)["error"]["code"] == -32600


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"startLedger": 0},
        {"startLedger": 1, "pagination": {"cursor": "0000000004294967296-0000000000"}},
        {"endLedger": 9, "pagination": {"cursor": "0000000004294967296-0000000000"}},
        {"pagination": {"cursor": "tomorrow"}},
        {"pagination": {"cursor": "1-99999999999"}},
        {"startLedger": 1, "pagination": {"limit": 10_001}},
        {"startLedger": 1, "filters": [{"type": "contract"}] * 6},
        {"startLedger": 1, "filters": [{"type": "gossip"}]},
        {"startLedger": 1, "filters": [{"contractIds": ["CNOT"]}]},
        {"startLedger": 1, "filters": [{"topics": [["**"]]}]},
        {"startLedger": 1, "filters": [{"topics": [["*"] * 5]}]},
        {"startLedger": 1, "filters": [{"topics": [["AAAA*"]]}]},
    ],
)
def test_questions_that_make_no_sense_are_refused(town: Town, asked: dict[str, Any]) -> None:
    answer = Client(town).ask("getEvents", **asked)
    assert answer["error"]["code"] == -32602, answer


def test_a_node_without_classic_events_has_none(town: Town) -> None:
    sent(town, "ana", town.pay("ben"))
    answer = Client(town).ask("getEvents", View(classic_events=False), startLedger=1)
    assert answer["result"]["events"] == []


def test_transactions_come_in_order_page_by_page(town: Town) -> None:
    client = Client(town)
    start = town.network.latest(town.now_ms).sequence
    envelopes = full_ledger(town)
    town.run("ana", town.pay("ben", "5000"))
    whole = GetTransactionsResponse.model_validate(
        client.result("getTransactions", startLedger=start)
    )
    assert [t.transaction_hash for t in whole.transactions][1:4] == [
        envelope.hash_hex() for envelope in envelopes
    ]
    assert [t.status for t in whole.transactions] == [*["SUCCESS"] * 4, "FAILED"]
    assert whole.transactions[1].events is not None
    assert [len(e) for e in whole.transactions[1].events.contract_events_xdr or []] == [1, 1]
    paged = []
    page = client.result("getTransactions", startLedger=start, pagination={"limit": 2})
    while page["transactions"]:
        paged += page["transactions"]
        page = client.result("getTransactions", pagination={"cursor": page["cursor"], "limit": 2})
    assert [t["txHash"] for t in paged] == [t.transaction_hash for t in whole.transactions]


def test_ledgers_are_told_with_what_they_applied_idle_or_not(town: Town) -> None:
    client = Client(town)
    start = town.network.latest(town.now_ms).sequence
    town.close(3)
    sent(town, "ana", town.pay("ben"))
    answer = client.result("getLedgers", startLedger=start, pagination={"limit": 3})
    first = GetLedgersResponse.model_validate(answer)
    rest = GetLedgersResponse.model_validate(
        client.result("getLedgers", pagination={"cursor": first.cursor})
    )
    told = [*first.ledgers, *rest.ledgers]
    assert [ledger.sequence for ledger in told] == list(range(start, start + 5))
    metas = [stellar_xdr.LedgerCloseMeta.from_xdr(ledger.metadata_xdr).v0 for ledger in told]
    assert [len(meta.tx_processing) for meta in metas if meta is not None] == [1, 0, 0, 0, 1]
    assert [ledger.ledger_close_time for ledger in told] == sorted(
        ledger.ledger_close_time for ledger in told
    )
    end = GetLedgersResponse.model_validate(
        client.result("getLedgers", pagination={"cursor": rest.cursor})
    )
    assert (end.ledgers, end.cursor) == ([], rest.cursor)


def test_a_reader_that_lags_sees_the_network_as_it_was(town: Town) -> None:
    client = Client(town)
    latest, then = town.network.latest(town.now_ms).sequence, town.account("ben")
    hash_ = sent(town, "ana", town.pay("ben"))
    town.close(2)
    behind = View(lag_ledgers=3)
    answer = client.ask("getTransaction", behind, hash=hash_)["result"]
    assert (answer["status"], answer["latestLedger"]) == ("NOT_FOUND", latest)
    asked = client.ask("getEvents", behind, startLedger=latest)["result"]
    assert hash_ not in {event["txHash"] for event in asked["events"]}
    past = town.network.read(town.now_ms, 3)
    assert past.account(town.address("ben")) == then
    present = town.network.read(town.now_ms, 2).account(town.address("ben"))
    assert present == town.account("ben")
