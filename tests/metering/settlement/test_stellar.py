"""The chain adapter: what it builds, what it makes of a node's answers."""

from collections.abc import Callable
from typing import Any

import pytest
from stellar_sdk import (
    Asset,
    ChangeTrust,
    HashMemo,
    Keypair,
    SetOptions,
    Signer,
    TransactionEnvelope,
)
from stellar_sdk import Payment as PaymentOperation
from stellar_sdk.utils import to_xdr_amount

from metering.money import Stroops
from metering.settlement import statement
from metering.settlement.chain import (
    ChainUnreachable,
    SettledAsset,
    Tip,
    UnknownHotAccount,
    WrongNetwork,
)
from metering.settlement.lifecycle import Answer
from metering.settlement.outbox import Payment, Settlement
from metering.settlement.sending import Found, NotFound
from metering.settlement.stellar import (
    BadAddress,
    BadSeed,
    address_of,
    checked_address,
    new_seed,
)
from tests.metering.settlement.keyed_chain import KeyedChain
from tests.metering.settlement.simulated import CLOSE_MS, PASSPHRASE, XLM, World


@pytest.fixture
async def world() -> World:
    world = World()
    await world.play_money.replenish()
    return world


def settlement(world: World, *addresses: str, amount: int = 5) -> Settlement:
    payments = tuple(
        Payment(f"pay_{number}", f"c{number}", address, Stroops(amount + number), "")
        for number, address in enumerate(addresses)
    )
    return Settlement(
        "set_1", "XLM", world.chain.address, 150 * len(payments), payments, created_ms=0
    )


async def test_a_settlement_becomes_one_signed_transaction(world: World) -> None:
    addresses = [Keypair.random().public_key for _ in range(3)]
    plan = settlement(world, *addresses)
    signed = await world.real_chain.sign(plan)
    envelope = TransactionEnvelope.from_xdr(signed.xdr, PASSPHRASE)
    transaction = envelope.transaction
    assert envelope.hash_hex() == signed.hash
    Keypair.from_public_key(world.chain.address).verify(
        envelope.hash(), envelope.signatures[0].signature
    )
    assert len(envelope.signatures) == 1
    assert transaction.sequence == signed.sequence
    assert transaction.fee == signed.fee == 450
    assert transaction.preconditions is not None
    assert transaction.preconditions.time_bounds is not None
    assert transaction.preconditions.time_bounds.max_time == signed.max_time
    latest = world.network.latest(world.clock.wall_ms())
    assert signed.max_time == latest.close_time + 120
    assert signed.ledger == latest.sequence
    paid = [o for o in transaction.operations if isinstance(o, PaymentOperation)]
    assert [o.destination.account_id for o in paid] == addresses
    assert [to_xdr_amount(o.amount) for o in paid] == [5, 6, 7]
    leaves = statement.leaves(plan)
    assert transaction.memo == HashMemo(statement.root(leaves))
    assert world.node.sent == [], "signing sends nothing"


async def test_a_hundred_payments_fit(world: World) -> None:
    addresses = [Keypair.random().public_key for _ in range(100)]
    signed = await world.real_chain.sign(settlement(world, *addresses))
    assert (await world.real_chain.send(signed)).answer == Answer.ACCEPTED


async def test_a_hundred_and_one_do_not(world: World) -> None:
    with pytest.raises(AssertionError):
        await world.real_chain.sign(settlement(world, *[world.chain.address] * 101))


async def test_signing_needs_the_hot_account_on_the_chain(world: World) -> None:
    other = KeyedChain("http://node", PASSPHRASE, new_seed(), world.node)
    with pytest.raises(UnknownHotAccount):
        await other.sign(settlement(world, world.chain.address))


async def test_what_a_node_answers_to_an_envelope(world: World) -> None:
    chain = world.real_chain
    address = await world.add_creator("ana")
    signed = await chain.sign(settlement(world, address))
    rival = await chain.sign(settlement(world, address, amount=9))
    assert (await chain.look(signed)) == NotFound(
        latest_ledger=signed.ledger,
        latest_close_time=signed.max_time - 120,
        oldest_ledger=1,
        source_sequence=signed.sequence - 1,
    )
    assert (await chain.send(signed)).answer == Answer.ACCEPTED
    assert (await chain.send(signed)).answer == Answer.ACCEPTED, "a duplicate is as good"
    busy = await chain.send(rival)
    assert (busy.answer, busy.detail) == (Answer.BUSY, "TRY_AGAIN_LATER")
    world.clock.advance(CLOSE_MS)
    found = await chain.look(signed)
    assert found == Found(True, signed.ledger + 1, 100, "tx_success", ("op_success",))
    refused = await chain.send(rival)
    assert (refused.answer, refused.detail) == (Answer.REFUSED, "tx_bad_seq")
    overtaken = await chain.look(rival)
    assert isinstance(overtaken, NotFound)
    assert overtaken.source_sequence == rival.sequence


async def test_a_failed_transaction_is_found_with_its_codes(world: World) -> None:
    chain = world.real_chain
    address = await world.add_creator("ana")
    signed = await chain.sign(settlement(world, address, Keypair.random().public_key))
    await chain.send(signed)
    world.clock.advance(CLOSE_MS)
    found = await chain.look(signed)
    assert isinstance(found, Found)
    assert (found.successful, found.code, found.fee_charged) == (False, "tx_failed", 200)
    assert found.operations == ("op_success", "op_no_destination")


async def test_a_lost_request_is_an_unknown_and_not_a_refusal(world: World) -> None:
    signed = await world.real_chain.sign(settlement(world, world.chain.address))
    world.node.weather.lost_after = 1.0
    assert (await world.real_chain.send(signed)).answer == Answer.UNKNOWN
    with pytest.raises(ChainUnreachable):
        await world.real_chain.look(signed)


async def test_a_sequence_number_from_a_node_that_is_ahead_is_not_used(world: World) -> None:
    """Behind a load balancer the second answer may be older: its history proves nothing then."""
    signed = await world.real_chain.sign(settlement(world, world.chain.address))
    answer = world.node.post

    async def ahead(url: str, data: Any = None, json_data: Any = None) -> Any:
        response = await answer(url, data, json_data)
        if json_data["method"] == "getLedgerEntries":
            response.json()["result"]["latestLedger"] += 1
        return response

    world.node.post = ahead  # type: ignore[method-assign]
    seen = await world.real_chain.look(signed)
    assert isinstance(seen, NotFound)
    assert seen.source_sequence is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.pop("result"),
        lambda answer: answer.update(error={"code": -32603, "message": "internal"}),
        lambda answer: answer.update(result={}),
        lambda answer: answer.update(result={"entries": [{"key": "?", "xdr": "?"}]}),
        lambda answer: answer.update(
            result={
                "entries": [{"key": "AA==", "xdr": "AA==", "lastModifiedLedgerSeq": 1}],
                "latestLedger": 5,
            }
        ),
        lambda answer: answer.clear(),
    ],
)
async def test_an_answer_that_makes_no_sense_counts_as_none(
    world: World, spoil: Callable[[dict[str, Any]], object]
) -> None:
    await world.real_chain.fee_p80()  # the network is checked
    answer = world.node.post

    async def spoilt(url: str, data: Any = None, json_data: Any = None) -> Any:
        response = await answer(url, data, json_data)
        spoil(response.json())
        return response

    world.node.post = spoilt  # type: ignore[method-assign]
    with pytest.raises(ChainUnreachable):
        await world.real_chain.holdings(world.chain.address)


async def test_a_node_of_another_network_gets_nothing(world: World) -> None:
    other = KeyedChain("http://node", "Public Network", world.seed, world.node)
    signed = await world.real_chain.sign(settlement(world, world.chain.address))
    with pytest.raises(WrongNetwork):
        await other.send(signed)
    assert world.node.sent == []


async def test_holdings_leave_the_reserve_alone(world: World) -> None:
    holdings = await world.real_chain.holdings(world.chain.address)
    assert holdings is not None
    assert holdings.balance == 10_000 * XLM
    assert holdings.spendable == 10_000 * XLM - 10_000_000
    assert await world.real_chain.holdings(Keypair.random().public_key) is None


async def test_an_account_says_who_may_sign_for_it(world: World) -> None:
    keys, second = Keypair.random(), Keypair.random().public_key
    assert await world.real_chain.account(keys.public_key) is None
    await world.friendbot.fund(keys.public_key)
    world.run_operation(
        keys,
        SetOptions(
            master_weight=3,
            low_threshold=1,
            med_threshold=4,
            high_threshold=5,
            home_domain="tollcast.example",
            signer=Signer.ed25519_public_key(second, 2),
        ),
    )
    account = await world.real_chain.account(keys.public_key)
    assert account is not None
    assert account.address == keys.public_key
    assert account.sequence % 2**32 == 1
    assert account.thresholds == (1, 4, 5)
    assert account.signers == {keys.public_key: 3, second: 2}
    assert account.home_domain == "tollcast.example"


async def test_the_tip_is_the_ledger_that_closed_last(world: World) -> None:
    latest = world.network.latest(world.clock.wall_ms())
    assert await world.real_chain.tip() == Tip(latest.sequence, latest.close_time, 1)
    world.clock.advance(CLOSE_MS)
    assert await world.real_chain.tip() == Tip(latest.sequence + 1, latest.close_time + 5, 1)


async def test_credit_needs_a_trust_line_to_be_held_and_paid(world: World) -> None:
    ana, ben = [await world.add_creator(name) for name in ("ana", "ben")]
    issuer = Keypair.random().public_key
    asset = SettledAsset("USD", issuer)
    keys = Keypair.random()
    await world.friendbot.fund(issuer)
    await world.friendbot.fund(keys.public_key)
    world.run_operation(keys, ChangeTrust(Asset("USD", issuer), limit="5"))
    chain = KeyedChain("http://node", PASSPHRASE, world.seed, world.node, asset)
    nobody = Keypair.random().public_key
    assert await chain.obstacles([ana, ben, keys.public_key, issuer, nobody, "?"]) == {
        ana: "op_no_trust",
        ben: "op_no_trust",
        nobody: "op_no_destination",
        "?": "bad_address",
    }
    held = await chain.holdings(keys.public_key)
    assert held is not None
    assert held.balance == 0
    assert await chain.holdings(ana) is None


async def test_more_payees_than_one_question_holds_are_asked_for_in_several(world: World) -> None:
    nobodies = [Keypair.random().public_key for _ in range(450)]
    found = await world.real_chain.obstacles([*nobodies, world.chain.address])
    assert len(found) == 450


def test_seeds_are_made_read_and_never_told() -> None:
    seed = new_seed()
    assert address_of(seed) == Keypair.from_secret(seed).public_key
    wrong = seed[:-1] + ("A" if seed[-1] != "A" else "B")
    with pytest.raises(BadSeed) as caught:
        address_of(wrong)
    assert wrong not in str(caught.value)
    assert caught.value.__suppress_context__


def test_addresses_are_checked() -> None:
    address = Keypair.random().public_key
    assert checked_address(address) == address
    for wrong in ("", "G", address[:-1], address.lower(), Keypair.random().secret):
        with pytest.raises(BadAddress):
            checked_address(wrong)
