"""Events tell all that moves: whoever adds them up knows what everybody has (CAP-67)."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import (
    AccountMerge,
    Asset,
    Claimant,
    ClaimClaimableBalance,
    CreateAccount,
    CreateClaimableBalance,
    Operation,
)

from metering.localnet.entries import Account, ClaimableBalance
from metering.localnet.header import TOTAL_COINS
from tests.metering.localnet.rpc_client import Client, plain
from tests.metering.localnet.town import XLM, Town

PEOPLE = ("ana", "ben", "cy")


def operation(town: Town, kind: str, target: str, amount: int) -> Operation:
    address, written = town.address(target), f"{amount // XLM}.{amount % XLM:07d}"
    if kind == "create":
        return CreateAccount(destination=address, starting_balance=written)
    if kind == "merge":
        return AccountMerge(address)
    if kind == "lay by":
        return CreateClaimableBalance(Asset.native(), written, [Claimant(address)])
    if kind == "claim":
        waiting = [e for e in town.network.read(town.now_ms).entries.all() if is_waiting(e)]
        if waiting:
            assert isinstance(waiting[0], ClaimableBalance)
            return ClaimClaimableBalance("00000000" + waiting[0].id)
    return town.pay(target, written)


def is_waiting(entry: object) -> bool:
    return isinstance(entry, ClaimableBalance)


def added_up(town: Town) -> Counter[str]:
    """What everybody has of lumens by the events since the beginning."""
    held = Counter({town.address("root"): TOTAL_COINS})
    for event in Client(town).events(startLedger=1, pagination={"limit": 10_000}).events:
        name, *topics = (plain(topic) for topic in event.topic)
        value = plain(event.value)
        amount = value["amount"] if isinstance(value, dict) else value
        held[topics[0]] -= amount
        if name == "transfer":
            held[topics[1]] += amount
    return held


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(PEOPLE),
            st.sampled_from(PEOPLE),
            st.sampled_from(["pay", "pay", "create", "merge", "lay by", "claim"]),
            st.integers(1, 1500 * XLM),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_balances_are_the_sums_of_events(moves: list[tuple[str, str, str, int, bool]]) -> None:
    town = Town(*PEOPLE)
    for source, target, kind, amount, close in moves:
        if town.network.account(town.address(source)) is not None:
            town.submit(town.build(source, operation(town, kind, target, amount), fee=200))
        if close:
            town.close()
    town.close()
    assert town.network.is_conserved()
    entries = town.network.read(town.now_ms).entries.all()
    expected = {e.id: e.balance for e in entries if isinstance(e, Account)}
    expected |= {e.address: e.amount for e in entries if isinstance(e, ClaimableBalance)}
    assert {holder: sum_ for holder, sum_ in added_up(town).items() if sum_} == expected
