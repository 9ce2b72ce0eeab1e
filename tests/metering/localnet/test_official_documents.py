"""Every answer of the local network has what Stellar's documents say it has, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from stellar_sdk import (
    AccountMerge,
    Asset,
    AuthorizationFlag,
    ChangeTrust,
    Claimant,
    CreateClaimableBalance,
    HashMemo,
    Keypair,
    ManageData,
    MuxedAccount,
    Payment,
    SetOptions,
    Signer,
    TextMemo,
)
from stellar_sdk import xdr as stellar_xdr

from metering.localnet import horizon, horizon_balances
from metering.localnet.horizon_payments import payments
from metering.localnet.horizon_transactions import transaction
from metering.localnet.paging import Page
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from tests.metering.localnet import official_documents as official
from tests.metering.localnet.contracts.contract_town import LUMENS, ContractTown
from tests.metering.localnet.official_documents import Shape, differences
from tests.metering.localnet.rpc_client import Client

BASE = "http://horizon"
ALL = Page("", descending=False, limit=200)


@pytest.fixture(scope="module")
def town() -> ContractTown:
    """In which everything has happened that is told in a way of its own."""
    town = ContractTown("ana", "ben", "issuer", "gone")
    euro, long_ = (Asset(code, town.address("issuer")) for code in ("EUR", "EUROTOKEN"))
    cosigner = Signer.ed25519_public_key(Keypair.random().public_key, 1)
    town.run("issuer", SetOptions(set_flags=AuthorizationFlag.AUTHORIZATION_REVOCABLE))
    town.run("ana", ChangeTrust(euro), ChangeTrust(long_), ManageData("name", "value"))
    town.run("ana", SetOptions(home_domain="example.org", signer=cosigner))
    town.run("issuer", town.pay("ana", "7", euro))
    muxed = MuxedAccount(town.address("ben"), 2**63).account_muxed or ""
    for memo in (TextMemo("hi"), HashMemo(bytes(32))):
        envelope = town.build("ana", Payment(muxed, Asset.native(), "1.5"), times=(0, 2**40))
        envelope.transaction.memo = memo
        envelope.signatures.clear()
        envelope.sign(town.keys["ana"])
        assert town.outcome(town.bump("ben", envelope, 400))[0] == "tx_fee_bump_inner_success"
    assert town.run("ana", town.pay("ben", "100000")) == ("tx_failed", "op_underfunded")
    town.run("gone", AccountMerge(town.address("ana")))
    claimants = [Claimant(town.address("ben"))]
    town.run("ana", CreateClaimableBalance(euro, "2", claimants))
    town.call("ana", LUMENS, "transfer", "ana", "ben", 25)
    town.open("ana", "ben", Keypair.random(), 10**7, 17_280)
    return town


def check(answer: Any, shape: Shape) -> None:
    assert list(differences(answer, shape)) == []


# --- Stellar RPC ----------------------------------------------------------------------------------


def asked(town: ContractTown) -> Mapping[str, Mapping[str, Any]]:
    """How each method is asked that needs to be told something."""
    ana = Keypair.from_public_key(town.address("ana")).xdr_account_id()
    account = stellar_xdr.LedgerKey(
        stellar_xdr.LedgerEntryType.ACCOUNT, account=stellar_xdr.LedgerKeyAccount(ana)
    )
    start = {"startLedger": 2}
    return {
        "getEvents": start,
        "getLedgers": start,
        "getTransactions": start,
        "getLedgerEntries": {"keys": [account.to_xdr()]},
    }


@pytest.mark.parametrize("method", official.RPC)
def test_each_method_answers_as_its_document_says(town: ContractTown, method: str) -> None:
    answer = Client(town).result(method, **asked(town).get(method, {}))
    check(answer, official.RPC[method])
    for name in ("events", "ledgers", "transactions", "entries"):
        assert answer.get(name) != [], "something was checked"


def test_a_transaction_is_found_or_not_and_sent_or_not(town: ContractTown) -> None:
    client = Client(town)
    for record in records(town):
        check(client.result("getTransaction", hash=record.hash), official.FOUND)
    check(client.result("getTransaction", hash="0" * 64), official.NOT_FOUND)
    good, bad = town.build("ana", town.pay("ben")), town.build("ana", town.pay("ben"), fee=1)
    for envelope, status in ((bad, "ERROR"), (good, "PENDING"), (good, "DUPLICATE")):
        answer = client.result("sendTransaction", transaction=envelope.to_xdr())
        check(answer, official.SENT)
        assert answer["status"] == status
    town.close()


def test_a_call_is_simulated_or_fails(town: ContractTown) -> None:
    calls = [("ben", 25), ("ben", 10**15)]
    for (to, amount), shape in zip(
        calls, (official.SIMULATED, official.SIMULATED_IN_VAIN), strict=True
    ):
        operation = town.operation(LUMENS, "transfer", "ana", to, amount)
        check(town.simulate(town.build("ana", operation)), shape)


# --- Horizon --------------------------------------------------------------------------------------


def read(town: ContractTown) -> Reading:
    return town.network.read(town.now_ms)


def records(town: ContractTown) -> list[Record]:
    reading = read(town)
    ledgers = range(2, reading.latest.sequence + 1)
    return [record for ledger in ledgers for record in reading.records_of(ledger)]


def test_accounts_and_what_they_hold(town: ContractTown) -> None:
    reading = read(town)
    for name in ("ana", "ben", "issuer"):
        document = horizon.account(reading, town.account(name), BASE)
        check(document, official.ACCOUNT)
    document = horizon.account(reading, town.account("ana"), BASE)
    *lines, native = document["balances"]
    assert {line["asset_type"] for line in lines} == {"credit_alphanum4", "credit_alphanum12"}
    for line in lines:
        check(line, official.TRUST_LINE)
    assert set(native) == {"balance", "asset_type", "buying_liabilities", "selling_liabilities"}
    check(horizon.datum(reading, town.address("ana"), "name"), {"value": official.BASE64})


def test_transactions_bumped_or_failed_or_with_a_memo(town: ContractTown) -> None:
    documents = [transaction(record, BASE) for record in records(town)]
    for document in documents:
        check(document, official.TRANSACTION)
    assert {each["memo_type"] for each in documents} == {"none", "text", "hash"}
    assert {each["successful"] for each in documents} == {True, False}
    bumped = [each for each in documents if "inner_transaction" in each]
    assert len(bumped) == 2
    for each in bumped:
        assert each["hash"] == each["fee_bump_transaction"]["hash"]
        assert each["signatures"] == each["fee_bump_transaction"]["signatures"]
        assert each["inner_transaction"]["signatures"] != each["signatures"]
        assert each["inner_transaction"]["max_fee"] == "100"
        assert each["preconditions"]["timebounds"] == {"min_time": "0", "max_time": str(2**40)}


def test_ledgers_fees_and_claimable_balances(town: ContractTown) -> None:
    reading = read(town)
    for document in horizon.ledgers(reading, ALL, BASE):
        check(document, official.LEDGER)
    check(horizon.fee_stats(reading), official.FEE_STATS)
    [balance] = horizon_balances.balances(reading, ALL, BASE)
    check(balance, official.CLAIMABLE_BALANCE)


def test_payments_of_each_kind(town: ContractTown) -> None:
    told = {
        document["paging_token"]: document
        for name in ("ana", "ben", "gone")
        for document in payments(read(town), town.address(name), ALL, BASE, failed=True, join=True)
    }
    for document in told.values():
        check(document, official.PAYMENTS[document["type"]])
    assert {document["type"] for document in told.values()} == set(official.PAYMENTS)
    called = {each["function"] for each in told.values() if "function" in each}
    assert len(called) == 2, "a call, and what made a contract that took money"


def test_submissions_and_refusals(town: ContractTown) -> None:
    for envelope in (town.build("ana", town.pay("ben")), town.build("ana", town.pay("ben"), fee=1)):
        answer = town.network.submit(envelope.to_xdr(), town.now_ms, 0)
        check(horizon.submission(answer), official.SUBMITTED)
        if answer.result is not None:
            check(horizon.refused(envelope.to_xdr(), answer.result), official.PROBLEM)
    town.close()
    check(horizon.missing(), official.PROBLEM)


def test_a_wrong_answer_is_told_with_its_place() -> None:
    shape = {"a": int, "b?": official.Each(official.HASH), "c": official.words("x")}
    answer = {"a": "1", "b": ["00"], "d": None}
    assert list(differences(answer, shape)) == [
        ".c: is missing",
        ".a: '1' is no int",
        r".b[0]: '00' is not like [a-f\d]{64}",
        ".d: no document knows it",
    ]
    assert list(differences({"a": 1, "c": "y"}, shape)) == [".c: 'y' is none of ['x']"]
    assert list(differences(True, int)) == [": True is no int"]
