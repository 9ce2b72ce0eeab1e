"""The network as one object without I/O: submit, look up, and let time close its ledgers."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from stellar_sdk import Keypair, Network
from stellar_sdk import xdr as stellar_xdr

from config.limits import LOCALNET_LAG_LEDGERS_MAX
from metering.localnet.closing import Closing, Traffic, close, select
from metering.localnet.contracts.creation import built_in
from metering.localnet.entries import Account, Entries, Entry, Key
from metering.localnet.envelope import bid_of, read_envelope
from metering.localnet.header import TOTAL_COINS, Header, idle
from metering.localnet.history import History
from metering.localnet.lumens import lumens
from metering.localnet.pool import Pending, Pool
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.validity import Moment, check, refusal_xdr

_NO_HASH = bytes(32)
_GENESIS_SEQUENCE = 1
_FEES_KEPT = 500


class Status(StrEnum):
    """How a submission was taken (Stellar RPC, sendTransaction)."""

    PENDING = "PENDING"
    DUPLICATE = "DUPLICATE"
    TRY_AGAIN_LATER = "TRY_AGAIN_LATER"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Submission:
    """The answer to a submission; `result` is set with ERROR."""

    status: Status
    hash: str
    result: stellar_xdr.TransactionResult | None = None


@dataclass(frozen=True, slots=True)
class NetworkState:
    """Everything that outlives the process. What was pending does not, as with a real node.

    `headers` are those of remembered ledgers that were not idle; the last one is `header`.
    """

    passphrase: str
    close_ms: int
    headers: list[Header]
    entries: list[Entry]
    records: list[Record]
    oldest_ledger: int

    @property
    def header(self) -> Header:
        """The ledger that closed last, not counting idle ones."""
        return self.headers[-1]


def genesis(passphrase: str, close_ms: int, now_ms: int) -> NetworkState:
    """A new network: all lumens are with the root account, whose seed is the network's id."""
    root = root_keypair(passphrase)
    header = Header(_GENESIS_SEQUENCE, now_ms, _NO_HASH, _NO_HASH, _NO_HASH, _NO_HASH, 0)
    entries: list[Entry] = [Account(root.public_key, TOTAL_COINS, 0), *built_in(passphrase)]
    return NetworkState(passphrase, close_ms, [header], entries, [], _GENESIS_SEQUENCE)


def root_keypair(passphrase: str) -> Keypair:
    """The keys of the account that everything on a network came from."""
    return Keypair.from_raw_ed25519_seed(Network(passphrase).network_id())


class LocalNetwork:
    """A Stellar network of one node. Every method that takes `now_ms` expects time to move on.

    Call `advance` first whenever time has passed, and keep what it returns before telling anyone
    anything: a ledger that somebody has seen must not be forgotten.

    Args:
        state: from `genesis` or from the state file.
        history_bytes_max: how much of old transactions is remembered.
    """

    def __init__(self, state: NetworkState, history_bytes_max: int) -> None:
        self.passphrase = state.passphrase
        self.close_ms = state.close_ms
        self._last = state.header
        self._entries = Entries()
        # What was built in later than the state began is there all the same.
        for entry in (*built_in(state.passphrase), *state.entries):
            self._entries.put(entry)
        self._pool = Pool()
        self.traffic = Traffic()
        # Idle ledgers that were already told of when the first pending transaction came.
        self._idle_before_close = 0
        # What recent ledgers changed, for readers that are behind.
        self._closings: deque[Closing] = deque(maxlen=LOCALNET_LAG_LEDGERS_MAX)
        self._history = History(state.passphrase, state.oldest_ledger, history_bytes_max)
        self._fees: deque[int] = deque(maxlen=_FEES_KEPT)
        self._remember(state.headers, state.records)
        assert self.is_conserved(), "the entries do not add up to all lumens"

    # --- time ------------------------------------------------------------------------------------

    def latest(self, now_ms: int) -> Header:
        """The ledger that closed last, counting idle ones."""
        ledgers = self._ledgers_since(now_ms)
        if len(self._pool) > 0:
            # The next ledger takes what is pending; it is not to be seen before `advance` made it.
            ledgers = min(ledgers, self._idle_before_close)
        return idle(self._last, ledgers, self.close_ms)

    def read(self, now_ms: int, lag_ledgers: int = 0) -> Reading:
        """The network as of the ledger that closed last, or of one before that.

        Args:
            now_ms: the network's time.
            lag_ledgers: how far behind the reader is (a fault to test with), as far as that is
                remembered.
        """
        latest = self.latest(now_ms)
        entries = self._entries
        if lag_ledgers > 0:
            oldest = max(self.oldest_ledger, self._undoable_to())
            behind = max(oldest, latest.sequence - lag_ledgers)
            known = self._history.header(behind, self.close_ms)
            if known is not None:
                latest, entries = known, self._entries_at(behind)
        crowd = self.traffic.crowd_rate
        fees = (crowd,) * _FEES_KEPT if crowd else tuple(self._fees)
        return Reading(
            self.passphrase, self.close_ms, latest, entries, self._history, fees, int(crowd > 0)
        )

    @property
    def oldest_ledger(self) -> int:
        """From this ledger on every transaction is remembered."""
        return self._history.oldest_ledger

    def forget_before(self, ledger: int) -> None:
        """Forget what is older than a ledger that has closed, as nodes do."""
        self._history.forget_before(ledger)

    def next_close_ms(self) -> int | None:
        """When the next ledger is due, as long as something is pending."""
        if len(self._pool) == 0:
            return None
        return self._last.closed_ms + (self._idle_before_close + 1) * self.close_ms

    def advance(self, now_ms: int) -> Closing | None:
        """Close the ledger that is due by now, if any."""
        due = self.next_close_ms()
        if due is None or now_ms < due:
            return None
        ledgers = self._ledgers_since(now_ms)
        sequence = self._last.sequence + ledgers
        closed_ms = self._last.closed_ms + ledgers * self.close_ms
        return self._close(sequence, closed_ms)

    # --- transactions ----------------------------------------------------------------------------

    def submit(self, envelope_xdr: str, now_ms: int, late_ledgers: int = 0) -> Submission:
        """Take a transaction for the next ledger, or say why not.

        Args:
            envelope_xdr: base64, as a client sends it.
            now_ms: the network's time.
            late_ledgers: let it wait for this many ledgers more (a fault to test with).

        Raises:
            MalformedEnvelope: not an envelope.
        """
        envelope = read_envelope(envelope_xdr, self.passphrase)
        hash_ = envelope.hash.hex()
        latest = self.latest(now_ms)
        moment = Moment(latest.sequence + 1, max(latest.close_time, now_ms // 1000))
        if envelope.hash in self._pool:
            return Submission(Status.DUPLICATE, hash_)
        if self._pool.is_banned(envelope.hash, latest.sequence):
            return Submission(Status.TRY_AGAIN_LATER, hash_)
        old = self._pool.of_source(envelope.transaction.source)
        if old is not None and not self._pool.replaces(envelope, old):
            return Submission(Status.TRY_AGAIN_LATER, hash_)
        refusal = check(envelope, self._entries, moment)
        if refusal is not None:
            return Submission(Status.ERROR, hash_, refusal_xdr(envelope, refusal))
        if old is not None:
            self._pool.drop(old)
        if len(self._pool) == 0:
            self._idle_before_close = latest.sequence - self._last.sequence
        self._pool.add(Pending(envelope, moment.ledger + late_ledgers))
        return Submission(Status.PENDING, hash_)

    def transaction(self, hash_: str) -> Record | None:
        """A remembered transaction, by the hash (hex) of its envelope or of what a bump wraps."""
        return self._history.transaction(hash_)

    # --- entries ---------------------------------------------------------------------------------

    def entry(self, key: Key) -> Entry | None:
        return self._entries.get(key)

    def account(self, address: str) -> Account | None:
        return self._entries.account(address)

    def owned_by(self, address: str) -> list[Entry]:
        """Trust lines and data of an account."""
        return self._entries.owned_by(address)

    def is_conserved(self) -> bool:
        """True as long as no lumen was made or lost."""
        held = lumens(self._entries.all(), self.passphrase)
        return held + self._last.fee_pool == TOTAL_COINS

    def _ledgers_since(self, now_ms: int) -> int:
        return max(0, now_ms - self._last.closed_ms) // self.close_ms

    def _close(self, sequence: int, closed_ms: int) -> Closing:
        moment = Moment(sequence, closed_ms // 1000)
        ready = self._pool.ready(sequence)
        selection = select(ready, self._entries, moment, self.traffic)
        closing = close(
            self._last, self._entries, selection, (sequence, closed_ms), self.passphrase
        )
        for pending in (*selection.taken, *selection.invalid):
            self._pool.drop(pending)
        self._pool.age(sequence)
        self._last = closing.header
        self._idle_before_close = 0
        self._closings.append(closing)
        self._remember([closing.header], closing.records)
        assert self.is_conserved(), "closing a ledger made or lost lumens"
        return closing

    def _remember(self, headers: Iterable[Header], records: Iterable[Record]) -> None:
        listed = list(records)
        for record in listed:
            charged = record.operations + (1 if record.is_fee_bump else 0)
            self._fees.append(bid_of(record.envelope_xdr, record.fee_charged) // charged)
        self._history.remember(headers, listed)

    def _undoable_to(self) -> int:
        """The first ledger whose entries can still be told."""
        first = self._closings[0].header.sequence if self._closings else self._last.sequence + 1
        return first - 1

    def _entries_at(self, ledger: int) -> Entries:
        """The entries as they were when `ledger` closed."""
        entries = self._entries.draft()
        for closing in reversed(self._closings):
            if closing.header.sequence <= ledger:
                break
            for change in closing.changes:
                if change.before is not None:
                    entries.put(change.before)
                elif change.after is not None:
                    entries.remove(change.after.key)
        return entries
