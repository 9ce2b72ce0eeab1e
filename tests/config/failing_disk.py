"""A Postgres whose disk fails when a test says so, and works again when the test says that."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded_postgres import EmbeddedPostgres
from config.postgres_programs import program_folder
from config.unprivileged import give_away
from tests.programs import program

_LIBRARY = Path(__file__).with_name("failing_disk.c")
_SETTINGS = {"shared_buffers": "32MB"}
_SERVER = """#!/bin/sh
exec env LD_PRELOAD={library} FAILING_DISK={switches} {postgres} "$@"
"""


class FailingDisk:
    """What a Postgres writes on, in a folder of its own.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._switches = folder / "switches"
        self._switches.mkdir()
        give_away(self._switches, 0o700)
        self._programs = folder / "programs"
        self._programs.mkdir()
        self._log = folder / "postgres" / "server.log"
        self.server = EmbeddedPostgres(folder / "postgres", _SETTINGS, self._wrapped())

    @contextmanager
    def fails(self, how: str) -> Iterator[None]:
        """`sync`: what is written to the log is lost and syncs say so. `full`: no file grows."""
        switch = self._switches / how
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()

    def said(self, words: str) -> int:
        """How often the server said so."""
        return self._log.read_text(errors="replace").count(words)

    def _wrapped(self) -> Path:
        """A folder of programs, of which the server has the library that fails."""
        found = program_folder()
        assert found is not None
        library = self._programs / "failing_disk.so"
        subprocess.run(
            [program("gcc"), "-O1", "-shared", "-fPIC", "-o", library, _LIBRARY, "-ldl"], check=True
        )
        (self._programs / "initdb").symlink_to(found / "initdb")
        server = self._programs / "postgres"
        text = _SERVER.format(
            library=library, switches=self._switches, postgres=(found / "postgres").resolve()
        )
        server.write_text(text)
        server.chmod(0o755)
        return self._programs
