"""The main process's answers to a serving process, out of the one library and the one meter."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from api.delivery.playback import Clients, Metering
from api.serving.messages import (
    Answer,
    Ask,
    Asked,
    AssetIs,
    Await,
    Came,
    Done,
    FileIs,
    FindAsset,
    Finish,
    Look,
    PlaylistIs,
    ReadFile,
    ReadPlaylist,
    Told,
    Version,
    Waits,
    Waive,
)
from api.serving.refusals import EXPECTED, refusal
from config.tasks import spawn
from metering.errors import NotHere, SessionClosed
from metering.intake import Delivery
from packager.naming import PlaylistPath, parse_path
from packager.package import Package, UnknownAsset, UnknownRendition, UnknownSegment
from packager.playlist_text import PlaylistText

_HASHES = 2**64


class Packages(Protocol):
    """Where packages are found; `packager.library.Library` is one."""

    def at_hand(self, asset_id: str) -> Package | None:
        """One that is in memory."""

    async def get(self, asset_id: str) -> Package | None:
        """One that exists."""


class Desk:
    """What one serving process has under way here; `close` ends all of it.

    Args:
        send: passes an answer on to the serving process.
        clients: None where sessions are for any client.
    """

    def __init__(
        self,
        packages: Packages,
        metering: Metering,
        send: Callable[[Answer], None],
        clients: Clients | None = None,
    ) -> None:
        self._packages = packages
        self._metering = metering
        self._send = send
        self._clients = clients
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._arrivals: dict[int, Callable[[], None]] = {}

    def receive(self, asked: Asked | Told) -> None:
        """Take the next question; it is answered now or later."""
        if isinstance(asked, Finish):
            self._finish(asked)
            return
        if isinstance(asked, Waive):
            with contextlib.suppress(SessionClosed):  # it has ended meanwhile
                self._metering.waive(*asked)
            return
        try:
            later = self._answer(asked)
        except EXPECTED as error:
            self._send(refusal(asked.id, error))
            return
        if later is not None:
            self._work(asked.id, later)

    def close(self) -> None:
        """The serving process has gone: what it was still sending did not arrive."""
        for task in self._tasks.values():
            task.cancel()
        for forget in self._arrivals.values():
            forget()
        self._arrivals.clear()
        for delivery in self._deliveries.values():
            self._metering.finish(delivery, complete=False)
        self._deliveries.clear()

    # --- kinds of questions ----------------------------------------------------------------------

    def _answer(self, asked: Asked) -> Coroutine[Any, Any, None] | None:
        """Answer at once, or return what will."""
        match asked:
            case Ask():
                return self._ask(asked)
            case Look():
                return self._look(asked)
            case _:
                package = self._packages.at_hand(asked.asset_id)
                return self._of(asked, package) if package else self._of_another(asked)

    def _of(
        self, asked: FindAsset | ReadPlaylist | Await | ReadFile, package: Package
    ) -> Coroutine[Any, Any, None] | None:
        match asked:
            case FindAsset(number, _):
                stable = package.live or package.settled
                self._send(AssetIs(number, stable, package.whole))
            case ReadPlaylist():
                self._read_playlist(asked, package)
            case Await():
                self._await(asked, package)
            case ReadFile():
                return self._read_file(asked, package)
        return None

    async def _of_another(self, asked: FindAsset | ReadPlaylist | Await | ReadFile) -> None:
        """The same, of an asset that has to be opened first."""
        package = await self._packages.get(asked.asset_id)
        if package is None:
            raise UnknownAsset(asked.asset_id)
        later = self._of(asked, package)
        if later is not None:
            await later

    # --- the meter -------------------------------------------------------------------------------

    def _look(self, look: Look) -> Coroutine[Any, Any, None] | None:
        try:
            self._looked(look)
        except NotHere:
            return self._look_later(look)
        return None

    async def _look_later(self, look: Look) -> None:
        await self._metering.locate(look.session_id)
        self._looked(look)

    def _looked(self, look: Look) -> None:
        number, session_id, present = look
        if present:
            self._metering.look(session_id)
        else:
            self._metering.require_open(session_id)
        self._send(Done(number))

    def _ask(self, ask: Ask) -> Coroutine[Any, Any, None] | None:
        number, session_id, sequence, start, end, prompt, height, client = ask
        metering = self._metering
        if self._clients is not None:
            self._clients.admit(session_id, client, start, end, height)
        delivery = metering.request_at_once(
            session_id, sequence, start, end, prompt=prompt, height=height
        )
        if delivery is None:
            return self._ask_later(ask)
        self._allow(number, delivery)
        return None

    async def _ask_later(self, ask: Ask) -> None:
        number, session_id, sequence, start, end, _, height, _ = ask
        delivery = await self._metering.request(
            session_id, sequence, start, end, prompt=False, height=height
        )
        self._allow(number, delivery)

    def _allow(self, number: int, delivery: Delivery) -> None:
        self._deliveries[number] = delivery
        self._send(Done(number))

    def _finish(self, finish: Finish) -> None:
        delivery = self._deliveries.pop(finish.id, None)
        if delivery is not None:
            self._metering.finish(delivery, finish.complete, finish.taken)
        elif (task := self._tasks.get(finish.id)) is not None:
            task.cancel()

    # --- packages --------------------------------------------------------------------------------

    def _read_playlist(self, read: ReadPlaylist, package: Package) -> None:
        path = parse_path(read.path)
        if not isinstance(path, PlaylistPath):
            raise UnknownRendition(read.path)
        version = _version(package, path, skip=read.skip)
        is_known = version.number == read.known
        self._send(Done(read.id) if is_known else PlaylistIs(read.id, version))

    def _await(self, wait: Await, package: Package) -> None:
        arrival = package.arrival(wait.rendition, wait.sequence, wait.part)
        if arrival is None:
            self._send(_came(wait, package))
            return
        self._send(Waits(wait.id))

        def come() -> None:
            self._arrivals.pop(wait.id, None)
            self._send(_came(wait, package))

        self._arrivals[wait.id] = partial(arrival.forget, come)
        arrival.then(come)

    def _read_file(self, read: ReadFile, package: Package) -> Coroutine[Any, Any, None] | None:
        path = parse_path(read.path)
        if path is None or isinstance(path, PlaylistPath):
            raise UnknownSegment(read.path)
        file = package.file_at_hand(path)
        if file is not None:
            self._send(FileIs(read.id, file))
            return None

        async def read_later() -> None:
            self._send(FileIs(read.id, await package.file(path)))

        return read_later()

    # --- tasks -----------------------------------------------------------------------------------

    def _work(self, number: int, later: Coroutine[Any, Any, None]) -> None:
        task = spawn(self._told(number, later), name=f"question {number} of a serving process")
        self._tasks[number] = task
        task.add_done_callback(partial(self._worked, number))

    async def _told(self, number: int, later: Coroutine[Any, Any, None]) -> None:
        try:
            await later
        except EXPECTED as error:
            self._send(refusal(number, error))

    def _worked(self, number: int, task: asyncio.Task[None]) -> None:
        del self._tasks[number]
        if task.cancelled():
            return
        error = task.exception()  # one that nobody expected, and that was logged
        if isinstance(error, Exception):
            self._send(refusal(number, error))


def _came(wait: Await, package: Package) -> Came:
    path = PlaylistPath(wait.rendition)
    return Came(
        wait.id,
        _version_if(package, path, wanted=wait.plain, skip=False),
        _version_if(package, path, wanted=wait.skip, skip=True),
    )


def _version_if(
    package: Package, path: PlaylistPath, *, wanted: bool, skip: bool
) -> Version | None:
    """None also where there is none now; who asks for it is told why."""
    try:
        return _version(package, path, skip=skip) if wanted else None
    except EXPECTED:
        return None


def _version(package: Package, path: PlaylistPath, *, skip: bool) -> Version:
    if path.rendition is None:
        text = PlaylistText(((0, (package.multivariant(),)),))
    else:
        text = package.playlist(path, skip=skip)
    # Strings' hashes are secret and of 64 bits: no two versions of a playlist share one.
    return Version(hash(text.runs) % _HASHES or 1, package.settled, text)
