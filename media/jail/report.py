"""How well this machine jails: a probe is run, and what it said is put together."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.limits import JAIL_PROBE_SECONDS_MAX
from media.jail.level import Level, Parts, parts_from_json
from media.jail.words import FORBIDDEN

PROBE_COMMAND = (sys.executable, "-P", "-m", "media.jail.probe")
_CONNECT = "connect_to_network"


class ProbeFailed(Exception):
    """The probe of the jail did not come to an end; the text says why."""


@dataclass(frozen=True, slots=True)
class JailReport:
    """What the probe found.

    Attributes:
        forbidden: each action that it tried, and whether that was blocked.
    """

    parts: Parts
    forbidden: Mapping[str, bool]

    @property
    def level(self) -> Level:
        return self.parts.level

    @property
    def open_doors(self) -> tuple[str, ...]:
        """Forbidden actions that a jailed process can do here."""
        return tuple(name for name, blocked in self.forbidden.items() if not blocked)

    def shortfall(self, minimum: int) -> str | None:
        """What this machine lacks of that level, as a sentence; None when it has it."""
        if self.level < minimum:
            return f"media is jailed at level {self.level}, and at least {minimum} is asked for"
        if minimum >= Level.STRONG and self.open_doors:
            doors = ", ".join(FORBIDDEN.get(name, name) for name in self.open_doors)
            return f"a jailed process can still {doors}"
        return None


async def probe_jail(command: Sequence[str] = PROBE_COMMAND) -> JailReport:
    """Lock a child in and have it try to get out.

    Raises:
        ProbeFailed: it could not be run, or gave no answer in time.
    """
    try:
        async with asyncio.timeout(JAIL_PROBE_SECONDS_MAX):
            with _neighbour() as file:
                async with _listener() as (port, reached):
                    report = _parsed(await _answer([*command, str(file), str(port)]))
    except TimeoutError:
        raise ProbeFailed(f"no answer within {JAIL_PROBE_SECONDS_MAX} s") from None
    except OSError as error:
        raise ProbeFailed(f"the probe could not be started: {error}") from error
    if reached.is_set():
        return JailReport(report.parts, {**report.forbidden, _CONNECT: False})
    return report


@contextmanager
def _neighbour() -> Iterator[Path]:
    """A file that anybody may read who can open files at all."""
    with tempfile.TemporaryDirectory(prefix="tollcast-probe-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "neighbour")
        file.write_bytes(b"not for you")
        file.chmod(0o644)
        yield file


@asynccontextmanager
async def _listener() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port on 127.0.0.1, and whether anybody has reached it."""
    reached = asyncio.Event()

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], reached


async def _answer(command: Sequence[str]) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise ProbeFailed(f"it ended with {process.returncode}: {last or 'without a word'}")
    return said


def _parsed(answer: bytes) -> JailReport:
    try:
        document = json.loads(answer)
        forbidden = document["forbidden"]
        return JailReport(
            parts_from_json(document["parts"]),
            {str(name): blocked is True for name, blocked in forbidden.items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as reason:
        raise ProbeFailed(f"it makes no sense: {answer[:200]!r}") from reason
