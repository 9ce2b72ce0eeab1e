"""The chain's port over RPC and over Horizon: the same answers, on the local network and another.

`./run test -m testnet` runs all of it on Stellar's test network.
"""

import pytest
from stellar_sdk import (
    Asset,
    ChangeTrust,
    Claimant,
    ClaimClaimableBalance,
    CreateClaimableBalance,
    HashMemo,
    IdMemo,
    Keypair,
    SetOptions,
    Signer,
    TextMemo,
)

from config.limits import STELLAR_KEYS_MAX
from metering.money import Stroops
from metering.settlement.chain import (
    ChainUnreachable,
    SeenTransaction,
    SettledAsset,
    Thresholds,
    WrongNetwork,
)
from metering.settlement.lifecycle import Answer
from metering.settlement.sending import Found, NotFound
from metering.settlement.transaction import Slot, claimable_id
from tests.metering.localnet.running import RunningNetwork
from tests.metering.settlement.networks import (
    PATIENCE_SECONDS,
    Visitor,
    everywhere,
    here,
    here_over_rpc,
    pay,
    set_faults,
)

XLM = 10**7


@everywhere
async def test_a_node_says_how_far_it_is_and_of_which_network(visitor: Visitor) -> None:
    tip = await visitor.chain.tip()
    assert 0 < tip.oldest_ledger <= tip.ledger
    assert await visitor.chain.fee_p80() >= 100
    other = visitor.over(visitor.api, passphrase="Another Network")
    for ask in (other.tip, other.fee_p80, lambda: other.account(visitor.address)):
        if ask == other.tip and visitor.api == "rpc":
            continue
        with pytest.raises(WrongNetwork):
            await ask()
    with pytest.raises(WrongNetwork):
        await other.send(await visitor.sign(pay(visitor.address, "1")))


@everywhere
async def test_an_account_says_what_it_holds_and_who_may_sign_for_it(visitor: Visitor) -> None:
    chain, second = visitor.chain, Keypair.random().public_key
    nobody = Keypair.random().public_key
    assert await chain.account(nobody) is None
    assert await chain.holdings(nobody) is None
    done = await visitor.do(
        SetOptions(
            master_weight=3,
            low_threshold=1,
            med_threshold=2,
            high_threshold=3,
            home_domain="tollcast.example",
            signer=Signer.ed25519_public_key(second, 2),
        )
    )
    assert done.successful

    async def changed() -> bool | None:
        account = await chain.account(visitor.address)
        return True if account is not None and account.home_domain else None

    await visitor.until(changed)
    account = await chain.account(visitor.address)
    assert account is not None
    assert account.address == visitor.address
    assert account.thresholds == Thresholds(1, 2, 3)
    assert dict(account.signers) == {visitor.address: 3, second: 2}
    holdings = await chain.holdings(visitor.address)
    assert holdings is not None
    assert holdings.balance == 10_000 * XLM - done.fee_charged
    nobody_has = await chain.snapshot([visitor.address, nobody], ["XLM", f"USD:{nobody}"])
    assert nobody_has.ledger >= done.ledger
    assert dict(nobody_has.held) == {(visitor.address, "XLM"): holdings.balance}
    assert dict(nobody_has.sequences) == {visitor.address: account.sequence}
    # Two base reserves, and one for the second signer.
    assert holdings.spendable == holdings.balance - 15_000_000
    assert holdings.ledger == done.ledger


@everywhere
async def test_what_becomes_of_an_envelope(visitor: Visitor) -> None:
    chain, poor = visitor.chain, Keypair.random().public_key
    memo = HashMemo(bytes(range(32)))
    good = await visitor.sign(pay(visitor.address, "1"), pay(visitor.address, "2"), memo=memo)
    rival = await visitor.sign(pay(visitor.address, "3"))
    seen = await chain.look(good)
    assert isinstance(seen, NotFound)
    assert seen.latest_close_time < good.max_time
    assert seen.oldest_ledger <= good.ledger
    assert (await chain.send(good)).answer == Answer.ACCEPTED
    assert (await chain.send(good)).answer in (Answer.ACCEPTED, Answer.REFUSED), "or it was quick"
    found = await visitor.found(good)
    assert found == Found(
        True, found.ledger, found.fee_charged, "tx_success", ("op_success", "op_success")
    )
    assert found.ledger > good.ledger
    assert 200 <= found.fee_charged <= good.fee
    told = await chain.transaction(good.hash)
    assert told == SeenTransaction(
        source=visitor.address,
        sequence=good.sequence,
        payer=visitor.address,
        fee=found.fee_charged,
        memo=bytes(range(32)).hex(),
    )
    assert await chain.transaction(rival.hash) is None
    refused = await chain.send(rival)
    assert (refused.answer, refused.detail) == (Answer.REFUSED, "tx_bad_seq")
    unknown = await chain.look(rival)
    assert isinstance(unknown, NotFound)
    failing = await visitor.do(pay(visitor.address, "1"), pay(poor, "1"))
    assert not failing.successful
    assert failing.code == "tx_failed"
    assert failing.operations == ("op_success", "op_no_destination")


@everywhere
async def test_who_could_not_be_paid_is_known_before(visitor: Visitor) -> None:
    issuer, nobody = Keypair.random(), Keypair.random().public_key
    await visitor.friendbot.fund(issuer.public_key)
    await visitor.do(ChangeTrust(Asset("USD", issuer.public_key), limit="5"))
    asset = SettledAsset("USD", issuer.public_key)
    chain = visitor.over(visitor.api, asset=asset)
    bad = "G" * 56
    assert await visitor.chain.obstacles([visitor.address, nobody, bad]) == {
        nobody: "op_no_destination",
        bad: "bad_address",
    }

    async def trusted() -> bool | None:
        return True if await chain.holdings(visitor.address) is not None else None

    await visitor.until(trusted)
    other = Keypair.random().public_key
    await visitor.friendbot.fund(other)
    await visitor.until(lambda: chain.account(other))
    assert await chain.obstacles([visitor.address, issuer.public_key, other]) == {
        other: "op_no_trust"
    }
    held = await chain.holdings(visitor.address)
    assert held is not None
    assert (held.balance, held.spendable) == (0, 0)


@everywhere
async def test_what_is_left_to_be_claimed_is_there_until_somebody_claims_it(
    visitor: Visitor,
) -> None:
    claimant = [Claimant(visitor.address)]
    left = [CreateClaimableBalance(Asset.native(), amount, claimant) for amount in ("1", "2")]
    envelope = await visitor.sign(*left)
    slot = Slot(visitor.address, envelope.sequence, envelope.max_time)
    first, second = (claimable_id(slot, place) for place in (0, 1))
    # More than one page of RPC; Horizon is asked for each.
    unknown = [f"{n:072x}" for n in range(STELLAR_KEYS_MAX if visitor.api == "rpc" else 2)]
    asked = [first, *unknown, second]
    assert await visitor.chain.claimable(asked) == set()
    assert (await visitor.chain.send(envelope)).answer == Answer.ACCEPTED
    assert (await visitor.found(envelope)).successful
    for balance, there in ((None, {first, second}), (first, {second}), (second, set[str]())):
        if balance is not None:
            assert (await visitor.do(ClaimClaimableBalance(balance))).successful

        async def is_so(there: set[str] = there) -> bool | None:
            return await visitor.chain.claimable(asked) == there or None

        assert await visitor.until(is_so)


@everywhere
async def test_the_feed_tells_every_payment_once_and_whom_it_was_for(visitor: Visitor) -> None:
    neighbour = Keypair.random().public_key
    await visitor.friendbot.fund(neighbour)
    await visitor.do(pay(visitor.address, "0.0000001", muxed_id=2**63 + 7))
    await visitor.do(
        pay(neighbour, "1"), pay(visitor.address, "2"), pay(neighbour, "3"), memo=IdMemo(41)
    )
    await visitor.do(pay(neighbour, "4"), memo=TextMemo("41"))
    failing = await visitor.do(pay(neighbour, "5"), pay(Keypair.random().public_key, "1"))
    assert not failing.successful
    await visitor.do(pay(visitor.address, "6"))
    feed = visitor.chain.feed(visitor.address)
    assert feed.address == visitor.address
    created, *payments = await visitor.payments(feed, 7, limit=2)
    assert (created.destination, created.amount) == (visitor.address, 10_000 * XLM)
    told = [(p.destination, p.amount, p.muxed_id, p.memo_id) for p in payments]
    own = visitor.address
    assert told == [
        (own, 1, 2**63 + 7, None),
        (neighbour, 1 * XLM, None, None),
        (own, 2 * XLM, None, 41),
        (neighbour, 3 * XLM, None, None),
        (neighbour, 4 * XLM, None, None),
        (own, 6 * XLM, None, None),
    ]
    assert {(p.source, p.asset) for p in payments} == {(own, "XLM")}
    assert len({payment.id for payment in payments}) == 6
    assert [p.ledger for p in payments] == sorted(p.ledger for p in payments)
    [same] = await visitor.payments(feed, 1, cursor=payments[-2].cursor)
    assert same == payments[-1]
    other = visitor.over("horizon" if visitor.api == "rpc" else "rpc").feed(visitor.address)
    assert await visitor.payments(other, 7) == [created, *payments], "cursors and ids are the same"


@everywhere
async def test_a_feed_goes_on_where_nothing_happened(visitor: Visitor) -> None:
    feed = visitor.chain.feed(visitor.address)
    [created] = await visitor.payments(feed, 1)

    async def further() -> bool | None:
        page = await feed.after(created.cursor, 10)
        assert page.payments == ()
        return True if page.finished and page.ledger > created.ledger else None

    # Horizon's coverage is told a dozen ledgers late: so much may servers be apart.
    await visitor.until(further, 3 * PATIENCE_SECONDS)


@here_over_rpc
async def test_a_node_without_events_tells_the_same_payments(
    visitor: Visitor, network: RunningNetwork
) -> None:
    await visitor.do(pay(visitor.address, "1", muxed_id=7), pay(visitor.address, "2"))
    await visitor.do(pay(visitor.address, "3"), memo=IdMemo(9))
    with_events = await visitor.payments(visitor.chain.feed(visitor.address), 4)
    await set_faults(network, {"classic_events": False})
    without = await visitor.payments(visitor.chain.feed(visitor.address), 4)
    assert without == with_events
    resumed = await visitor.payments(
        visitor.chain.feed(visitor.address), 2, cursor=without[1].cursor
    )
    assert resumed == with_events[2:], "also from the middle of a transaction"


@here
async def test_no_answer_to_an_envelope_is_never_a_no(
    visitor: Visitor, network: RunningNetwork
) -> None:
    for fault in ("drop_before", "fail_before", "drop_after", "fail_after"):
        envelope = await visitor.sign(pay(visitor.address, "1"))
        await set_faults(network, {fault: 1})
        assert (await visitor.chain.send(envelope)).answer == Answer.UNKNOWN, fault
        if fault.endswith("before"):
            assert isinstance(await visitor.chain.look(envelope), NotFound), fault
            assert (await visitor.chain.send(envelope)).answer == Answer.ACCEPTED, fault
        assert (await visitor.found(envelope)).successful, fault


@here
async def test_a_node_that_does_not_answer_is_unreachable(
    visitor: Visitor, network: RunningNetwork
) -> None:
    chain, feed = visitor.chain, visitor.chain.feed(visitor.address)
    for fault in ("drop_reads", "fail_reads"):
        for ask in (
            lambda: chain.holdings(visitor.address),
            lambda: chain.account(visitor.address),
            lambda: chain.obstacles([visitor.address]),
            chain.fee_p80,
            chain.tip,
            lambda: feed.after(None, 10),
        ):
            # Twice: a client asks again by itself when a connection that was in use is cut.
            await set_faults(network, {fault: 2})
            with pytest.raises(ChainUnreachable):
                await ask()
    await set_faults(network, {})
    holdings = await chain.holdings(visitor.address)
    assert holdings is not None
    assert holdings.balance == Stroops(10_000 * XLM)
