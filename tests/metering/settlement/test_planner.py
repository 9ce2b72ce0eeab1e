"""Whoever cannot be paid, and whatever may not be spent, holds up nobody else."""

from dataclasses import replace

from stellar_sdk import ChangeTrust, ClaimClaimableBalance

from metering.ledger.ledger import Transfer, inflight_account
from metering.localnet.entries import ClaimableBalance
from metering.money import Stroops
from metering.settlement.outbox import Kind, State
from metering.settlement.signer import Reason, Refused, SigningOrder
from metering.settlement.source import Due
from metering.settlement.transaction import Slot, claimable_id
from tests.metering.settlement.dollars import DOLLAR, Dollars
from tests.metering.settlement.simulated import TERMS, XLM, World


async def test_above_the_daily_cap_payouts_wait_and_their_owners_are_told() -> None:
    world = World(channels=2, terms=replace(TERMS, daily_cap=Stroops(10 * XLM)))
    await world.earn_all({"ana": 6 * XLM, "ben": 5 * XLM, "cy": 4 * XLM, "dan": 11 * XLM})
    await world.run()
    assert [world.received(c) for c in ("ana", "ben", "cy", "dan")] == [6 * XLM, 0, 4 * XLM, 0]
    assert await world.stored.obstacle("ben", "XLM") == "daily_cap"
    world.clock.advance(24 * 3_600_000)
    await world.run()
    assert world.received("ben") == 5 * XLM
    assert await world.stored.obstacle("ben", "XLM") is None
    assert await world.stored.obstacle("dan", "XLM") == "daily_cap", "more than a day's"
    await world.check()


async def test_who_does_not_take_an_asset_finds_it_left_to_be_claimed() -> None:
    """Without a trust line, with one that is full, and with one that the issuer does not allow."""
    world = Dollars()
    await world.begin()
    await world.add_payee("ana", limit="1000")
    keys = await world.add_payee("ben")
    await world.add_payee("cy", limit="0.0000005")
    await world.add_payee("dan", limit="1000", allowed=False)
    await world.add_payee("eve")
    for creator in ("ana", "ben", "cy", "dan"):
        await world.earn(creator, 2 * DOLLAR)
    await world.earn("eve", DOLLAR - 1)
    await world.run()
    assert world.line("ana") == 2 * DOLLAR
    left = ("ben", "cy", "dan")
    paid = {c: (await world.stored.payouts(c, world.asset, 9))[0] for c in left}
    assert [(p.state, p.claimable) for p in paid.values()] == [("applied", True)] * 3
    assert await world.stored.obstacle("eve", world.asset) == "op_no_trust", "too little for that"
    await world.check()
    # What ben has to know in order to claim it follows from the payout.
    settlement = await world.stored.settlement_of(paid["ben"].id)
    assert settlement is not None
    assert settlement.signed is not None
    slot = Slot(settlement.source, settlement.signed.sequence, settlement.signed.max_time)
    balance = claimable_id(slot, paid["ben"].place)
    world.run_operation(keys, ChangeTrust(world.usd))
    world.allow(keys.public_key)
    world.run_operation(keys, ClaimClaimableBalance(balance))
    assert world.line("ben") == 2 * DOLLAR
    unclaimed = [e for e in world.network._entries.all() if isinstance(e, ClaimableBalance)]
    assert sum(each.amount for each in unclaimed) == 4 * DOLLAR


async def test_an_offender_that_shows_only_on_the_chain_costs_one_fee_and_delays_nobody() -> None:
    """Ben's trust line goes while his payment is under way with ana's."""
    world = Dollars()
    await world.begin()
    await world.add_payee("ana", limit="1000")
    keys = await world.add_payee("ben", limit="1000")
    await world.run()
    await world.earn("ana", 2 * DOLLAR)
    await world.earn("ben", 3 * DOLLAR)
    await world.worker.run_once()
    [failing] = [s for s in await world.stored.unfinished() if len(s.payments) == 2]
    world.run_operation(keys, ChangeTrust(world.usd, limit="0"), fee=1_000)
    await world.worker.run_once()
    failed = await world.stored.settlement(failing.id)
    assert failed is not None
    assert failed.state == State.FAILED
    await world.run()
    assert world.line("ana") == 2 * DOLLAR
    [last, first] = await world.stored.payouts("ben", world.asset, 9)
    assert (first.state, first.code) == ("failed", "op_no_trust")
    assert (last.state, last.claimable) == ("applied", True)
    [left] = [e for e in world.network._entries.all() if isinstance(e, ClaimableBalance)]
    assert left.amount == 3 * DOLLAR
    await world.check()


async def test_what_fails_by_our_own_fault_is_tried_again_a_minute_later_not_at_once() -> None:
    world = World(channels=1)
    await world.earn_all({"ana": XLM})
    await world.run()
    await world.earn("ana", 100 * XLM)
    await world.worker.run_once()
    kept = world.balance(world.signer.hot)
    world.drain(keep=50 * XLM)
    await world.run(59)
    payouts = await world.stored.payouts("ana", "XLM", 9)
    assert [(p.state, p.code) for p in payouts[:-1]] == [("failed", "op_underfunded")]
    world.drain(keep=kept)
    world.clock.advance(60_000)
    await world.run()
    assert world.received("ana") == 101 * XLM
    await world.check()


class Cautious:
    """A signer that refuses everything for a while."""

    def __init__(self, world: World, reason: Reason) -> None:
        self.hot, self.channels = world.signer.hot, world.signer.channels
        self.reason: Reason | None = reason
        self._signer = world.signer
        self.bump = world.signer.bump

    async def sign(self, order: SigningOrder) -> object:
        if self.reason is not None:
            raise Refused(self.reason)
        return await self._signer.sign(order)


async def test_what_the_signer_refuses_for_good_goes_back_and_what_it_will_sign_waits() -> None:
    for reason, state in ((Reason.FEE_TOO_HIGH, "dead"), (Reason.DAILY_CAP, "planned")):
        world = World(channels=1)
        await world.earn_all({"ana": XLM})
        await world.run()
        cautious = Cautious(world, reason)
        world.signer = cautious  # type: ignore[assignment]  # a signer all the same
        world.new_worker()
        await world.earn("ana", XLM)
        await world.run(20)
        last = (await world.stored.payouts("ana", "XLM", 9))[0]
        assert last.state == state
        assert len(await world.stored.payouts("ana", "XLM", 9)) == 2, "not one after the other"
        cautious.reason = None
        world.clock.advance(60_000)
        await world.run()
        assert world.received("ana") == 2 * XLM
        await world.check()


class Withdrawals:
    """Somebody takes money out: set aside in an account of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.dues: list[Due] = []
        self.told: list[tuple[str, str]] = []

    async def request(self, name: str, address: str, amount: int, memo: str | None = None) -> None:
        account = inflight_account(name, "XLM")
        await self._world.earn(name, amount)
        await self._world.ledger.open_accounts([account])
        aside = Transfer(
            f"{name}:requested",
            f"creator:{name}:XLM",
            account.id,
            Stroops(amount),
            "XLM",
            "withdrawal_requested",
        )
        await self._world.ledger.post([aside])
        due = Due(name, name, account.id, address, Stroops(amount), Kind.WITHDRAWAL, memo)
        self.dues.append(due)

    async def due(self, asset: str, limit: int) -> list[Due]:
        held = await self._world.ledger.balances("inflight:")
        return [each for each in self.dues if held.get(each.account, 0) >= each.amount]

    async def refused(self, due_id: str, code: str) -> None:
        self.told.append((due_id, code))
        self.dues = [each for each in self.dues if each.id != due_id]


async def test_withdrawals_go_first_have_their_memos_and_are_told_what_refuses_them() -> None:
    world = World(channels=3)
    out = Withdrawals(world)
    world.sources.append(out)
    world.new_worker()
    await world.earn_all({"ana": XLM})
    await world.run()
    await out.request("wdr_1", await world.add_creator("wdr_a"), 2 * XLM)
    await out.request("wdr_2", await world.add_creator("wdr_b"), 3 * XLM, "text:account 7")
    await out.request("wdr_3", await world.add_creator("nobody", on_chain=False), XLM)
    await out.request("wdr_4", world.signer.hot, XLM)
    await world.earn("ana", 9 * XLM)
    await world.run()
    assert world.received("wdr_a") == 2 * XLM
    assert world.received("wdr_b") == 3 * XLM
    assert sorted(out.told) == [("wdr_3", "op_no_destination"), ("wdr_4", "own_address")]
    fates = await world.stored.fates(["wdr_1", "wdr_2", "wdr_3"])
    assert {due: fate.state for due, fate in fates.items()} == {
        "wdr_1": "applied",
        "wdr_2": "applied",
    }
    with_memo = await world.stored.settlement_of(fates["wdr_2"].id)
    assert with_memo is not None
    assert len(with_memo.payments) == 1
    assert world.received("ana") == 10 * XLM
    assert not await world.stored.payouts("wdr_1", "XLM", 9), "no earnings"


async def test_workers_of_two_assets_leave_each_others_payouts_alone() -> None:
    world = Dollars()
    await world.begin()
    await world.add_payee("ana", limit="1000")
    await world.run()
    await world.earn("ana", 2 * DOLLAR)
    await world.worker.run_once()
    [dollars] = await world.stored.unfinished()
    lumens = world.lumen_worker()
    for _ in range(10):
        assert not await lumens.run_once(), "nothing of it is under way"
        world.clock.advance(1_000)
        world.network.advance(world.clock.wall_ms())
    assert await world.stored.unfinished() == [dollars]
    await world.run()
    assert world.line("ana") == 2 * DOLLAR
    await world.check()
