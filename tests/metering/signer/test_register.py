"""What was signed, in memory and on the disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.limits import SIGNER_DAY_MS, SIGNER_MEMORY_MS
from metering.settlement.transaction import Slot
from metering.signer.register import Entry, MemoryRegister, Register
from metering.signer.register_file import DamagedRegister, FileRegister
from tests.metering.signer.plans import KEYS, NOW_MS

ENTRY = Entry("set_1", NOW_MS, "XLM", 5, Slot(KEYS.hot, 7, 9), 3, "ab" * 32, 100)


def entry(number: int, at_ms: int = NOW_MS, outflow: int = 5) -> Entry:
    return replace(
        ENTRY, settlement=f"set_{number}", at_ms=at_ms, hash=f"{number:064}", outflow=outflow
    )


@pytest.fixture(params=["memory", "disk"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Register:
    if request.param == "memory":
        return MemoryRegister()
    return FileRegister(tmp_path / "signed.jsonl")


def test_what_was_signed_is_found_and_counts_for_a_day(register: Register) -> None:
    register.add(entry(1))
    register.add(entry(2, NOW_MS + 10, 7))
    assert register.of("set_1") == entry(1)
    assert register.by_hash(entry(2).hash) == entry(2, NOW_MS + 10, 7)
    assert (register.of("set_3"), register.by_hash("ab")) == (None, None)
    for now_ms, paid in (
        (NOW_MS, 12),
        (NOW_MS + SIGNER_DAY_MS, 7),
        (NOW_MS + 2 * SIGNER_DAY_MS, 0),
    ):
        assert register.spent(now_ms).by_asset.get("XLM", 0) == paid


def test_a_higher_bid_replaces_the_lower_one(register: Register) -> None:
    register.add(entry(1))
    register.add(replace(entry(1), fee=900))
    spent = register.spent(NOW_MS)
    assert (spent.fees, spent.settlements, spent.by_asset) == (900, 1, {"XLM": 5})


def test_a_clock_that_is_set_back_makes_no_room(register: Register) -> None:
    register.add(entry(1))
    register.add(entry(2, NOW_MS - 5 * SIGNER_DAY_MS))
    assert register.spent(NOW_MS - 5 * SIGNER_DAY_MS).settlements == 2
    assert register.spent(NOW_MS).settlements == 2


def test_what_can_not_be_applied_for_long_is_forgotten(register: Register) -> None:
    register.add(entry(1))
    register.add(entry(2, NOW_MS + SIGNER_MEMORY_MS + 1))
    assert register.of("set_1") is None
    assert register.by_hash(entry(1).hash) is None
    assert register.of("set_2") is not None


def test_the_disk_has_it_after_a_crash_and_a_piece_of_a_line_is_none(tmp_path: Path) -> None:
    path = tmp_path / "signed.jsonl"
    FileRegister(path).add(entry(1))
    with path.open("ab") as file:
        file.write(b'{"settlement":"set_2","at":17')
    again = FileRegister(path)
    assert again.of("set_1") == entry(1)
    again.add(entry(3))
    assert FileRegister(path).of("set_3") == entry(3)


def test_lines_that_are_not_needed_leave_the_file(tmp_path: Path) -> None:
    path = tmp_path / "signed.jsonl"
    register = FileRegister(path, forgotten_max=3)
    for fee in range(4):
        register.add(replace(ENTRY, fee=fee))
    assert len(path.read_bytes().splitlines()) == 4
    register.add(replace(ENTRY, fee=5))
    assert len(path.read_bytes().splitlines()) == 1
    register.add(entry(2))
    again = FileRegister(path)
    assert (again.of("set_1"), again.of("set_2")) == (replace(ENTRY, fee=5), entry(2))


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"settlement":"set_1"}'])
def test_a_register_that_makes_no_sense_is_not_gone_on_with(line: str, tmp_path: Path) -> None:
    (tmp_path / "signed.jsonl").write_text(f"{line}\n")
    with pytest.raises(DamagedRegister):
        FileRegister(tmp_path / "signed.jsonl")
