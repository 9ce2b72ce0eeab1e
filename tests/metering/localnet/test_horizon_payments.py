"""Horizon's lists of payments and ledgers, page by page, without HTTP."""

from typing import Any

import pytest
from stellar_sdk import (
    Asset,
    ChangeTrust,
    CreateAccount,
    IdMemo,
    Keypair,
    MuxedAccount,
    Payment,
    TextMemo,
)

from metering.localnet import horizon
from metering.localnet.horizon_payments import BeforeHistory, payments
from metering.localnet.paging import BadQuery, Page, page_document, read_page
from tests.metering.localnet.contracts.contract_town import LUMENS, ContractTown
from tests.metering.localnet.town import Town

BASE = "http://horizon"


def listed(town: Town, name: str, page: Page | None = None, **flags: bool) -> list[dict[str, Any]]:
    return payments(
        town.network.read(town.now_ms),
        town.address(name),
        page or Page("", descending=False, limit=200),
        BASE,
        failed=flags.get("failed", False),
        join=flags.get("join", False),
    )


def test_a_payment_tells_whom_of_those_behind_an_address_it_is_for() -> None:
    town = Town("ana", "ben")
    one = MuxedAccount(town.address("ben"), 2**64 - 1).account_muxed
    envelope = town.build("ana", Payment(one or "", Asset.native(), "1.5"))
    assert town.outcome(envelope) == ("tx_success", "op_success")
    document = listed(town, "ben")[-1]
    ledger = town.network.latest(town.now_ms).sequence
    assert document["id"] == document["paging_token"] == str(ledger << 32 | 1 << 12 | 1)
    assert {
        name: document[name]
        for name in ("type", "from", "to", "to_muxed", "to_muxed_id", "asset_type", "amount")
    } == {
        "type": "payment",
        "from": town.address("ana"),
        "to": town.address("ben"),
        "to_muxed": one,
        "to_muxed_id": "18446744073709551615",
        "asset_type": "native",
        "amount": "1.5000000",
    }
    assert document["transaction_hash"] == envelope.hash_hex()
    assert "transaction" not in document


@pytest.mark.parametrize(
    ("memo", "told"),
    [
        (IdMemo(7), {"memo_type": "id", "memo": "7"}),
        (TextMemo("hi"), {"memo_type": "text", "memo": "hi", "memo_bytes": "aGk="}),
        (None, {"memo_type": "none"}),
    ],
)
def test_a_payment_can_be_had_with_its_transaction(memo: Any, told: dict[str, str]) -> None:
    town = Town("ana", "ben")
    envelope = town.build("ana", town.pay("ben"))
    if memo is not None:
        envelope.transaction.memo = memo
        envelope.signatures.clear()
        envelope.sign(town.keys["ana"])
    bump = town.bump("ben", envelope, 400)
    assert town.outcome(bump)[0] == "tx_fee_bump_inner_success"
    transaction = listed(town, "ben", join=True)[-1]["transaction"]
    assert transaction["hash"] == bump.hash_hex()
    assert transaction["fee_account"] == town.address("ben")
    assert transaction["source_account"] == town.address("ana")
    memo_fields = {name: transaction[name] for name in transaction if name.startswith("memo")}
    assert memo_fields == told


def test_creations_count_and_assets_are_named_and_failures_are_left_out() -> None:
    town = Town("ana", "issuer")
    town.keys["new"] = Keypair.random()
    euro = Asset("EURO", town.address("issuer"))
    town.run("ana", CreateAccount(destination=town.address("new"), starting_balance="9"))
    town.run("ana", ChangeTrust(euro))
    town.run("issuer", town.pay("ana", "4", euro))
    assert town.run("ana", town.pay("new"), town.pay("new", "9999"))[0] == "tx_failed"
    first, second, third = listed(town, "ana")
    assert (first["type"], first["starting_balance"]) == ("create_account", "1000.0000000")
    assert (second["account"], second["funder"]) == (town.address("new"), town.address("ana"))
    assert (third["asset_code"], third["asset_issuer"]) == ("EURO", town.address("issuer"))
    failed = listed(town, "ana", failed=True)[3:]
    assert [document["transaction_successful"] for document in failed] == [False, False]


def test_what_contracts_move_is_listed_with_who_it_is_for() -> None:
    town = ContractTown("ana", "ben", "issuer")
    euro = Asset("EURO", town.address("issuer"))
    town.run("ana", ChangeTrust(euro))
    one = MuxedAccount(town.address("ben"), 9).account_muxed or ""
    town.call("ana", LUMENS, "transfer", "ana", one, 25)
    town.call("issuer", LUMENS, "approve", "issuer", "ana", 5, town.number(100))
    moved = listed(town, "ben")[-1]
    assert moved["type"] == "invoke_host_function"
    assert moved["asset_balance_changes"] == [
        {
            "type": "transfer",
            "asset_type": "native",
            "amount": "0.0000025",
            "from": town.address("ana"),
            "to": town.address("ben"),
            "destination_muxed_id": "9",
        }
    ]
    assert listed(town, "ana")[-1] == moved
    assert [document["type"] for document in listed(town, "issuer")] == ["create_account"]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_any_size_make_the_same_whole(limit: int, descending: bool) -> None:
    town = Town("ana", "ben")
    town.run("ana", *[town.pay("ben") for _ in range(3)])
    town.submit(town.build("ana", town.pay("ben"), town.pay("root")))
    town.submit(town.build("ben", town.pay("ana")))
    town.close()
    whole = listed(town, "ben")
    assert len(whole) == 1 + 3 + 1 + 1
    paged: list[dict[str, Any]] = []
    cursor = ""
    while page := listed(town, "ben", Page(cursor, descending, limit)):
        paged += page
        cursor = page[-1]["paging_token"]
    assert paged == (whole[::-1] if descending else whole)
    assert listed(town, "ben", Page("now", descending=False, limit=9)) == []


def test_what_was_forgotten_is_before_history_for_who_goes_back() -> None:
    town = Town("ana", "ben")
    town.run("ana", town.pay("ben"))
    old = listed(town, "ben")[-1]["paging_token"]
    town.close(5)
    town.run("ana", town.pay("ben", "2"))
    town.network.forget_before(town.network.latest(town.now_ms).sequence)
    with pytest.raises(BeforeHistory):
        listed(town, "ben", Page(old, descending=True, limit=9))
    # As the real one: who goes forward is not told, and has to look at the elder ledger.
    [kept] = listed(town, "ben", Page(old, descending=False, limit=9))
    assert kept["amount"] == "2.0000000"
    root = horizon.root(town.network.read(town.now_ms))
    assert root["history_elder_ledger"] > int(old) >> 32


def test_ledgers_go_both_ways_idle_or_not() -> None:
    town = Town("ana", "ben")
    town.close(3)
    town.run("ana", town.pay("ben"))
    assert town.run("ana", town.pay("ben", "5000"))[0] == "tx_failed"
    reading = town.network.read(town.now_ms)
    forward = horizon.ledgers(reading, Page("", descending=False, limit=200), BASE)
    assert [record["sequence"] for record in forward] == [1, 2, 3, 4, 5, 6, 7]
    assert [record["operation_count"] for record in forward] == [0, 2, 0, 0, 0, 1, 0]
    assert forward[-1]["failed_transaction_count"] == 1
    back = horizon.ledgers(reading, Page("", descending=True, limit=200), BASE)
    assert back == forward[::-1]
    token = forward[2]["paging_token"]
    after = horizon.ledgers(reading, Page(token, descending=False, limit=2), BASE)
    before = horizon.ledgers(reading, Page(token, descending=True, limit=2), BASE)
    assert [record["sequence"] for record in (*after, *before)] == [4, 5, 2, 1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"order": "up"}, "order"),
        ({"cursor": "x" * 101}, "cursor"),
    ],
)
def test_pages_that_make_no_sense_are_refused(query: dict[str, str], field: str) -> None:
    with pytest.raises(BadQuery) as caught:
        read_page(query)
    assert caught.value.field == field
    with pytest.raises(BadQuery):
        _ = Page("yesterday", descending=False, limit=1).toid


def test_links_lead_to_the_pages_around() -> None:
    query = {"limit": "2", "join": "transactions"}
    document = page_document(
        [{"paging_token": "5"}, {"paging_token": "8"}], read_page(query), f"{BASE}/x", query
    )
    links = {name: link["href"] for name, link in document["_links"].items()}
    assert links["next"] == f"{BASE}/x?limit=2&join=transactions&cursor=8&order=asc"
    assert links["prev"] == f"{BASE}/x?limit=2&join=transactions&cursor=5&order=desc"
