"""How time closes ledgers, what they take, and what is remembered."""

from hypothesis import given, settings
from hypothesis import strategies as st
from stellar_sdk import Keypair
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.closing import Traffic
from metering.localnet.header import close_meta_xdr
from metering.localnet.network import LocalNetwork, NetworkState, Status
from tests.metering.localnet.town import CLOSE_MS, START_MS, XLM, Town


def test_time_passes_in_ledgers_without_anything_being_done() -> None:
    town = Town()
    first = town.network.latest(START_MS)
    hour = town.network.latest(START_MS + 3_600_000 + 999)
    assert hour.sequence == first.sequence + 3600
    assert hour.close_time == first.close_time + 3600
    assert town.network.advance(START_MS + 3_600_000) is None
    assert town.network.latest(START_MS - 5_000) == first, "time does not go back"


def test_a_transaction_is_part_of_the_next_ledger_and_not_of_one_already_seen() -> None:
    town = Town("ana", "ben")
    town.now_ms += 10 * CLOSE_MS + 300
    seen = town.network.latest(town.now_ms)
    envelope = town.build("ana", town.pay("ben"))
    town.submit(envelope)
    town.now_ms += CLOSE_MS - 301
    assert town.network.latest(town.now_ms) == seen
    assert town.network.advance(town.now_ms) is None
    town.now_ms += 1
    assert town.network.next_close_ms() == town.now_ms
    closing = town.network.advance(town.now_ms)
    assert closing is not None
    assert closing.header.sequence == seen.sequence + 1
    assert closing.header.closed_ms == town.now_ms
    assert town.network.latest(town.now_ms) == closing.header


def test_a_ledger_that_is_due_is_not_shown_before_it_is_closed() -> None:
    """Or somebody could conclude from its time that a pending transaction can never apply."""
    town = Town("ana", "ben")
    envelope = town.build("ana", town.pay("ben"), times=(0, town.now_ms // 1000 + 1))
    town.submit(envelope)
    before = town.network.latest(town.now_ms)
    assert town.network.latest(town.now_ms + 50 * CLOSE_MS) == before


def test_ledgers_are_chained_by_their_hashes() -> None:
    town = Town("ana", "ben")
    one = town.network.latest(town.now_ms)
    town.run("ana", town.pay("ben"))
    two = town.network.latest(town.now_ms)
    assert two.previous_hash == one.hash
    idle = town.network.latest(town.now_ms + 7 * CLOSE_MS)
    assert idle.previous_hash == two.hash
    read = stellar_xdr.LedgerHeader.from_xdr(idle.xdr().to_xdr())
    assert read.ledger_seq.uint32 == idle.sequence


def test_the_meta_of_a_ledger_holds_what_it_applied() -> None:
    town = Town("ana", "ben")
    envelope = town.build("ana", town.pay("ben", "3"))
    town.outcome(envelope)
    reading = town.network.read(town.now_ms)
    header = reading.latest
    records = reading.records_of(header.sequence)
    meta = stellar_xdr.LedgerCloseMeta.from_xdr(close_meta_xdr(header, records).to_xdr())
    assert meta.v0 is not None
    [processed] = meta.v0.tx_processing
    assert processed.result.transaction_hash.hash == envelope.hash()
    v4 = processed.tx_apply_processing.v4
    assert v4 is not None
    after = [
        change.updated.data.account.balance.int64
        for change in v4.operations[0].changes.ledger_entry_changes
        if change.updated is not None and change.updated.data.account is not None
    ]
    assert after == [1003 * XLM, 997 * XLM - 100]
    later = town.network.read(town.now_ms + CLOSE_MS)
    assert later.records_of(later.latest.sequence) == []


def test_a_crowded_ledger_takes_the_best_bids_and_everyone_pays_the_lowest_of_them() -> None:
    """Goal: 15 transactions of 100 operations for a ledger of 1,000."""
    people = [f"p{number}" for number in range(15)]
    town = Town(*people)
    envelopes = {}
    for number, name in enumerate(people):
        payments = [town.pay("root", "0.0000001") for _ in range(100)]
        envelopes[name] = town.build(name, *payments, fee=100 * (100 + 10 * number))
        assert town.submit(envelopes[name]) == (Status.PENDING, ())
    closing = town.close()
    assert closing is not None
    assert len(closing.records) == 10
    assert {record.fee_charged for record in closing.records} == {100 * 150}
    closing = town.close()
    assert closing is not None
    assert [record.hash for record in closing.records] == [
        envelopes[f"p{number}"].hash_hex() for number in (4, 3, 2, 1, 0)
    ]
    assert {record.fee_charged for record in closing.records} == {100 * 100}


def test_what_finds_no_room_for_four_ledgers_is_dropped_and_refused_for_ten() -> None:
    """Method: others bid more and fill each ledger."""
    town = Town("ana")
    town.network.traffic = Traffic(crowd_rate=200)
    envelope = town.build("ana", town.pay("root"))
    assert town.submit(envelope) == (Status.PENDING, ())
    for _ in range(4):
        town.close()
    assert town.submit(envelope) == (Status.TRY_AGAIN_LATER, ())
    town.now_ms += 11 * CLOSE_MS
    assert town.submit(envelope) == (Status.PENDING, ())


def test_a_late_one_waits_as_many_ledgers_as_asked() -> None:
    town = Town("ana", "ben")
    envelope = town.build("ana", town.pay("ben"))
    town.submit(envelope, late_ledgers=3)
    for _ in range(3):
        closing = town.close()
        assert closing is not None
        assert closing.records == ()
    closing = town.close()
    assert closing is not None
    assert len(closing.records) == 1


def test_two_payments_to_and_fro_in_one_ledger_both_count() -> None:
    town = Town("ana", "ben")
    for source, target in (("ana", "ben"), ("ben", "ana")):
        town.submit(town.build(source, town.pay(target, "5")))
    town.close()
    assert [town.account(name).balance for name in ("ana", "ben")] == [1000 * XLM - 100] * 2


def test_old_transactions_are_forgotten_and_it_is_told_from_where_on_they_are_known() -> None:
    town = Town("ana", "ben", history_bytes_max=10_000)
    hashes = []
    for _ in range(20):
        envelope = town.build("ana", town.pay("ben"))
        assert town.outcome(envelope)[0] == "tx_success"
        hashes.append(envelope.hash_hex())
    records = [town.network.transaction(hash_) for hash_ in hashes]
    known = [record for record in records if record is not None]
    assert 0 < len(known) < 20
    assert all(record.ledger >= town.network.oldest_ledger for record in known)
    assert records[0] is None
    assert records[-1] is not None


def test_a_ledger_that_takes_little_takes_the_best_bids() -> None:
    town = Town("ana", "ben", "cleo")
    town.network.traffic = Traffic(operations_max=2)
    bids = {"ana": 100, "ben": 250, "cleo": 400}
    envelopes = {name: town.build(name, town.pay("root"), fee=fee) for name, fee in bids.items()}
    for envelope in envelopes.values():
        town.submit(envelope)
    closing = town.close()
    assert closing is not None
    assert [record.hash for record in closing.records] == [
        envelopes[name].hash_hex() for name in ("cleo", "ben")
    ]
    assert {record.fee_charged for record in closing.records} == {250}, "the lowest bid taken"
    assert town.close() is not None
    assert town.result(envelopes["ana"])[0] == "tx_success"


def test_a_crowd_keeps_lower_bids_out_and_is_seen_in_the_fees() -> None:
    town = Town("ana", "ben")
    town.network.traffic = Traffic(crowd_rate=1_000)
    assert max(town.network.read(town.now_ms).fees) == 1_000
    low = town.build("ana", town.pay("ben"), fee=999)
    town.submit(low)
    high = town.build("ben", town.pay("ana"), fee=5_000)
    town.submit(high)
    closing = town.close()
    assert closing is not None
    assert [(record.hash, record.fee_charged) for record in closing.records] == [
        (high.hash_hex(), 1_000)
    ]
    # A fee bump of ten times the bid gets in.
    bump = town.bump("ben", low, 9_990)
    assert town.outcome(bump)[0] == "tx_fee_bump_inner_success"


def test_a_network_goes_on_from_its_state() -> None:
    town = Town("ana", "ben")
    envelope = town.build("ana", town.pay("ben"))
    town.outcome(envelope)
    network = town.network
    record = network.transaction(envelope.hash_hex())
    assert record is not None
    state = NetworkState(
        passphrase=network.passphrase,
        close_ms=CLOSE_MS,
        headers=[network.latest(town.now_ms)],
        entries=network._entries.all(),
        records=[record],
        oldest_ledger=network.oldest_ledger,
    )
    town.network = LocalNetwork(state, 2**20)
    assert town.network.transaction(envelope.hash_hex()) == record
    assert town.outcome(envelope) == ("ERROR", "tx_bad_seq")
    assert town.run("ben", town.pay("ana"))[0] == "tx_success"


@settings(max_examples=25, deadline=None)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["ana", "ben", "cy"]),
            st.sampled_from(["ana", "ben", "cy", "nobody"]),
            st.integers(1, 1500 * XLM),
            st.integers(100, 1000),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_no_lumen_is_made_or_lost(moves: list[tuple[str, str, int, int, bool]]) -> None:
    """Whatever is paid to whomever: balances and the fee pool add up to all lumens."""
    town = Town("ana", "ben", "cy")
    nobody = Keypair.random().public_key
    for source, target, amount, fee, close in moves:
        address = nobody if target == "nobody" else target
        payment = town.pay(address, f"{amount // XLM}.{amount % XLM:07d}")
        town.submit(town.build(source, payment, fee=fee))
        if close:
            town.close()
    town.close()
    assert town.network.is_conserved()
    assert all(town.account(name).balance >= 2 * 5_000_000 for name in ("ana", "ben", "cy"))
