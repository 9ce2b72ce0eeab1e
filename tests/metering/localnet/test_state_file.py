"""The state file: everything that closed survives, and nothing damaged is used."""

import sqlite3
from pathlib import Path

import pytest
from stellar_sdk import (
    Asset,
    AuthorizationFlag,
    ChangeTrust,
    Claimant,
    ClaimPredicate,
    CreateAccount,
    CreateClaimableBalance,
    ManageData,
    Operation,
    SetOptions,
    Signer,
)
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.network import LocalNetwork, genesis
from metering.localnet.state_file import DamagedState, ForeignState, StateFile, StateInUse
from tests.metering.localnet.rpc_client import Client
from tests.metering.localnet.town import CLOSE_MS, PASSPHRASE, START_MS, Town


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "network.state"


def lived_in(path: Path) -> Town:
    """A network with all kinds of entries, saved ledger by ledger."""
    state_file = StateFile(path)
    assert state_file.load(PASSPHRASE) is None
    state_file.create(genesis(PASSPHRASE, CLOSE_MS, START_MS))
    town = Town("ana", "ben", "issuer")
    town.now_ms = START_MS
    town.network = LocalNetwork(genesis(PASSPHRASE, CLOSE_MS, START_MS), 2**24)
    asset = Asset("DOLLAR", town.address("issuer"))
    ana = Signer.ed25519_public_key(town.address("ana"), 1)
    created = [
        CreateAccount(destination=town.address(name), starting_balance="100")
        for name in ("ana", "ben", "issuer")
    ]
    soon = ClaimPredicate.predicate_before_relative_time(60)
    laid_by = CreateClaimableBalance(asset, "2", [Claimant(town.address("ben"), soon)])
    plan: list[tuple[str, list[Operation]]] = [
        ("root", [*created]),
        ("ana", [ChangeTrust(asset, limit="10"), ManageData("a", b"\0\xff")]),
        ("issuer", [town.pay("ana", "3", asset)]),
        ("ben", [SetOptions(signer=ana)]),
        ("ben", [ManageData("gone", b"x")]),
        ("ben", [ManageData("gone", None)]),
        ("issuer", [SetOptions(set_flags=AuthorizationFlag(3)), laid_by]),
    ]
    for source, operations in plan:
        town.submit(town.build(source, *operations))
        closing = town.close()
        assert closing is not None
        assert closing.records[0].successful
        state_file.save(closing, town.network.oldest_ledger)
    state_file.close()
    return town


def test_what_was_saved_is_what_is_loaded(path: Path) -> None:
    town = lived_in(path)
    state_file = StateFile(path)
    state = state_file.load(PASSPHRASE)
    state_file.close()
    assert state is not None
    assert state.header == town.network.latest(town.now_ms)
    assert sorted(map(str, state.entries)) == sorted(map(str, town.network._entries.all()))
    assert [town.network.transaction(record.hash) for record in state.records] == state.records
    assert len(state.records) == 7
    assert [header.sequence for header in state.headers] == list(range(1, 9))
    restored = LocalNetwork(state, 2**24)
    assert restored.is_conserved()
    town.network = restored
    assert town.run("ana", town.pay("ben"))[0] == "tx_success"


def test_old_records_are_removed_with_the_ledgers_that_are_forgotten(path: Path) -> None:
    town = lived_in(path)
    state_file = StateFile(path)
    town.submit(town.build("ana", town.pay("ben")))
    closing = town.close()
    assert closing is not None
    state_file.save(closing, closing.header.sequence)
    state = state_file.load(PASSPHRASE)
    state_file.close()
    assert state is not None
    assert len(state.records) == 1
    assert state.oldest_ledger == closing.header.sequence


def test_a_file_of_an_earlier_version_has_all_events_too(path: Path) -> None:
    """Method: such a file is made of a present one, by taking away what was not there yet."""
    town = lived_in(path)
    told = Client(town).events(startLedger=1, endLedger=8).events
    database = sqlite3.connect(path)
    database.execute("delete from record where ledger = 8")  # what that version could not do
    for hash_, text in database.execute("select hash, meta_xdr from record").fetchall():
        meta = stellar_xdr.TransactionMeta.from_xdr(text)
        assert meta.v4 is not None
        meta.v4.events = []
        for operation in meta.v4.operations:
            operation.events = []
        database.execute("update record set meta_xdr = ? where hash = ?", (meta.to_xdr(), hash_))
    database.execute("drop table ledger")
    database.execute("pragma user_version = 0")
    database.commit()
    database.close()
    for _ in range(2):
        state_file = StateFile(path)
        state = state_file.load(PASSPHRASE)
        state_file.close()
        assert state is not None
        assert state.headers == [town.network.latest(town.now_ms)]
        town.network = LocalNetwork(state, 2**24)
        assert Client(town).events(startLedger=1, endLedger=8).events == told


def test_a_torn_file_is_refused_wherever_it_was_cut(path: Path) -> None:
    lived_in(path)
    whole = path.read_bytes()
    for length in range(1, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedState):
            StateFile(path).load(PASSPHRASE)


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedState):
        StateFile(path)


def test_a_database_of_something_else_is_refused(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("create table diary (page text)")
    other.close()
    state_file = StateFile(path)
    with pytest.raises(DamagedState):
        state_file.load(PASSPHRASE)
    state_file.close()


def test_balances_that_do_not_add_up_are_refused(path: Path) -> None:
    lived_in(path)
    database = sqlite3.connect(path)
    database.execute("update ledger set fee_pool = fee_pool + 1")
    database.commit()
    database.close()
    state_file = StateFile(path)
    with pytest.raises(DamagedState, match="add up"):
        state_file.load(PASSPHRASE)
    state_file.close()


def test_another_networks_file_is_refused(path: Path) -> None:
    lived_in(path)
    state_file = StateFile(path)
    with pytest.raises(ForeignState):
        state_file.load("Some Other Network")
    state_file.close()


def test_a_file_serves_one_process_at_a_time(path: Path) -> None:
    lived_in(path)
    first = StateFile(path)
    with pytest.raises(StateInUse):
        StateFile(path)
    first.close()
    StateFile(path).close()
