"""Issuers that decide who holds their asset, and accounts that are merged."""

from typing import Any

import pytest
from stellar_sdk import (
    AccountMerge,
    Asset,
    AuthorizationFlag,
    ChangeTrust,
    ManageData,
    MuxedAccount,
    SetOptions,
    SetTrustLineFlags,
    Signer,
    TrustLineFlags,
)
from stellar_sdk import xdr as stellar_xdr

from metering.localnet import horizon
from metering.localnet.horizon_payments import payments
from metering.localnet.paging import Page
from tests.metering.localnet.rpc_client import Client
from tests.metering.localnet.town import XLM, Town

SUCCESS = ("tx_success", "op_success")
REQUIRED = AuthorizationFlag.AUTHORIZATION_REQUIRED
REVOCABLE = AuthorizationFlag.AUTHORIZATION_REVOCABLE
IMMUTABLE = AuthorizationFlag.AUTHORIZATION_IMMUTABLE
AUTHORIZED, MAINTAIN = 1, 2


def failed(code: str) -> tuple[str, str]:
    return "tx_failed", code


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben", "issuer")


def euro(town: Town) -> Asset:
    return Asset("EURO", town.address("issuer"))


def allow(town: Town, name: str, **flags: int) -> tuple[str, ...]:
    change = SetTrustLineFlags(
        town.address(name),
        euro(town),
        clear_flags=TrustLineFlags(flags.get("clear", 0)),
        set_flags=TrustLineFlags(flags.get("set", 0)),
    )
    return town.run("issuer", change)


def test_who_is_not_allowed_an_asset_is_neither_paid_in_it_nor_pays(town: Town) -> None:
    town.run("issuer", SetOptions(set_flags=REQUIRED | REVOCABLE))
    for name in ("ana", "ben"):
        town.run(name, ChangeTrust(euro(town)))
    pay = town.pay("ana", "5", euro(town))
    assert town.run("issuer", pay) == failed("op_not_authorized")
    assert allow(town, "ana", set=AUTHORIZED) == SUCCESS
    assert town.run("issuer", pay) == SUCCESS
    assert town.run("ana", town.pay("ben", "1", euro(town))) == failed("op_not_authorized")
    allow(town, "ben", set=AUTHORIZED)
    assert allow(town, "ana", clear=AUTHORIZED, set=MAINTAIN) == SUCCESS
    assert town.run("ana", town.pay("ben", "1", euro(town))) == failed("op_src_not_authorized")


def test_trust_that_was_there_before_stays_allowed(town: Town) -> None:
    town.run("ana", ChangeTrust(euro(town)))
    town.run("issuer", SetOptions(set_flags=REQUIRED))
    assert town.run("issuer", town.pay("ana", "5", euro(town))) == SUCCESS
    assert allow(town, "ana", clear=AUTHORIZED) == failed("op_cant_revoke")
    assert allow(town, "ben", set=AUTHORIZED) == failed("op_no_trust_line")
    assert allow(town, "ana", set=MAINTAIN) == failed("op_invalid_state")


@pytest.mark.parametrize(
    "flags", [{"set": 3}, {"set": 1, "clear": 1}, {"set": 4}, {"set": 8}, {"clear": 8}]
)
def test_flags_that_make_no_sense_are_malformed(town: Town, flags: dict[str, int]) -> None:
    town.run("ana", ChangeTrust(euro(town)))
    assert allow(town, "ana", **flags) == ("ERROR", "tx_failed", "op_malformed")


def test_only_the_issuer_allows(town: Town) -> None:
    change = SetTrustLineFlags(
        town.address("ben"), euro(town), set_flags=TrustLineFlags(AUTHORIZED)
    )
    assert town.run("ana", change) == ("ERROR", "tx_failed", "op_malformed")


def test_flags_are_told_by_horizon_in_entries_and_in_events(town: Town) -> None:
    town.run("issuer", SetOptions(set_flags=REQUIRED | REVOCABLE))
    town.run("ana", ChangeTrust(euro(town)))
    reading = town.network.read(town.now_ms)
    flags = horizon.account(reading, town.account("issuer"), "")["flags"]
    assert flags == {
        "auth_required": True,
        "auth_revocable": True,
        "auth_immutable": False,
        "auth_clawback_enabled": False,
    }
    assert not line_of(town)["is_authorized"]
    start = reading.latest.sequence + 1
    allow(town, "ana", set=MAINTAIN)
    assert not line_of(town)["is_authorized"]
    assert line_of(town)["is_authorized_to_maintain_liabilities"]
    allow(town, "ana", set=AUTHORIZED, clear=MAINTAIN)
    assert line_of(town)["is_authorized"]
    name = f"EURO:{town.address('issuer')}"
    assert Client(town).told(startLedger=start) == [
        ("set_authorized", town.address("ana"), name, True)
    ]


def line_of(town: Town) -> Any:
    document = horizon.account(town.network.read(town.now_ms), town.account("ana"), "")
    return document["balances"][0]


def test_an_immutable_account_keeps_its_flags_and_cannot_be_merged(town: Town) -> None:
    assert town.run("ana", SetOptions(set_flags=IMMUTABLE)) == SUCCESS
    assert town.run("ana", SetOptions(clear_flags=IMMUTABLE)) == failed("op_cant_change")
    merge = AccountMerge(town.address("ben"))
    assert town.run("ana", merge) == failed("op_immutable_set")


def test_a_merged_account_leaves_all_it_had_and_is_gone(town: Town) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    into = MuxedAccount(town.address("ben"), 5).account_muxed or ""
    envelope = town.build("ana", AccountMerge(into))
    ana = town.address("ana")
    assert town.outcome(envelope) == SUCCESS
    assert town.network.account(ana) is None
    assert town.account("ben").balance == 2000 * XLM - 100
    record = town.network.transaction(envelope.hash_hex())
    assert record is not None
    result = stellar_xdr.TransactionResult.from_xdr(record.result_xdr).result.results
    assert result is not None
    merged = result[0].tr
    assert merged is not None
    assert merged.account_merge_result is not None
    assert merged.account_merge_result.source_account_balance is not None
    assert merged.account_merge_result.source_account_balance.int64 == 1000 * XLM - 100
    told = {"amount": 1000 * XLM - 100, "to_muxed_id": 5}
    assert Client(town).told(startLedger=start) == [
        ("transfer", ana, town.address("ben"), "native", told)
    ]
    reading = town.network.read(town.now_ms)
    page = Page("", descending=True, limit=1)
    [document] = payments(reading, ana, page, "", failed=False, join=False)
    assert (document["type"], document["account"], document["into"]) == (
        "account_merge",
        ana,
        town.address("ben"),
    )
    assert document["into_muxed_id"] == "5"
    assert "amount" not in document
    # A new account of that name begins where no old transaction can apply.
    assert town.network.read(town.now_ms).has_history(ana)


def test_what_keeps_an_account_from_being_merged(town: Town) -> None:
    merge = AccountMerge(town.address("ben"))
    assert town.run("ana", AccountMerge(town.address("ana"))) == (
        "ERROR",
        "tx_failed",
        "op_malformed",
    )
    town.run("ana", ManageData("color", b"blue"))
    assert town.run("ana", merge) == failed("op_has_sub_entries")
    town.run("ana", ManageData("color", None))
    town.run("ana", SetOptions(signer=Signer.ed25519_public_key(town.address("ben"), 1)))
    town.run("ana", SetOptions(high_threshold=2))
    refused = town.outcome(town.build("ana", merge))
    assert refused == ("ERROR", "tx_failed", "op_bad_auth"), "a merge needs the high threshold"
    assert town.outcome(town.build("ana", merge, signers=("ana", "ben"))) == SUCCESS
