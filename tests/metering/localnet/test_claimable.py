"""Claimable balances: who may claim what, when, and whose reserve it costs."""

import pytest
from stellar_sdk import (
    AccountMerge,
    Asset,
    AuthorizationFlag,
    ChangeTrust,
    Claimant,
    ClaimClaimableBalance,
    ClaimPredicate,
    CreateClaimableBalance,
    Operation,
    SetOptions,
    SetTrustLineFlags,
    TransactionEnvelope,
    TrustLineFlags,
)

from metering.localnet.entries import BASE_RESERVE, ClaimableBalance
from metering.localnet.horizon_balances import balances
from metering.localnet.paging import Page
from tests.metering.localnet.rpc_client import Client
from tests.metering.localnet.town import XLM, Town

SUCCESS = ("tx_success", "op_success")
ALL = Page("", descending=False, limit=200)


def failed(code: str) -> tuple[str, str]:
    return "tx_failed", code


@pytest.fixture
def town() -> Town:
    return Town("ana", "ben", "cleo", "issuer")


def lay_by(
    town: Town, *claimants: Claimant, asset: Asset | None = None, amount: str = "5"
) -> CreateClaimableBalance:
    named = list(claimants) or [Claimant(town.address("ben"))]
    return CreateClaimableBalance(asset or Asset.native(), amount, named)


def laid_by(town: Town, source: str, create: Operation) -> str:
    """Make a balance; its id as Horizon writes it."""
    envelope: TransactionEnvelope = town.build(source, create)
    assert town.outcome(envelope) == SUCCESS
    return envelope.transaction.get_claimable_balance_id(0)


def test_the_claimant_gets_the_amount_and_the_maker_its_reserve_back(town: Town) -> None:
    id_ = laid_by(town, "ana", lay_by(town))
    ana = town.account("ana")
    assert ana.balance == 995 * XLM - 100
    assert ana.reserve == 3 * BASE_RESERVE
    assert town.run("cleo", ClaimClaimableBalance(id_)) == failed("op_cannot_claim")
    assert town.run("ben", ClaimClaimableBalance(id_)) == SUCCESS
    assert town.account("ben").balance == 1005 * XLM - 100
    assert town.account("ana").reserve == 2 * BASE_RESERVE
    assert town.run("ben", ClaimClaimableBalance(id_)) == failed("op_does_not_exist")


def test_predicates_are_about_the_time_of_the_ledger(town: Town) -> None:
    """Ben may claim within 10 s, Cleo from then on; after a day nobody."""
    later = ClaimPredicate.predicate_not(ClaimPredicate.predicate_before_relative_time(10))
    day = ClaimPredicate.predicate_before_absolute_time(town.now_ms // 1000 + 86_400)
    claimants = (
        Claimant(town.address("ben"), ClaimPredicate.predicate_before_relative_time(10)),
        Claimant(town.address("cleo"), ClaimPredicate.predicate_and(later, day)),
    )
    first, second, third = (laid_by(town, "ana", lay_by(town, *claimants)) for _ in range(3))
    assert town.run("cleo", ClaimClaimableBalance(first)) == failed("op_cannot_claim")
    assert town.run("ben", ClaimClaimableBalance(first)) == SUCCESS
    town.close(10)
    assert town.run("ben", ClaimClaimableBalance(second)) == failed("op_cannot_claim")
    assert town.run("cleo", ClaimClaimableBalance(second)) == SUCCESS
    town.close(86_400)
    assert town.run("cleo", ClaimClaimableBalance(third)) == failed("op_cannot_claim")
    assert town.account("ana").reserve == 4 * BASE_RESERVE, "what nobody claims is kept"


def test_the_reserve_of_every_claimant_has_to_be_there(town: Town) -> None:
    town.create("poor", lumens="2")
    both = (Claimant(town.address("ben")), Claimant(town.address("cleo")))
    dear = lay_by(town, *both, amount="0.9")
    assert town.run("poor", dear) == failed("op_low_reserve")
    assert town.run("poor", lay_by(town, amount="0.4")) == SUCCESS
    assert town.run("poor", lay_by(town, amount="0.4")) == failed("op_underfunded")
    assert town.run("poor", AccountMerge(town.address("ben"))) == failed("op_is_sponsor")


def test_an_asset_can_be_laid_by_for_who_does_not_trust_it_yet(town: Town) -> None:
    euro = Asset("EURO", town.address("issuer"))
    assert town.run("ana", lay_by(town, asset=euro)) == failed("op_no_trust")
    town.run("ana", ChangeTrust(euro))
    town.run("issuer", town.pay("ana", "20", euro))
    id_ = laid_by(town, "ana", lay_by(town, asset=euro))
    assert town.run("ben", ClaimClaimableBalance(id_)) == failed("op_no_trust")
    town.run("ben", ChangeTrust(euro, limit="4"))
    assert town.run("ben", ClaimClaimableBalance(id_)) == failed("op_line_full")
    town.run("ben", ChangeTrust(euro))
    assert town.run("ben", ClaimClaimableBalance(id_)) == SUCCESS
    line = town.network.read(town.now_ms).entries.trust_line(
        town.address("ben"), f"EURO:{town.address('issuer')}"
    )
    assert line is not None
    assert line.balance == 5 * XLM


@pytest.mark.parametrize("what", ["nothing", "twice the same", "too deep"])
def test_balances_that_make_no_sense_are_malformed(town: Town, what: str) -> None:
    ben = Claimant(town.address("ben"))
    deep = ClaimPredicate.predicate_unconditional()
    for _ in range(4):
        deep = ClaimPredicate.predicate_not(deep)
    create = {
        "nothing": lay_by(town, amount="0"),
        "twice the same": lay_by(town, ben, ben),
        "too deep": lay_by(town, Claimant(town.address("ben"), deep)),
    }[what]
    answer = town.run("ana", town.pay("ben"), create)
    assert answer == ("ERROR", "tx_failed", "op_success", "op_malformed")


def test_both_ways_are_told_in_events(town: Town) -> None:
    start = town.network.latest(town.now_ms).sequence + 1
    id_ = laid_by(town, "ana", lay_by(town))
    [balance] = [e for e in town.network.read(town.now_ms).entries.all() if is_balance(e)]
    assert isinstance(balance, ClaimableBalance)
    assert id_ == "00000000" + balance.id
    town.run("ben", ClaimClaimableBalance(id_))
    assert Client(town).told(startLedger=start) == [
        ("transfer", town.address("ana"), balance.address, "native", 5 * XLM),
        ("transfer", balance.address, town.address("ben"), "native", 5 * XLM),
    ]


def is_balance(entry: object) -> bool:
    return isinstance(entry, ClaimableBalance)


def test_horizon_lists_balances_by_claimant_sponsor_and_asset(town: Town) -> None:
    euro = Asset("EURO", town.address("issuer"))
    one = laid_by(town, "ana", lay_by(town))
    two = laid_by(town, "issuer", lay_by(town, Claimant(town.address("cleo")), asset=euro))
    reading = town.network.read(town.now_ms)

    def ids(**wanted: str) -> list[str]:
        return [document["id"] for document in balances(reading, ALL, "", **wanted)]

    assert ids() == [one, two]
    assert ids(claimant=town.address("ben")) == [one]
    assert ids(sponsor=town.address("issuer")) == [two]
    assert ids(asset=f"EURO:{town.address('issuer')}") == [two]
    assert ids(claimant=town.address("ben"), asset="EURO:X") == []
    [first, second] = balances(reading, ALL, "")
    assert (first["amount"], first["asset"]) == ("5.0000000", "native")
    assert first["claimants"] == [
        {"destination": town.address("ben"), "predicate": {"unconditional": True}}
    ]
    after = balances(reading, Page(first["paging_token"], descending=False, limit=9), "")
    assert after == [second]
    assert balances(reading, Page("", descending=True, limit=1), "") == [second]


def test_who_is_not_authorized_cannot_claim(town: Town) -> None:
    euro = Asset("EURO", town.address("issuer"))
    id_ = laid_by(town, "issuer", lay_by(town, asset=euro))
    town.run("ben", ChangeTrust(euro))
    town.run("issuer", SetOptions(set_flags=AuthorizationFlag.AUTHORIZATION_REVOCABLE))
    revoke = SetTrustLineFlags(
        town.address("ben"), euro, clear_flags=TrustLineFlags.AUTHORIZED_FLAG
    )
    assert town.run("issuer", revoke) == SUCCESS
    assert town.run("ben", ClaimClaimableBalance(id_)) == failed("op_not_authorized")
