"""A data directory is one server, for ever, and for one process at a time."""

from contextlib import AsyncExitStack
from pathlib import Path

from api.server_identity import take_identity
from config.clock import ManualClock
from config.ids import is_id


async def test_a_server_is_the_same_after_a_restart_and_another_one_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    found: list[str] = []
    for data in (tmp_path, tmp_path, tmp_path / "other"):
        async with AsyncExitStack() as stack:
            found.append(take_identity(data, ManualClock(), stack))
    assert all(is_id("srv", each) for each in found)
    assert found[0] == found[1] != found[2]


async def test_two_processes_at_a_time_are_not_the_same_server(tmp_path: Path) -> None:
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        kept = take_identity(tmp_path, ManualClock(), first)
        other = take_identity(tmp_path, ManualClock(), second)
        assert is_id("srv", other)
        assert other != kept
    async with AsyncExitStack() as third:
        assert take_identity(tmp_path, ManualClock(), third) == kept


async def test_what_a_crash_left_half_written_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "server").write_text("srv_01")
    async with AsyncExitStack() as stack:
        assert is_id("srv", take_identity(tmp_path, ManualClock(), stack))
