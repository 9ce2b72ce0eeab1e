"""Has one file transcoded by a jailed worker, and hands what it makes to a sink."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from config.clock import Clock
from config.limits import FILE_WORKER_HANG_MS_MAX
from config.tasks import to_the_end
from media.captions.captions import Captions
from media.file.container import Container
from media.file.description import (
    FileDescription,
    MalformedDescription,
    description_from_bytes,
)
from media.file.orders import Orders, cpu_seconds_max
from media.file.plan import FileSettings, Resume, all_outputs, plan_pass, plan_to_bytes
from media.file.refusal import RefusalCode, Refused, refused_from_worker
from media.file.trust import Examiner, Untrustworthy, longest_end
from media.jail.level import minimum_option
from media.pictures import Picture
from media.timeline import TIMELINE_START
from media.transcode.protocol import (
    Captioned,
    Configure,
    Described,
    Encoded,
    Finished,
    MalformedMessage,
    Message,
    Opened,
    Position,
    Refusal,
)
from media.transcode.rendition import Rendition
from media.transcode.worker_process import WorkerGone, WorkerProcess
from media.units import Packet

__all__ = [
    "FileOutcome",
    "FileProgress",
    "FileSettings",
    "FileSink",
    "FileTranscoder",
    "FileWorkerFailed",
    "Refused",
    "Resume",
]

log = structlog.get_logger(__name__)

FILE_WORKER_COMMAND = (sys.executable, "-P", "-m", "media.file.av_file")

_WHOLE = 1000
# Progress is told after so many packets: about twice for a second of media.
_PROGRESS_PACKETS = 64


class FileWorkerFailed(Exception):
    """A worker died, hung or made no sense; another one may succeed."""


class _EndedEarly(Exception):
    """A worker ended without having said that it is done."""


class FileSink(Protocol):
    """Takes what is made of one file; all times are on one timeline."""

    def begin(self, renditions: Sequence[Rendition]) -> None:
        """Exactly these renditions follow; comes first, and once."""

    def packet(self, rendition: str, packet: Packet) -> None:
        """Take the next packet of a rendition, as `RenditionSink.packet` does."""

    def picture(self, picture: Picture) -> None:
        """Take a poster or a sheet."""

    def captions(self, captions: Captions) -> None:
        """Take captions that came in the file."""

    async def drained(self) -> None:
        """Wait until more may come."""


@dataclass(frozen=True, slots=True)
class FileProgress:
    """How far all renditions of the file are, in thousandths, those of other passes included."""

    renditions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One pass is done.

    Attributes:
        duration_ticks: of the whole file, in 1/90000 s.
        remaining: renditions that the next pass will make; empty after the last one.
    """

    duration_ticks: int
    remaining: tuple[str, ...]


class FileTranscoder:
    """Runs passes through files; may run several at once."""

    def __init__(
        self,
        settings: FileSettings,
        clock: Clock,
        *,
        command: Sequence[str] = FILE_WORKER_COMMAND,
        hang_ms: int = FILE_WORKER_HANG_MS_MAX,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._command = command
        self._hang_ms = hang_ms

    async def run(
        self,
        file: Path,
        container: Container,
        sink: FileSink,
        resume: Resume | None,
        progress: Callable[[FileProgress], None],
    ) -> FileOutcome:
        """Make one pass; when cancelled, the worker is gone before this returns.

        Args:
            container: as our own look at the file found it.
            resume: what earlier passes left; None for the first one.
            progress: called now and then.

        Raises:
            Refused: the file cannot be used, whoever tries.
            FileWorkerFailed: another attempt may succeed.
            OSError: the file cannot be read, or the sink cannot take more.
        """
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            orders = Orders(container, descriptor, cpu_seconds_max(size))
            worker = await self._start(orders)
        finally:
            os.close(descriptor)
        one_pass = _Pass(worker, self._settings, sink, resume, longest_end(size), progress)
        try:
            async with aclosing(self._messages(worker)) as messages:
                return await one_pass.run(messages)
        except (MalformedMessage, Untrustworthy, MalformedDescription) as reason:
            raise FileWorkerFailed(f"the worker made no sense: {reason}") from reason
        except (TimeoutError, WorkerGone, _EndedEarly) as reason:
            if await worker.end() == -signal.SIGXCPU:
                # The same bytes would take as long again.
                raise Refused(RefusalCode.TOO_SLOW) from reason
            raise FileWorkerFailed("the worker hung or was gone") from reason
        finally:
            code = await to_the_end(worker.end(), name="end of a file worker")
            log.info("file worker ended", worker=worker.process_id, code=code)

    async def _start(self, orders: Orders) -> WorkerProcess:
        command = (
            *self._command,
            *orders.arguments(),
            minimum_option(self._settings.jail_minimum),
        )
        try:
            return await WorkerProcess.start(command, self._clock, descriptors=(orders.descriptor,))
        except OSError as reason:
            raise FileWorkerFailed(f"the worker could not be started: {reason}") from reason

    async def _messages(self, worker: WorkerProcess) -> AsyncGenerator[Message]:
        """What the worker says; time in which nobody listens does not count as silence.

        Raises:
            TimeoutError: it says nothing for too long.
        """
        async with aclosing(worker.messages()) as messages:
            while True:
                try:
                    async with asyncio.timeout(self._hang_ms / 1000):
                        message = await anext(messages)
                except StopAsyncIteration:
                    return
                yield message


class _Pass:
    """What a worker says, from its start to its end."""

    def __init__(
        self,
        worker: WorkerProcess,
        settings: FileSettings,
        sink: FileSink,
        resume: Resume | None,
        end_max: int,
        progress: Callable[[FileProgress], None],
    ) -> None:
        self._worker = worker
        self._settings = settings
        self._sink = sink
        self._resume = resume
        self._end_max = end_max
        self._progress = progress
        self._description: FileDescription | None = None
        self._examiner: Examiner | None = None
        self._packets = 0

    async def run(self, messages: AsyncIterator[Message]) -> FileOutcome:
        async for message in messages:
            if isinstance(message, Finished):
                return self._outcome()
            await self._take(message)
        raise _EndedEarly

    async def _take(self, message: Message) -> None:
        match message:
            case Encoded():
                self._take_packet(message)
                await self._sink.drained()
            case Picture():
                self._sink.picture(self._examined().picture(message))
                await self._sink.drained()
            case Captioned():
                self._sink.captions(self._examined().captions(message))
                await self._sink.drained()
            case Described(description):
                await self._configure(description)
            case Opened():
                self._sink.begin(self._examined().opened(message))
            case Refusal(code, detail):
                raise _refused(code, detail)
            case Position():
                pass
            case _:
                raise MalformedMessage(f"{type(message).__name__} comes from servers only")

    async def _configure(self, data: bytes) -> None:
        if self._description is not None:
            raise MalformedMessage("a file is described once")
        description = description_from_bytes(data)
        self._description = description
        plan = plan_pass(description, self._settings, self._resume, self._end_max)
        self._examiner = Examiner(plan)
        self._report()
        await self._worker.send(Configure(plan_to_bytes(plan)))

    def _take_packet(self, message: Encoded) -> None:
        checked = self._examined().packet(message)
        if checked is None:
            return
        self._sink.packet(*checked)
        self._packets += 1
        if self._packets % _PROGRESS_PACKETS == 0:
            self._report()

    def _examined(self) -> Examiner:
        if self._examiner is None:
            raise MalformedMessage("the file was not described")
        return self._examiner

    def _report(self) -> None:
        assert self._description is not None
        duration = max(1, self._end() - TIMELINE_START)
        self._progress(
            FileProgress(
                {
                    **dict.fromkeys(self._outputs(self._description), 0),
                    **dict.fromkeys(self._earlier(), _WHOLE),
                    **{
                        name: min(_WHOLE, max(0, reached - TIMELINE_START) * _WHOLE // duration)
                        for name, reached in self._examined().progress.items()
                    },
                }
            )
        )

    def _outputs(self, description: FileDescription) -> tuple[str, ...]:
        return all_outputs(description, self._settings, self._end_max)

    def _earlier(self) -> tuple[str, ...]:
        """What earlier passes made."""
        return () if self._resume is None else self._resume.renditions

    def _end(self) -> int:
        assert self._description is not None
        return min(self._description.end, self._end_max)

    def _outcome(self) -> FileOutcome:
        if self._description is None:
            raise MalformedMessage("a file is done that was not described")
        done = {*self._examined().progress, *self._earlier()}
        outputs = self._outputs(self._description)
        self._progress(
            FileProgress({name: _WHOLE if name in done else 0 for name in (*outputs, *done)})
        )
        return FileOutcome(
            duration_ticks=self._end() - TIMELINE_START,
            remaining=tuple(name for name in outputs if name not in done),
        )


def _refused(code: str, detail: str) -> Refused:
    try:
        return refused_from_worker(code, detail)
    except ValueError as reason:
        raise MalformedMessage(f"there is no refusal {code!r}") from reason
