"""Every kind of damage is found, and named.

One database with all there is (sessions, prices, a split, payouts, deposits) is damaged in
transactions that are rolled back, by a superuser whom no trigger stops.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from api.auth.account import AccountKind, new_account
from api.auth.account_postgres import PostgresAccountStore
from config.clock import ManualClock
from config.embedded_postgres import EmbeddedPostgres
from config.postgres import Database
from metering.audit.audit import Audit, audit, audit_within
from metering.audit.finding import Verdict
from metering.funding.deposit import book
from metering.funding.deposit_store import Reading
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.suspense_postgres import PostgresSuspense
from metering.funding.withdrawal import Withdrawal
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.intake import Intake
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger import Transfer, hot_account, treasury_account, viewer_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.passes.passes import Content, Pass, Sale
from metering.passes.store_postgres import PostgresPassStore
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.settlement.outbox import Outcome, Payment, Settlement, SignedEnvelope, State
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.shares.splits import Share, Split, unsplit_account
from metering.shares.store_postgres import PostgresSplitStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price, Tariff
from metering.vouchers.payment_channel import ContractState, PaymentChannel, Voucher
from metering.vouchers.store_postgres import PostgresVoucherStore
from tests.metering.funding.payments import DEPOSIT, WALLET, paid, rules

SEGMENT = 2 * UNITS_PER_SECOND
PRICE = Price("XLM", 333, 1)
SPLIT = Split((Share("acc_x", 3333), Share("acc_y", 6667)), fee=500)
NOW_MS = 1_800_000_000_000


async def watch(intake: Intake, clock: ManualClock, session: str, segments: int) -> None:
    for i in range(segments):
        delivery = await intake.request(session, i, i * SEGMENT, (i + 1) * SEGMENT)
        intake.finish(delivery, complete=True)
        clock.advance(1_500)


def settlement(name: str, amounts: tuple[int, ...]) -> Settlement:
    payments = tuple(
        Payment(f"pay_{name}{i}", "acc_c", "GADDRESS", Stroops(each), "creator:acc_c:XLM")
        for i, each in enumerate(amounts)
    )
    return Settlement(f"stl_{name}", "XLM", f"GHOT{name}", 500, payments, NOW_MS)


async def settle(outbox: PostgresOutbox, planned: Settlement, state: State | None) -> None:
    await outbox.plan(planned)
    if state is None:
        return
    envelope = SignedEnvelope(f"xdr{planned.id}", f"hash{planned.id}", planned.source, 7, 9, 500, 3)
    signed = replace(planned, state=State.SIGNED, signed=envelope)
    await outbox.advance(planned, signed)
    sent = replace(signed, state=State.SENT, sent_ms=NOW_MS)
    await outbox.advance(signed, sent)
    codes = () if state is State.APPLIED else ("op_no_trust",) * len(planned.payments)
    await outbox.advance(sent, replace(sent, state=state, outcome=Outcome(4, 200, "tx", codes)))


async def pay_by_voucher(database: Database, ledger: PostgresLedger) -> None:
    """4,000 are signed for, of which 1,500 were collected."""
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    viewer = new_account(AccountKind.GUEST, "Guest", NOW_MS)
    await PostgresAccountStore(database).create(viewer, bytes(32))
    vouchers = PostgresVoucherStore(database, ledger)
    await vouchers.register(
        PaymentChannel(
            contract="CA",
            owner=viewer.id,
            asset="XLM",
            payer="GPAYER",
            key=bytes(32),
            waiting_ledgers=17_280,
            deposited=Stroops(5_000),
            seen_at=at,
            collected_at=at,
            signature=bytes(64),
        )
    )
    await vouchers.accept([Voucher("CA", Stroops(4_000), bytes(64))], at)
    found = ContractState("ab", "CT", "GPAYER", "GH", bytes(32), 17_280, 1_500, 3_500, None, 9)
    await vouchers.see("CA", found, at)


async def pay_in_and_out(database: Database, ledger: PostgresLedger) -> None:
    """Ana's deposit, of which a part waits to be paid out and a part came back; two payments in
    suspense, one of them decided; and what the operator moved.
    """
    taken = rules(DEPOSIT)
    deposits = PostgresDeposits(database, ledger, taken.network)
    number = await deposits.number("acc_ana")
    payments = [
        paid(1, 9_000, number=number, destination=DEPOSIT),
        paid(2, 4_000, destination=DEPOSIT),
        paid(3, 3_000),
        paid(4, 5_000, source=DEPOSIT),
    ]
    bookings = tuple(book(payment, taken, {number: "acc_ana"}) for payment in payments)
    await deposits.take(Reading(DEPOSIT, None, "4", 104, bookings))
    withdrawals = PostgresWithdrawals(database, ledger)
    suspense = PostgresSuspense(database, ledger, withdrawals, taken.network)
    await suspense.assign(payments[1].id, "acc_ana")
    at, origin = datetime.fromtimestamp(NOW_MS / 1000, UTC), viewer_account("acc_ana", "XLM").id
    for name in ("wdr_1", "wdr_2"):
        wanted = Withdrawal(name, "acc_ana", origin, "XLM", Stroops(700), WALLET, at)
        await withdrawals.request(wanted)
    await withdrawals.refuse("wdr_2", "op_no_destination")


async def sell_pass(database: Database, ledger: PostgresLedger, splits: PostgresSplitStore) -> None:
    """For 1,001, of which the platform has 50, and two creators 317 and 634."""
    viewer = new_account(AccountKind.GUEST, "Guest", NOW_MS)
    await PostgresAccountStore(database).create(viewer, bytes([1] * 32))
    own, hot = viewer_account(viewer.id, "XLM"), hot_account("XLM")
    await ledger.open_accounts([own])
    funded = Transfer("funded", hot.id, own.id, Stroops(2_000), "XLM", "play_money")
    await ledger.post([funded])
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    sold = Pass("pas_1", viewer.id, "ast_1", None, 24, "XLM", Stroops(1_001), at)
    store = PostgresPassStore(database, ledger, splits)
    await store.buy(Sale(sold, SPLIT), Content("ast_1", None, at))


async def fill(database: Database) -> None:
    """All there is, sealed but for the last transfer."""
    clock = ManualClock(NOW_MS)
    store = PostgresMeterStore(database)
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    gift = Transfer("gift", hot.id, treasury.id, Stroops(10**9), "XLM", "play_money")
    await store.post([hot, treasury], [gift])
    splits = PostgresSplitStore(database, store.ledger)
    await splits.keep(SPLIT)
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    offers: tuple[tuple[str, Price | Tariff], ...] = (
        ("acc_c", PRICE),
        ("acc_c", PRICE),
        ("acc_c", Tariff(PRICE, 50, free_seconds=3)),
    )
    for i, (payee, offer) in enumerate(offers):
        await intake.fund(f"v{i}", Stroops(100_000), f"fund:{i}")
        session = (await intake.open(f"v{i}", "ast_1", payee, offer)).session_id
        await watch(intake, clock, session, 6)
        if i < 2:
            await intake.close(session)
    await intake.sweep()
    unsplit = unsplit_account(SPLIT.id, "XLM")
    for n in (1, 2):
        earned = Transfer(f"earned{n}", hot.id, unsplit.id, Stroops(1_001), "XLM", "play_money")
        await store.post([unsplit], [earned])
        await splits.share_out(SPLIT.id, "XLM")
    outbox = PostgresOutbox(database, store.ledger)
    await settle(outbox, settlement("a", (100, 200)), State.APPLIED)
    await settle(outbox, settlement("b", (50,)), State.FAILED)
    await settle(outbox, settlement("c", (60,)), None)
    await pay_by_voucher(database, store.ledger)
    await pay_in_and_out(database, store.ledger)
    await sell_pass(database, store.ledger, splits)
    journal = PostgresJournal(database)
    while await journal.seal(NOW_MS, 7) is not None:
        pass
    await intake.stop()
    lone = viewer_account("v9", "XLM")
    await store.post([lone], [Transfer("last", hot.id, lone.id, Stroops(1), "XLM", "play_money")])


@pytest.fixture
async def superuser_url(postgres_server: EmbeddedPostgres, server_database: Database) -> str:
    await fill(server_database)
    name = await server_database.fetchval("SELECT current_database()")
    return postgres_server.url("postgres", name)


class Undone(Exception):
    """Rolls back."""


async def damaged(url: str, statement: str, noted: bytes) -> Audit:
    """What is found after a statement that is undone."""
    found: Audit | None = None
    # One connection each: prepared statements do not outlive a changed table.
    superuser = await Database.connect(url, pool_size=1)
    with suppress(Undone):
        async with superuser.transaction() as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(statement)
            found = await audit_within(connection, [], noted)
            raise Undone
    await superuser.close()
    assert found is not None
    return found


def broken(found: Audit) -> dict[str, str]:
    """What is said of the rules that are broken."""
    said: dict[str, str] = {}
    for finding in found.findings:
        if finding.verdict is Verdict.VIOLATED:
            said[finding.rule] = f"{said.get(finding.rule, '')} {finding.state}".strip()
    return said


@dataclass(frozen=True, slots=True)
class Damage:
    """What somebody does, which rules find it, and what they name."""

    statement: str
    rules: str
    named: str


_FIRST_SESSION = "(SELECT min(id) FROM playback_session)"
_LAST_SESSION = "(SELECT max(id) FROM playback_session)"

DAMAGE = [
    Damage("UPDATE ledger_transfer SET amount = 99999 WHERE id = 'fund:1'", "J2 L1", "fund:1 at"),
    Damage(
        "UPDATE ledger_transfer SET recorded_at = recorded_at - interval '1 s' WHERE id = 'fund:1'",
        "J2",
        "fund:1 at position",
    ),
    Damage("DELETE FROM ledger_transfer WHERE id = 'pay_a1:plan'", "J2 L1 I11", "is missing"),
    Damage(
        "INSERT INTO ledger_transfer SELECT 'more', 0, debit, credit, 5, cause "
        "FROM ledger_transfer WHERE id = 'fund:1'",
        "J2 L1",
        "more at position 0 was changed or added",
    ),
    Damage("UPDATE journal_seal SET content = previous WHERE number = 2", "J1 J2", "seal 2"),
    Damage("DELETE FROM journal_seal WHERE number = 2", "J1 J2", "seal 2 is missing"),
    Damage("UPDATE journal_seal SET hash = sha256('x') WHERE number = 3", "J1", "seal 3"),
    Damage(
        "DELETE FROM journal_seal WHERE number = (SELECT max(number) FROM journal_seal)",
        "J3",
        "the chain was made anew",
    ),
    Damage(
        "UPDATE ledger_account SET id = 'viewer:vX:XLM' WHERE id = 'viewer:v0:XLM'",
        "J2",
        "fund:0 at",
    ),
    Damage(
        "UPDATE ledger_account SET balance = balance + 7 WHERE id = 'creator:acc_c:XLM'",
        "I1 L1",
        "creator:acc_c:XLM holds",
    ),
    Damage(
        "ALTER TABLE ledger_account DROP CONSTRAINT ledger_account_floor;"
        "UPDATE ledger_account SET balance = -7 WHERE id = 'viewer:v9:XLM'",
        "I1 I2 L1",
        "viewer:v9:XLM holds -7",
    ),
    Damage(
        "UPDATE ledger_account SET asset = 'EUR' WHERE id = 'viewer:v9:XLM'",
        "I1 L2",
        "last, at position",
    ),
    Damage(
        "INSERT INTO ledger_closed_transfer "
        "SELECT id, debit, credit, amount, cause FROM ledger_transfer WHERE id = 'fund:2'",
        "L3",
        "fund:2 was posted 2 times",
    ),
    Damage(
        "UPDATE ledger_account SET last_position = 1 WHERE id = 'creator:acc_c:XLM'",
        "L4",
        "creator:acc_c:XLM is at position 1, and",
    ),
    Damage(
        "UPDATE ledger_transfer SET cause = 'post' WHERE id = (SELECT min(entry.id) "
        "FROM ledger_transfer AS entry JOIN ledger_account ON number = debit "
        "WHERE ledger_account.id LIKE 'unsplit:%')",
        "I12 J2",
        "from unsplit:",
    ),
    Damage(
        f"DELETE FROM tick_run WHERE session_id = {_FIRST_SESSION} AND first_tick = 2",
        "I3 I4",
        "tick 2 is due",
    ),
    Damage(
        "UPDATE tick_run SET session_id = 'ses_0' WHERE first_tick = 0 "
        f"AND session_id = {_FIRST_SESSION}",
        "I3 I4",
        "ses_0: there are ticks, and no such session",
    ),
    Damage(
        f"UPDATE tick_run SET amount = amount + 1 WHERE session_id = {_FIRST_SESSION} "
        "AND first_tick = 2;"
        f"UPDATE tick_run SET amount = amount - 1 WHERE session_id = {_FIRST_SESSION} "
        "AND first_tick = 0",
        "I4",
        "ticks 0 to 1 were charged 665, 666 is due",
    ),
    Damage(
        "ALTER TABLE playback_session DROP CONSTRAINT playback_session_amount;"
        f"UPDATE playback_session SET amount = amount + 1, drawn = drawn + 1 "
        f"WHERE id = {_FIRST_SESSION}",
        "I4 I7",
        "it was charged",
    ),
    Damage(
        f"DELETE FROM tick_run WHERE session_id = {_FIRST_SESSION} AND last_tick = (SELECT ticks "
        f"FROM playback_session WHERE id = {_FIRST_SESSION})",
        "I3 I4",
        "ticks, the session has",
    ),
    Damage(
        "UPDATE ledger_transfer SET cause = 'refund' WHERE id = (SELECT min(id) "
        "FROM ledger_transfer WHERE cause = 'post')",
        "I4 J2",
        "was transferred, it was charged",
    ),
    Damage(
        "UPDATE playback_session SET state = "
        "regexp_replace(state, '^\\[([0-9]+),([0-9]+),[0-9]+', '[\\1,\\2,7') "
        f"WHERE id = {_FIRST_SESSION}",
        "I5",
        "7 delivered",
    ),
    Damage(
        "UPDATE playback_session SET drawn = drawn + 5 WHERE id = (SELECT min(id) FROM "
        "playback_session);"
        "UPDATE ledger_account SET balance = balance + 5 WHERE number = (SELECT hold_account "
        f"FROM playback_session WHERE id = {_FIRST_SESSION})",
        "I1 I7 L1",
        "is closed, and still holds 5",
    ),
    Damage(
        "INSERT INTO reconciliation_difference VALUES "
        "('net', 'event:7', 'amount', 7, '{}', '2026-11-30T12:00Z')",
        "I9",
        "event:7: amount, since 2026-11-30 12:00",
    ),
    Damage(f"DELETE FROM delivery WHERE session_id = {_FIRST_SESSION}", "I5", "0 were promised"),
    Damage(
        "UPDATE playback_session SET state = regexp_replace(state, '^\\[[0-9]+', '[0') "
        f"WHERE id = {_FIRST_SESSION}",
        "I6",
        "could be watched",
    ),
    Damage(
        f"UPDATE playback_session SET drawn = drawn + 5 WHERE id = {_LAST_SESSION}",
        "I7",
        "is drawn and not charged",
    ),
    Damage("UPDATE pass SET price = 1000", "I10 I12", "moved 1001 from viewer:"),
    Damage("DELETE FROM pass_part WHERE account = 'acc_x'", "I10 I12", "and no pass says so"),
    Damage(
        "UPDATE pass_part SET amount = amount + CASE account WHEN 'acc_x' THEN 1 ELSE -1 END;"
        "UPDATE ledger_transfer SET amount = amount + CASE id WHEN 'pas_1:part:acc_x' THEN 1 "
        "ELSE -1 END WHERE id LIKE 'pas_1:part:%'",
        "J2 L1 I12",
        "{'acc_x': 317, 'acc_y': 634}) was due",
    ),
    Damage("UPDATE payout SET amount = 101 WHERE id = 'pay_a0'", "I11", "where 101 from"),
    Damage(
        "UPDATE payout_batch SET state = 'sent', code = NULL WHERE id = 'stl_a'",
        "I11",
        "its payout does not say so",
    ),
    Damage("DELETE FROM payout WHERE id = 'pay_a0'", "I10", "no payout or gift explains it"),
    Damage(
        "UPDATE ledger_account SET balance = balance + 1 WHERE id = 'inflight:pay_c0'",
        "I1 I11 L1",
        "inflight:pay_c0 holds 61, and 60 is under way",
    ),
    Damage("UPDATE payment_channel SET signed = signed - 1", "I8", "CA: 2499 is signed for"),
    Damage("UPDATE payment_channel SET deposited = 1", "I8", "more than was put in"),
    Damage("DELETE FROM payment_channel", "I8 I10", "0 is signed for and not collected"),
    Damage(
        "UPDATE chain_payment SET amount = 9001 WHERE amount = 9000", "I10", "where 9001 to viewer"
    ),
    Damage(
        "UPDATE chain_payment SET kind = 'gift', reason = NULL WHERE amount = 3000",
        "I10",
        "to treasury:XLM was due",
    ),
    Damage("DELETE FROM suspense_decision", "I10", "suspense:XLM holds 3000, and 7000 waits"),
    Damage("DELETE FROM chain_payment WHERE kind = 'moved'", "I10", "no payout or gift explains"),
    Damage(
        "UPDATE withdrawal SET state = 'paid' WHERE id = 'wdr_1'",
        "I11",
        "inflight:wdr_1 holds 700, and 0 is to be paid",
    ),
    Damage(
        "UPDATE withdrawal SET state = 'open', code = NULL WHERE id = 'wdr_2'",
        "I11",
        "wdr_2:refused is not what its withdrawal says",
    ),
    Damage("UPDATE split_moved SET moved = moved - 1", "I12", "its share of"),
    Damage(
        "ALTER TABLE ledger_transfer_0 DISABLE TRIGGER ledger_transfer_immutable",
        "I13",
        "nothing forbids to change ledger_transfer_0",
    ),
    Damage(
        "ALTER TABLE playback_session ALTER COLUMN paid TYPE numeric",
        "I14",
        "playback_session.paid is of type numeric",
    ),
    Damage(
        "UPDATE ledger_account SET balance = 1 WHERE id = 'chain:hot:XLM'",
        "I1 I15 L1",
        "was paid out beyond what came in",
    ),
]


async def test_every_kind_of_damage_is_found_and_named(
    superuser_url: str, server_database: Database
) -> None:
    before = await audit(server_database)
    assert broken(before) == {}
    assert before.sound
    assert before.unsealed == 1
    assert before.head is not None
    noted = before.head.hash
    unchecked = [each.rule for each in before.findings if each.verdict is Verdict.UNCHECKED]
    assert unchecked == ["I9"]
    rules = {each.rule for each in before.findings}
    assert rules >= {f"I{n}" for n in range(1, 16)} | {"J1", "J2", "L1", "L2", "L3", "L4"}
    missed = []
    for damage in DAMAGE:
        found = broken(await damaged(superuser_url, damage.statement, noted))
        is_named = any(damage.named in what for what in found.values())
        if found.keys() != set(damage.rules.split()) or not is_named:
            missed.append((damage, found))
    assert missed == []
    assert broken(await audit(server_database, noted)) == {}
