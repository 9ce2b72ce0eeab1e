"""A chain in a few rules: accounts with sequence numbers, ledgers that close, a queue for the next.

Much smaller than `metering.localnet`, which speaks the real protocols, and much meaner: it loses,
delays and reorders. It knows nothing of the code that it tests but the shape of an envelope.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from metering.money import Stroops
from metering.settlement.chain import OnChain
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.sending import Found, NotFound
from tests.simulation.weather import Weather

FEE_RATE = 100
SURGE_RATE = 20_000
GIFT = 10_000 * 10**7
FRIENDBOT = "FRIENDBOT"
RESERVE = 25_000_000
CLOSE_MS = 5_000
# Ledger time is no business of our clocks; it runs a little ahead, as it may.
_EPOCH_S = 1_700_000_030


class Payment(NamedTuple):
    """An operation: makes an account, or pays into one."""

    opens: bool
    address: str
    amount: int


class Transaction(NamedTuple):
    """What an envelope says. `source` lends its sequence number, `payer` pays; for the fee that is
    the source, unless the envelope is a bump.
    """

    hash: str
    source: str
    payer: str
    sequence: int
    max_time: int
    fee: int
    payments: list[Payment]
    bumped: bool

    @property
    def fee_payer(self) -> str:
        return self.payer if self.bumped else self.source

    @property
    def operations(self) -> int:
        return len(self.payments) + self.bumped


class Moved(NamedTuple):
    """A payment that was part of a ledger."""

    id: str
    ledger: int
    time: int
    source: str
    destination: str
    amount: int


class Closed(NamedTuple):
    """A closed ledger."""

    sequence: int
    time: int
    surge: bool


@dataclass(slots=True)
class _Account:
    balance: int
    sequence: int
    changed_in: int


class Network:
    """The network and its only node. Ledgers close when somebody looks, as of the time they were
    due.

    Args:
        chance: where faults are drawn.
        weather: how many.
        now_ms: the time.
        applied: told of each payment as (address, amount).
    """

    def __init__(
        self,
        chance: Random,
        weather: Weather,
        now_ms: Callable[[], int],
        applied: Callable[[int, Transaction], None],
    ) -> None:
        self.weather = weather
        self._chance = chance
        self._now_ms = now_ms
        self._applied = applied
        self._accounts: dict[str, _Account] = {}
        self._gone: dict[str, _Account] = {}
        self._gifts: list[str] = []
        self.moved: list[Moved] = []
        """All payments, the oldest first."""
        self._queue: dict[str, Transaction] = {}
        self._found: dict[str, Found] = {}
        self._closed = [Closed(1, _EPOCH_S, surge=False)]
        self._next_close_ms = CLOSE_MS

    # --- what happens there -----------------------------------------------------------------------

    def create(self, address: str, balance: int = RESERVE) -> None:
        """Make an account that payments can go to."""
        self._accounts[address] = _Account(balance, 0, self.latest.sequence)

    def close_account(self, address: str) -> None:
        """Its owner merged it into another; `reopen` brings it back."""
        self._gone[address] = self._accounts.pop(address)

    def reopen_accounts(self) -> None:
        """All that were closed."""
        self._accounts |= self._gone
        self._gone = {}

    def balance(self, address: str) -> int:
        """What an account holds now."""
        self.advance()
        account = self._accounts.get(address)
        return 0 if account is None else account.balance

    @property
    def latest(self) -> Closed:
        """The ledger that closed last."""
        return self._closed[-1]

    def next_close_ms(self) -> int:
        """When the next ledger closes."""
        self.advance()
        return self._next_close_ms

    def advance(self) -> None:
        """Close the ledgers that are due."""
        while self._next_close_ms <= self._now_ms():
            self._close(self._next_close_ms)
            self._next_close_ms += CLOSE_MS + self._chance.randrange(1_000)

    def _close(self, ms: int) -> None:
        surge = self._chance.random() < self.weather.surge
        self._closed.append(Closed(self.latest.sequence + 1, _EPOCH_S + ms // 1000, surge))
        for address in self._gifts:
            account = self._accounts.setdefault(address, _Account(0, 0, 0))
            account.balance += GIFT
            account.changed_in = self.latest.sequence
            self._move(f"gift{len(self.moved)}", FRIENDBOT, address, GIFT)
        self._gifts = []
        for transaction in list(self._queue.values()):
            self._consider(ms, transaction)

    def _consider(self, ms: int, transaction: Transaction) -> None:
        account = self._accounts[transaction.source]
        if (
            transaction.max_time < self.latest.time
            or transaction.sequence <= account.sequence
            or transaction.fee > self._accounts[transaction.fee_payer].balance
        ):
            del self._queue[transaction.source]
        elif (
            transaction.sequence == account.sequence + 1
            and self._chance.random() >= self.weather.node_late
            and not (self.latest.surge and transaction.fee < SURGE_RATE * transaction.operations)
        ):
            del self._queue[transaction.source]
            self._apply(ms, transaction, account)

    def _apply(self, ms: int, transaction: Transaction, account: _Account) -> None:
        fee = FEE_RATE * transaction.operations
        account.sequence = transaction.sequence
        account.changed_in = self.latest.sequence
        self._accounts[transaction.fee_payer].balance -= fee
        codes = self._codes(transaction)
        successful = all(code == "op_success" for code in codes)
        words = ("tx_fee_bump_inner_success", "tx_fee_bump_inner_failed")
        code = ("tx_success", "tx_failed")[not successful]
        # Of a bump only its own hash is known afterwards: of two, the one nobody would look for.
        self._found[transaction.hash] = Found(
            successful=successful,
            ledger=self.latest.sequence,
            fee_charged=fee,
            code=words[not successful] if transaction.bumped else code,
            operations=codes,
        )
        if successful:
            self._pay(transaction)
            self._applied(ms, transaction)

    def _codes(self, transaction: Transaction) -> tuple[str, ...]:
        codes = tuple(
            "op_success" if each.opens or each.address in self._accounts else "op_no_destination"
            for each in transaction.payments
        )
        total = sum(each.amount for each in transaction.payments)
        if total > self._accounts[transaction.payer].balance:
            return ("op_underfunded", *codes[1:])
        return codes

    def _pay(self, transaction: Transaction) -> None:
        for _, address, amount in transaction.payments:
            self._accounts[transaction.payer].balance -= amount
            account = self._accounts.setdefault(address, _Account(0, 0, 0))
            account.balance += amount
            account.changed_in = self.latest.sequence
            self._move(f"{transaction.hash}:{address}", transaction.payer, address, amount)

    def _move(self, id_: str, source: str, destination: str, amount: int) -> None:
        closed = self.latest
        self.moved.append(Moved(id_, closed.sequence, closed.time, source, destination, amount))

    # --- what its node answers --------------------------------------------------------------------

    def give(self, address: str) -> None:
        """Friendbot's gift, part of the next ledger."""
        self._gifts.append(address)

    def submit(self, envelope: SignedEnvelope) -> Answered:
        """Take an envelope, or not."""
        self.advance()
        transaction = _read(envelope)
        account = self._accounts.get(transaction.source)
        waiting = self._queue.get(transaction.source)
        known = waiting is not None and waiting.hash == transaction.hash
        if known or transaction.hash in self._found:
            return Answered(Answer.ACCEPTED, "duplicate")
        if account is None or transaction.sequence <= account.sequence:
            return Answered(Answer.REFUSED, "tx_bad_seq")
        if transaction.max_time < self.latest.time:
            return Answered(Answer.REFUSED, "tx_too_late")
        if waiting is not None and not _replaces(transaction, waiting):
            return Answered(Answer.BUSY, "another waits")
        if self._chance.random() < self.weather.node_lost / 2:
            return Answered(Answer.ACCEPTED, "and then dropped")
        self._queue[transaction.source] = transaction
        return Answered(Answer.ACCEPTED)

    def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        """What is known of an envelope; now and then as of some ledgers ago."""
        self.advance()
        behind = self._chance.random() < self.weather.node_behind
        lag = self._chance.randrange(1, 4) if behind else 0
        latest = self._closed[max(0, len(self._closed) - 1 - lag)]
        found = self._found.get(envelope.hash)
        if found is not None and found.ledger <= latest.sequence:
            return found
        account = self._accounts.get(envelope.source)
        sequence = None if lag or account is None else account.sequence
        return NotFound(latest.sequence, latest.time, 1, sequence)

    def sequence(self, address: str) -> int | None:
        """The sequence number that an account used last."""
        self.advance()
        account = self._accounts.get(address)
        return None if account is None else account.sequence

    def holdings(self, address: str) -> OnChain | None:
        """What an account has."""
        self.advance()
        account = self._accounts.get(address)
        if account is None:
            return None
        spendable = Stroops(max(0, account.balance - RESERVE))
        return OnChain(Stroops(account.balance), spendable, account.changed_in)

    def missing(self, addresses: Sequence[str]) -> dict[str, str]:
        """Addresses without an account."""
        self.advance()
        return {each: "op_no_destination" for each in addresses if each not in self._accounts}

    def fee_p80(self) -> int:
        """What most paid lately."""
        self.advance()
        return SURGE_RATE if self.latest.surge else FEE_RATE


def seal(
    source: str,
    payer: str,
    slot: tuple[int, int],
    fee: int,
    payments: list[Payment],
    ledger: int,
) -> SignedEnvelope:
    """Sign an envelope: here its own hash does for it. A slot is a sequence number and a time."""
    sequence, max_time = slot
    text = json.dumps([source, payer, sequence, max_time, fee, payments])
    return SignedEnvelope(text, _hash(text), source, sequence, max_time, fee, ledger)


def bump(envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
    """The same with a higher bid."""
    text = json.dumps({"bid": fee, "for": envelope.xdr})
    return replace(envelope, xdr=text, hash=_hash(text), fee=fee)


def _read(envelope: SignedEnvelope) -> Transaction:
    said, bumped = json.loads(envelope.xdr), False
    bid = None
    if isinstance(said, dict):
        bid, said, bumped = said["bid"], json.loads(said["for"]), True
    source, payer, sequence, max_time, fee, payments = said
    operations = [Payment(*each) for each in payments]
    fee = fee if bid is None else bid
    digest = _hash(envelope.xdr)
    return Transaction(digest, source, payer, sequence, max_time, fee, operations, bumped)


def _replaces(new: Transaction, old: Transaction) -> bool:
    same = new.bumped and new.sequence == old.sequence
    return same and new.fee * old.operations >= 10 * old.fee * new.operations


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
