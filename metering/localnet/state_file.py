"""The network's state on disk: one SQLite file, one transaction per closed ledger."""

import sqlite3
from dataclasses import asdict
from pathlib import Path

from stellar_sdk import xdr as stellar_xdr
from xdrlib3 import Error as XdrError

from metering.localnet.closing import Closing
from metering.localnet.entries import Entry, Key
from metering.localnet.entry_xdr import entry_from_xdr, entry_xdr
from metering.localnet.header import TOTAL_COINS, Header
from metering.localnet.lumens import lumens
from metering.localnet.network import NetworkState
from metering.localnet.record import Record

_SCHEMA = """
create table network (passphrase text not null, close_ms integer not null);
create table header (
    sequence integer not null, closed_ms integer not null, previous_hash blob not null,
    transactions_hash blob not null, results_hash blob not null, entries_hash blob not null,
    fee_pool integer not null, oldest_ledger integer not null
);
create table entry (key text primary key, xdr text not null) without rowid;
create table record (
    hash text primary key, ledger integer not null, "order" integer not null,
    created_at integer not null, source text not null, sequence integer not null,
    fee_max integer not null, fee_charged integer not null, operations integer not null,
    successful integer not null, is_fee_bump integer not null, inner_hash text not null,
    envelope_xdr text not null, result_xdr text not null, meta_xdr text not null,
    fee_meta_xdr text not null
);
create index record_by_ledger on record (ledger, "order");
"""
# Version 1: headers of remembered ledgers are kept.
_VERSION = 1
_LEDGERS = """
create table ledger (
    sequence integer primary key, closed_ms integer not null, previous_hash blob not null,
    transactions_hash blob not null, results_hash blob not null, entries_hash blob not null,
    fee_pool integer not null
);
insert into ledger select sequence, closed_ms, previous_hash, transactions_hash, results_hash,
    entries_hash, fee_pool from header;
"""
_SIZE = "select page_count * page_size from pragma_page_count, pragma_page_size"
_HEADER_BYTES = 100  # of an SQLite file
_SEPARATOR = "|"
_RECORD_COLUMNS = (
    'hash, ledger, "order", created_at, source, sequence, fee_max, fee_charged, operations,'
    " successful, is_fee_bump, inner_hash, envelope_xdr, result_xdr, meta_xdr, fee_meta_xdr"
)


class DamagedState(Exception):
    """The state file cannot be read: restore it from a copy, or delete it for a new network."""


class StateInUse(Exception):
    """Another process has the state file open."""


class ForeignState(Exception):
    """The state file belongs to a network with another passphrase."""


class StateFile:
    """Where a local network lives between runs. Used by one process at a time.

    Its calls block for some milliseconds (fsync). They run on the network's own loop on purpose:
    nobody may be answered between closing a ledger and keeping it.

    Args:
        path: the file; made when it does not exist.

    Raises:
        DamagedState: the file is torn, or no state file at all.
        StateInUse: another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists() and 0 < path.stat().st_size < _HEADER_BYTES:
            raise DamagedState(f"{path} is cut off")  # SQLite would take it for a new file.
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise StateInUse(f"{path} is used by another process") from error
            raise DamagedState(f"{path}: {error}") from error
        except DamagedState:
            self._database.close()
            raise

    def _prepare(self) -> None:
        # A locked file tells a second process to go away; EXTRA also syncs the directory.
        self._database.execute("pragma locking_mode = exclusive")
        self._database.execute("pragma synchronous = extra")
        problems = self._database.execute("pragma quick_check(1)").fetchone()
        if problems != ("ok",):
            raise DamagedState(f"{self._path}: {problems[0]}")
        self._database.execute("begin exclusive")
        tables = self._database.execute("select count(*) from sqlite_master").fetchone()
        self._database.execute("commit")
        (bytes_told,) = self._database.execute(_SIZE).fetchone()
        # An end that was cut off inside its last page goes unnoticed by the check.
        if self._path.stat().st_size != bytes_told:
            raise DamagedState(f"{self._path} should have {bytes_told} bytes")
        if tables == (0,):
            self._database.executescript(
                f"begin; {_SCHEMA} {_LEDGERS} pragma user_version = {_VERSION}; commit;"
            )

    def close(self) -> None:
        self._database.close()

    def load(self, passphrase: str) -> NetworkState | None:
        """What was saved last; None for a new file.

        Raises:
            DamagedState: what is in the file does not add up.
            ForeignState: it is another network's.
        """
        try:
            state = self._load()
        except (sqlite3.Error, ValueError, TypeError, EOFError, XdrError) as error:
            raise DamagedState(f"{self._path}: {error}") from error
        if state is not None and state.passphrase != passphrase:
            raise ForeignState(f"{self._path} belongs to {state.passphrase!r}")
        return state

    def _load(self) -> NetworkState | None:
        network: tuple[str, int] | None = self._database.execute(
            "select passphrase, close_ms from network"
        ).fetchone()
        if network is None:
            return None
        self._upgrade()
        passphrase, close_ms = network
        (oldest_ledger,) = self._database.execute("select oldest_ledger from header").fetchone()
        headers = [
            Header(*row) for row in self._database.execute("select * from ledger order by sequence")
        ]
        entries = [
            entry_from_xdr(stellar_xdr.LedgerEntry.from_xdr(xdr))
            for (xdr,) in self._database.execute("select xdr from entry")
        ]
        rows = self._database.execute(
            f'select {_RECORD_COLUMNS} from record order by ledger, "order"'
        )
        records = [_record(row) for row in rows]
        state = NetworkState(passphrase, close_ms, headers, entries, records, oldest_ledger)
        if lumens(entries, passphrase) + state.header.fee_pool != TOTAL_COINS:
            raise ValueError("the balances do not add up to all lumens")
        return state

    def _upgrade(self) -> None:
        """Bring a file of an earlier version to the present one, all of it or nothing."""
        (version,) = self._database.execute("pragma user_version").fetchone()
        if version == _VERSION:
            return
        self._database.execute("begin")
        for statement in filter(str.strip, _LEDGERS.split(";")):
            self._database.execute(statement)
        self._database.execute(f"pragma user_version = {_VERSION}")
        self._database.execute("commit")

    def create(self, state: NetworkState) -> None:
        """Save a whole new network in place of what was there."""
        self._database.execute("begin")
        for table in ("network", "entry", "record", "ledger"):
            self._database.execute(f"delete from {table}")
        self._database.execute(
            "insert into network values (?, ?)", (state.passphrase, state.close_ms)
        )
        self._put_header(state.header, state.oldest_ledger)
        for entry in state.entries:
            self._put_entry(entry)
        self._database.execute("commit")

    def save(self, closing: Closing, oldest_ledger: int) -> None:
        """Keep one closed ledger, all of it or nothing, before anybody is told of it."""
        self._database.execute("begin")
        self._put_header(closing.header, oldest_ledger)
        for change in closing.changes:
            if change.after is not None:
                self._put_entry(change.after)
            elif change.before is not None:
                self._database.execute(
                    "delete from entry where key = ?", (_text(change.before.key),)
                )
        for record in closing.records:
            values = tuple(asdict(record).values())
            marks = ", ".join("?" * len(values))
            self._database.execute(
                f"insert into record ({_RECORD_COLUMNS}) values ({marks})", values
            )
        self._delete_before(oldest_ledger)
        self._database.execute("commit")

    def forget_before(self, ledger: int) -> None:
        """Keep nothing of the ledgers before this one."""
        self._database.execute("begin")
        self._database.execute("update header set oldest_ledger = ?", (ledger,))
        self._delete_before(ledger)
        self._database.execute("commit")

    def _delete_before(self, ledger: int) -> None:
        self._database.execute("delete from record where ledger < ?", (ledger,))
        # The header that idle ledgers from there on are counted from stays.
        self._database.execute(
            "delete from ledger where sequence <"
            " (select max(sequence) from ledger where sequence <= ?)",
            (ledger,),
        )

    def retime(self, header: Header, close_ms: int, oldest_ledger: int) -> None:
        """Go on with another time between ledgers, from `header` on."""
        self._database.execute("begin")
        self._database.execute("update network set close_ms = ?", (close_ms,))
        self._put_header(header, oldest_ledger)
        self._database.execute("commit")

    def _put_header(self, header: Header, oldest_ledger: int) -> None:
        self._database.execute("delete from header")
        self._database.execute(
            "insert into header values (?, ?, ?, ?, ?, ?, ?, ?)",
            (*asdict(header).values(), oldest_ledger),
        )
        self._database.execute(
            "insert or replace into ledger values (?, ?, ?, ?, ?, ?, ?)",
            tuple(asdict(header).values()),
        )

    def _put_entry(self, entry: Entry) -> None:
        self._database.execute(
            "insert or replace into entry values (?, ?)",
            (_text(entry.key), entry_xdr(entry).to_xdr()),
        )


def _text(key: Key) -> str:
    return _SEPARATOR.join(key)


def _record(row: tuple[object, ...]) -> Record:
    values = dict(zip(Record.__dataclass_fields__, row, strict=True))
    for flag in ("successful", "is_fee_bump"):
        values[flag] = bool(values[flag])
    return Record(**values)  # type: ignore[arg-type]  # the columns are the fields
