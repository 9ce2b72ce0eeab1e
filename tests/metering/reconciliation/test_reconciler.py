"""Chain, journal and outbox compared, on a simulated network and a real database."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stellar_sdk import Keypair

from api.receipt_key import verify
from config.embedded_postgres import ROLE, EmbeddedPostgres
from config.postgres import Database
from metering.audit.audit import audit
from metering.audit.finding import Verdict
from metering.funding.withdrawal import End, Withdrawal
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.ledger.ledger import Transfer, hot_account, treasury_account, viewer_account
from metering.localnet.closing import Traffic
from metering.money import Stroops
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.report_check import check_report
from metering.settlement.feed import HistoryGap
from tests.metering.reconciliation.house import NETWORK, House
from tests.metering.settlement.networks import pay
from tests.metering.settlement.simulated import CLOSE_MS, XLM


@pytest.fixture
async def house(database: Database) -> House:
    return await furnished(database)


async def furnished(database: Database) -> House:
    """With play money, and compared once."""
    house = House(database, channels=2)
    assert house.hold() is not None, "nothing is paid before the books were compared once"
    await house.world.play_money.replenish()
    assert await house.compare(2) == {}
    assert house.hold() is None
    return house


async def settle(house: House, creator: str, amount: int) -> None:
    """Let a creator earn, and be paid."""
    if creator not in house.world.payees.addresses:
        await house.world.add_creator(creator)
    await house.world.earn(creator, amount)
    before = house.world.received(creator)
    await house.world.run(60)
    assert house.world.received(creator) == before + amount


async def test_payouts_deposits_and_fees_agree_to_the_stroop(house: House) -> None:
    for amount in (3 * XLM + 1, 5 * XLM):
        await settle(house, "ana", amount)
        assert await house.compare(2) == {}
    await house.world.friendbot.fund(house.ours.hot)
    assert await house.compare() == {}, "what comes in may take some seconds"
    await house.world.taker.take()
    assert await house.compare(2) == {}
    # Of the channel accounts, too, which pay the fees.
    assert len(house.ours.all) == 3
    held = await house.ledger.balances("chain:sender:")
    assert all(balance < 0 for balance in held.values())


async def test_a_pass_between_any_two_steps_of_a_payout_finds_nothing(house: House) -> None:
    await house.world.add_creator("ana")
    await house.world.earn("ana", XLM)
    for _ in range(40):
        more = await house.world.worker.run_once()
        assert await house.compare() == {}
        house.world.clock.advance(1_000)
        if not more:
            break
    assert house.world.received("ana") == XLM


async def test_each_planted_difference_is_found_by_name_and_stops_payouts(house: House) -> None:
    await settle(house, "ana", XLM)
    await house.world.earn("ana", 2 * XLM)
    hot = Keypair.from_secret(house.world.seed)
    # Somebody else has the key: a payment that the outbox does not know.
    house.world.run_operation(hot, pay(house.world.payees.addresses["ana"], "7"))
    # An entry of the journal about nothing on the chain, and a deposit that was never paid.
    treasury, chain = treasury_account("XLM").id, hot_account("XLM").id
    await house.ledger.post([Transfer("planted", chain, treasury, Stroops(11), "XLM", "planted")])
    await house.database.execute(
        """INSERT INTO chain_payment (network, event, ledger, closed_at, transaction_hash, source,
            destination, asset, amount, kind)
        SELECT network, 'ff:0', max(ledger), now(), 'ff', 'GNOBODY', $2, 'XLM', 13, 'gift'
        FROM chain_payment WHERE network = $1 GROUP BY network""",
        NETWORK,
        house.ours.hot,
    )
    found = await house.compare(2)
    by_kind = {(each.kind, each.about.partition(":")[0]) for each in found.values()}
    [unknown] = [each for each in found.values() if each.on_chain == 7 * XLM]
    assert unknown.kind == Kind.MISSING_IN_LEDGER
    assert unknown.destination == house.world.payees.addresses["ana"]
    assert (Kind.MISSING_ON_CHAIN, "planted") in by_kind
    assert unknown.seen is not None
    assert (unknown.seen.source, unknown.seen.fee) == (house.ours.hot, 100)
    assert f"sequence:{house.ours.hot}" not in found, "one cause is one finding"
    planted = found[f"balance:{chain}"]
    assert (planted.on_chain or 0) - (planted.in_ledger or 0) == -11, "without the fee"
    assert house.hold() is not None
    before = len(await house.world.stored.unfinished())
    assert not await house.world.worker.run_once()
    assert len(await house.world.stored.unfinished()) == before == 0, "nothing new is planned"


async def test_a_bid_that_our_books_have_forgotten_is_the_settlements_own(house: House) -> None:
    """As after a copy was restored that was made between signing and bidding more."""
    await settle(house, "ana", XLM)
    await house.world.earn("ana", XLM)
    await house.compare()
    await house.world.worker.run_once()
    house.world.network.traffic = Traffic(crowd_rate=900)
    await house.world.run(60)
    assert house.world.received("ana") == 2 * XLM
    assert await house.database.fetchval("SELECT count(*) FROM payout_bump") == 1
    await house.database.execute("ALTER TABLE payout_bump DISABLE TRIGGER USER")
    await house.database.execute("DELETE FROM payout_bump")
    assert await house.compare(2) == {}
    assert house.hold() is None


async def test_a_withdrawal_that_was_paid_behind_our_books_is_not_due_any_more(
    house: House,
) -> None:
    """As after an older copy was restored, in which it was asked for and not paid."""
    viewer, treasury = viewer_account("vera", "XLM"), treasury_account("XLM").id
    await house.ledger.open_accounts([viewer])
    gift = Transfer("gift", treasury, viewer.id, Stroops(9 * XLM), "XLM", "gift")
    await house.ledger.post([gift])
    address = Keypair.random().public_key
    await house.world.friendbot.fund(address)
    withdrawals = PostgresWithdrawals(house.database, house.ledger)
    asked_at = datetime.fromtimestamp(house.world.clock.wall_ms() / 1000, UTC)
    wish = Withdrawal("wdr_1", "vera", viewer.id, "XLM", Stroops(7 * XLM), address, asked_at)
    await withdrawals.request(wish)
    house.world.run_operation(Keypair.from_secret(house.world.seed), pay(address, "7"))
    assert await house.compare(2) != {}
    await accept_everything(house)
    seen = await withdrawals.get("wdr_1")
    assert seen is not None
    assert seen.end is End.PAID
    assert await withdrawals.open("XLM", 9) == []
    assert await house.ledger.balance(viewer.id) == 2 * XLM


async def test_money_in_suspense_is_listed_and_stops_nothing(house: House) -> None:
    await house.world.add_creator("ben")
    stranger = Keypair.random()
    await house.world.friendbot.fund(stranger.public_key)
    house.world.run_operation(stranger, pay(house.ours.hot, "5", muxed_id=99))
    await house.world.taker.take()
    [suspended] = (await house.compare()).values()
    assert (suspended.kind, suspended.on_chain) == (Kind.SUSPENSE, 5 * XLM)
    assert house.hold() is None
    report = await house.store.report(None)
    assert report is not None
    document = json.loads(report.document)
    assert document["counts"]["suspense"] == 1
    assert document["verdict"] == "agree"


async def test_what_nobody_books_is_late_and_is_over_when_it_is_booked(house: House) -> None:
    await house.world.friendbot.fund(house.ours.hot)
    house.world.clock.advance(90_000)
    [late] = (await house.compare(2)).values()
    assert late.kind == Kind.LATE
    await house.world.taker.take()
    assert await house.compare() == {}


async def test_a_gap_in_history_stops_everything_and_is_never_skipped(house: House) -> None:
    house.world.clock.advance(100 * CLOSE_MS)
    house.world.network.advance(house.world.clock.wall_ms())
    house.world.forget_history()
    before = await house.store.readings()
    for _ in range(2):
        with pytest.raises(HistoryGap):
            await house.reconciler.run_once()
        hold = house.hold()
        assert hold is not None
        assert "gap" in hold
    assert await house.store.readings() == before


async def test_a_day_is_read_again_when_it_is_over_and_its_report_stays(house: House) -> None:
    await settle(house, "ana", XLM)
    await house.compare()
    today = datetime.fromtimestamp(house.world.clock.wall_ms() / 1000, UTC).date()
    running = await house.store.report(today)
    assert running is not None
    assert not running.final
    # What the chain told once, it tells otherwise now.
    await house.database.execute("ALTER TABLE chain_movement DISABLE TRIGGER ALL")
    await house.database.execute(
        "UPDATE chain_movement SET amount = amount + 1 WHERE event = (SELECT event FROM"
        " chain_movement WHERE destination = $1 AND source = $2)",
        house.world.payees.addresses["ana"],
        house.ours.hot,
    )
    house.world.clock.advance(86_400_000)
    found = await house.compare()
    assert {each.kind for each in found.values() if each.key.startswith("changed:")} == {
        Kind.AMOUNT
    }
    final = await house.store.report(today)
    assert final is not None
    assert final.final
    document = json.loads(final.document)
    assert (document["state"], document["verdict"]) == ("over", "differ")
    assert document["payments"]["count"] > 0
    assert check_report(final.document.encode(), verify).faults == ()
    assert document["ledgers"]["until"] > document["ledgers"]["after"]
    tomorrow = await house.store.report(today + timedelta(days=1))
    assert tomorrow is not None
    assert json.loads(tomorrow.document)["ledgers"]["after"] == document["ledgers"]["until"]


async def restored_from(server: EmbeddedPostgres, original: str, name: str) -> Database:
    """A copy of a database that nobody is connected to, as a backup would be."""
    superuser = await Database.connect(server.url("postgres", "postgres"), pool_size=1)
    await superuser.execute(f"CREATE DATABASE {name} TEMPLATE {original} OWNER {ROLE}")
    await superuser.close()
    return await Database.connect(server.url(database=name))


async def plan_and_earn(house: House) -> None:
    """Ana and Ben's payout is planned and not signed, and Cy has earned since."""
    world = house.world
    await world.add_creator("ben")
    await world.earn("ana", 2 * XLM)
    await world.earn("ben", 3 * XLM)
    house.signer.is_away = True
    await house.compare()
    await world.worker.run_once()
    assert [each.state for each in await world.stored.unfinished()] == ["planned"]
    await world.add_creator("cy")
    await world.earn("cy", 4 * XLM)


async def introduce(database: Database, addresses: dict[str, str]) -> None:
    """Say whose addresses these are."""
    for creator, address in addresses.items():
        await database.execute(
            "INSERT INTO account (id, kind, display_name, token_hash, stellar_address, created_at)"
            " VALUES ($1, 'creator', '', $2, $3, now())",
            creator,
            creator.encode(),
            address,
        )


async def accept_everything(house: House) -> None:
    """Fees are booked with the payments that caused them, so nothing is found then."""
    await house.accept_all()
    assert await house.compare(2) == {}
    assert house.hold() is None


async def names_what_was_planned(house: House, found: Sequence[Difference]) -> None:
    """The copy knows Ana's and Ben's payout, and nothing of Cy's."""
    by_payee = {each.destination: each for each in found}
    addresses = house.world.payees.addresses
    [planned] = await house.world.stored.unfinished()
    paid_then = {each.creator: each.id for each in planned.payments}
    for creator in ("ana", "ben"):
        told = by_payee[addresses[creator]]
        assert (told.settlement, told.payment) == (planned.id, paid_then[creator])
        assert told.detail.endswith(f"the statement of {planned.id}, and it pays {told.payment}")
    assert by_payee[addresses["cy"]].settlement == "", "that was planned later"


async def test_a_database_restored_from_an_older_copy_pays_nothing_twice(
    postgres_server: EmbeddedPostgres, postgres_url: str, tmp_path: Path
) -> None:
    """L19. Method: a copy is made while a payout of ana and ben is planned and not signed, and cy
    has earned; they are paid; a server goes on with the copy, in which they have not been.
    """
    database = await Database.connect(postgres_url)
    name = await database.fetchval("SELECT current_database()")
    house = await furnished(database)
    world = house.world
    await settle(house, "ana", XLM)
    await plan_and_earn(house)
    await database.close()
    restored = await restored_from(postgres_server, name, f"restored_{name}")

    database = await Database.connect(postgres_url)
    house = House(database, world)
    await house.compare(2)
    await house.world.run(60)
    [payout] = await house.world.stored.payouts("ben", "XLM", 9)
    await database.close()
    paid = {creator: world.received(creator) for creator in ("ana", "ben", "cy")}
    assert paid == {"ana": 3 * XLM, "ben": 3 * XLM, "cy": 4 * XLM}

    later = House(restored, world)
    assert await later.ledger.balance("creator:cy:XLM") == 4 * XLM, "it seems to be due"
    await later.world.run(60)
    found = list((await later.compare(2)).values())
    assert later.hold() is not None
    await later.world.run(60)
    assert {each.kind for each in found} == {Kind.MISSING_IN_LEDGER}
    assert payout.transaction_hash in {each.transaction for each in found}
    addresses = world.payees.addresses
    await names_what_was_planned(later, found)
    assert {each.destination: each.on_chain for each in found} == {
        addresses["ana"]: 2 * XLM,
        addresses["ben"]: 3 * XLM,
        addresses["cy"]: 4 * XLM,
    }

    await introduce(restored, addresses)
    await accept_everything(later)
    assert set((await later.ledger.balances("creator:")).values()) == {0}
    await settle(later, "ben", 5 * XLM)
    paid["ben"] += 5 * XLM
    assert paid == {creator: world.received(creator) for creator in paid}, "and nothing twice"
    assert await later.compare(2) == {}
    found_by_audit = await audit(restored, None, tmp_path)
    assert [each for each in found_by_audit.findings if each.verdict is Verdict.VIOLATED] == []
    await restored.close()
