"""How one ledger is closed: who gets in, what it costs, what it changes."""

import hashlib
from dataclasses import dataclass, replace

from stellar_sdk import xdr as stellar_xdr

from metering.localnet.apply import apply, success_of
from metering.localnet.context import Context
from metering.localnet.entries import Change, Entries
from metering.localnet.entry_xdr import changes_xdr
from metering.localnet.envelope import Envelope
from metering.localnet.events import fee_charged
from metering.localnet.header import Header, result_pair, results_hash, transactions_hash
from metering.localnet.pool import Pending
from metering.localnet.record import Done, Record, meta_xdr
from metering.localnet.results import transaction_result
from metering.localnet.validity import BASE_FEE, Moment, Refusal, check, check_charged

# Operations that one ledger takes; mainnet's limit (Stellar docs, "Networks").
OPERATIONS_PER_LEDGER_MAX = 1000

_CODE = stellar_xdr.TransactionResultCode


@dataclass(frozen=True, slots=True)
class Closing:
    """A ledger that was just closed, with everything that has to be kept of it."""

    header: Header
    records: tuple[Record, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Moment(Moment):
    """The ledger that is being closed, of which network."""

    passphrase: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What others do on the network.

    Args:
        operations_max: how many operations a ledger takes.
        crowd_rate: stroops an operation that a crowd bids, who fill every ledger; 0 for nobody.
    """

    operations_max: int = OPERATIONS_PER_LEDGER_MAX
    crowd_rate: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes into a ledger, what is not valid any more, and the price per operation."""

    taken: list[Pending]
    invalid: list[Pending]
    rate: int


def select(ready: list[Pending], entries: Entries, moment: Moment, traffic: Traffic) -> Selection:
    """Fill a ledger, best bids first. When it overflows everyone pays the lowest bid taken."""
    taken: list[Pending] = []
    invalid: list[Pending] = []
    room, crowded = traffic.operations_max, False
    for pending in ready:
        if check(pending.envelope, entries, moment) is not None:
            invalid.append(pending)
        elif pending.envelope.operations_charged > room or pending.rate < traffic.crowd_rate:
            crowded = True
        else:
            room -= pending.envelope.operations_charged
            taken.append(pending)
    rate = max(BASE_FEE, traffic.crowd_rate)
    if crowded and traffic.crowd_rate == 0:
        rate = min((int(pending.rate) for pending in taken), default=BASE_FEE)
    return Selection(taken, invalid, rate)


def close(
    last: Header,
    entries: Entries,
    selection: Selection,
    moment: tuple[int, int],
    passphrase: str,
) -> Closing:
    """Apply a selection on top of `entries`, changing them.

    Args:
        last: the header before.
        entries: what the ledger holds; changed in place.
        selection: what `select` chose.
        moment: sequence and time of closing (ms) of the new ledger.
        passphrase: the network's; ids of contracts and balances depend on it.
    """
    sequence, closed_ms = moment
    at = _Moment(sequence, closed_ms // 1000, passphrase)
    draft = entries.draft()
    # Every fee is taken before anything is applied (stellar-core, processFeesSeqNums).
    charged = [_charge(draft, pending.envelope, selection.rate, at) for pending in selection.taken]
    records = tuple(
        _apply(draft, pending.envelope, fee, at, order)
        for order, (pending, fee) in enumerate(zip(selection.taken, charged, strict=True), start=1)
    )
    changes = tuple(draft.changes())
    draft.merge(sequence)
    entries.prune()
    header = Header(
        sequence=sequence,
        closed_ms=closed_ms,
        previous_hash=last.hash,
        transactions_hash=transactions_hash(last.hash, [r.envelope_xdr for r in records]),
        results_hash=results_hash([result_pair(record) for record in records]),
        entries_hash=_chain(last.entries_hash, changes, sequence),
        fee_pool=last.fee_pool + sum(fee for fee, _ in charged),
    )
    return Closing(header, records, _stamped(changes, sequence))


def _charge(draft: Entries, envelope: Envelope, rate: int, at: _Moment) -> tuple[int, str]:
    """Take the fee; returns stroops and the change as XDR."""
    payer = draft.account(envelope.fee_source)
    assert payer is not None, "selected transactions have a payer"
    # Contracts pay for all the resources that they declared: none of it is given back here.
    bid = min(envelope.inclusion_fee, rate * envelope.operations_charged)
    fee = min(bid + envelope.resource_fee, payer.balance)
    after = replace(payer, balance=payer.balance - fee)
    draft.put(after)
    return fee, changes_xdr([Change(payer, after)], at.ledger).to_xdr()


def _apply(
    draft: Entries, envelope: Envelope, charged: tuple[int, str], at: _Moment, order: int
) -> Record:
    fee, fee_meta = charged
    transaction = envelope.transaction
    # An earlier transaction of this ledger may have changed signers or sequence numbers.
    refusal = check_charged(envelope, draft, at)
    before = _consume_sequence(draft, envelope, at, refusal)
    code = _CODE.txSUCCESS if refusal is None else refusal.code
    results = [] if refusal is None else list(refusal.operations)
    done: list[Done] = []
    if refusal is None:
        results, done = _operations(draft, envelope, at)
        code = _CODE.txSUCCESS if done else _CODE.txFAILED
    taken = fee_charged(envelope, fee, at.passphrase)
    bumped = transaction.hash if envelope.is_fee_bump else None
    return Record(
        hash=envelope.hash.hex(),
        ledger=at.ledger,
        order=order,
        created_at=at.close_time,
        source=transaction.source,
        sequence=transaction.sequence,
        fee_max=envelope.fee,
        fee_charged=fee,
        operations=len(transaction.operations),
        successful=code == _CODE.txSUCCESS,
        is_fee_bump=envelope.is_fee_bump,
        inner_hash=transaction.hash.hex(),
        envelope_xdr=envelope.xdr,
        result_xdr=transaction_result(code, fee, results, bumped).to_xdr(),
        meta_xdr=meta_xdr(before, done, [taken], at.ledger).to_xdr(),
        fee_meta_xdr=fee_meta,
    )


def _consume_sequence(
    draft: Entries, envelope: Envelope, at: _Moment, refusal: Refusal | None
) -> list[Change]:
    """Failing uses up the sequence number too, so that the same envelope cannot come again."""
    source = draft.account(envelope.transaction.source)
    if source is None or (refusal is not None and refusal.code == _CODE.txBAD_SEQ):
        return []
    after = replace(source, sequence=envelope.transaction.sequence, modified=at.ledger)
    draft.put(after)
    return [Change(source, after)]


def _operations(
    draft: Entries, envelope: Envelope, at: _Moment
) -> tuple[list[stellar_xdr.OperationResult], list[Done]]:
    """All operations or none: results, and what each did (empty when one failed)."""
    whole = draft.draft()
    results: list[stellar_xdr.OperationResult] = []
    done: list[Done] = []
    for index, operation in enumerate(envelope.transaction.operations):
        single = whole.draft()
        context = Context(at.passphrase, at.ledger, at.close_time, envelope.transaction, index)
        applied = apply(single, operation, context)
        results.append(applied.xdr)
        if applied.code == success_of(operation):
            done.append(Done(single.changes(), applied.events, applied.value))
            single.merge(at.ledger)
    if len(done) < len(results):
        return results, []
    whole.merge(at.ledger)
    return results, done


def _chain(previous: bytes, changes: tuple[Change, ...], ledger: int) -> bytes:
    """A digest of everything that ever changed, in place of stellar-core's bucket list."""
    listed = changes_xdr(list(changes), ledger).to_xdr_bytes()
    return hashlib.sha256(previous + listed).digest()


def _stamped(changes: tuple[Change, ...], ledger: int) -> tuple[Change, ...]:
    return tuple(
        Change(c.before, None if c.after is None else replace(c.after, modified=ledger))
        for c in changes
    )
