"""A serving process's packages and meter against the main process's desk, without the socket."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from api.delivery.not_at_hand import NotAtHand
from api.serving.codec import Reader, pieces
from api.serving.desk import Desk
from api.serving.messages import Asked, Finish, Message
from api.serving.questions import Questions, Told
from api.serving.refusals import MainProcessFailed
from api.serving.remote_metering import RemoteMetering
from api.serving.remote_package import RemotePackage
from api.serving.remote_packages import RemotePackages
from config.clock import ManualClock
from config.limits import SERVING_LOOK_MS, SERVING_PLAYLIST_FRESH_MS
from metering.errors import InsufficientFunds, Overloaded, Paced, SessionClosed, UnknownSession
from metering.intake import Delivery
from metering.money import Stroops
from packager.naming import CaptionPath, PlaylistPath, SegmentPath
from packager.package import BadReload, UnknownRendition, UnknownSegment
from tests.api.delivery.site import ASSET, RENDITION, Film

_PLAYLIST = PlaylistPath(RENDITION)
_SESSION = "ses_1"
_QUESTIONS_MAX = 30


@dataclass
class Meter:
    """Answers what the test says, when it says so."""

    closed: set[str] = field(default_factory=set)
    leave: Exception | None = None
    at_once: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    looks: list[str] = field(default_factory=list)
    waived: list[tuple[int, int]] = field(default_factory=list)
    under_way: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    finished: list[tuple[int, bool]] = field(default_factory=list)
    asked: int = 0

    def look(self, session_id: str) -> None:
        self.require_open(session_id)
        self.looks.append(session_id)

    def require_open(self, session_id: str) -> None:
        if session_id in self.closed:
            raise SessionClosed(session_id)

    async def locate(self, session_id: str) -> None:
        self.require_open(session_id)

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        self.require_open(session_id)
        self.waived.append((lo, hi))

    def request_at_once(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery | None:
        return (
            self._delivery(session_id, (sequence, lo, hi, height))
            if self.at_once and prompt
            else None
        )

    def request_soon(self, *_: object, **__: object) -> None:
        """Everything waits for the gate."""

    async def request(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery:
        await self.gate.wait()
        if self.leave is not None:
            raise self.leave
        return self._delivery(session_id, (sequence, lo, hi, height))

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        del self.under_way[delivery.ticket]
        self.finished.append((delivery.sequence, complete))

    def _delivery(self, session_id: str, file: tuple[int, int, int, int]) -> Delivery:
        self.asked += 1
        self.under_way[self.asked] = file
        return Delivery(session_id, file[0], self.asked)


class Pair:
    """Both ends, and every message between them as bytes; each takes a turn of the loop."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.film = Film()
        self.meter = Meter()
        self.meter.gate.set()
        self.said: Counter[str] = Counter()
        self.desk = Desk(self, self.meter, lambda answer: self._pass(answer, self._answered))
        self.questions = Questions(self._ask, _QUESTIONS_MAX)
        self.packages = RemotePackages(self.questions, self.clock)
        self.metering = RemoteMetering(self.questions, self._ask, self.clock)

    def at_hand(self, asset_id: str) -> Film | None:
        return self.film if asset_id == ASSET and self.film.at_hand else None

    async def get(self, asset_id: str) -> Film | None:
        return self.film if asset_id == ASSET else None

    async def package(self) -> RemotePackage:
        package = await self.packages.get(ASSET)
        assert package is not None
        return package

    def _ask(self, message: Message) -> None:
        self._pass(message, lambda asked: self.desk.receive(cast(Asked | Finish, asked)))

    def _answered(self, message: Message) -> None:
        self.questions.receive(cast(Told, message))

    def _pass(self, message: Message, receive: Callable[[Message], None]) -> None:
        self.said[type(message).__name__] += 1
        (passed,) = Reader(1 << 24).feed(b"".join(pieces(message)))
        asyncio.get_running_loop().call_soon(receive, passed)


async def turns(count: int = 8) -> None:
    """Let both ends say what they have to say."""
    for _ in range(count):
        await asyncio.sleep(0)


async def at_hand[T](step: Callable[[], T]) -> T:
    """What a step comes to, when all that it needs was fetched."""
    while True:
        try:
            return step()
        except NotAtHand as missing:
            await missing.fetched()


async def together[T](count: int, work: Callable[[], Awaitable[T]]) -> list[T]:
    return await asyncio.gather(*(work() for _ in range(count)))


# --- packages ------------------------------------------------------------------------------------


async def test_what_many_want_is_asked_once_and_what_does_not_change_is_kept() -> None:
    pair = Pair()
    packages = await together(20, pair.package)
    assert {id(package) for package in packages} == {id(packages[0])}
    package = packages[0]
    path = SegmentPath(RENDITION, 1)
    files = await together(20, lambda: package.file(path))
    assert files == [await pair.film.file(path)] * 20
    assert package.file_at_hand(path) == files[0]
    assert await package.file(path) == files[0]
    texts = await together(20, lambda: at_hand(lambda: package.playlist(_PLAYLIST)))
    assert texts == [pair.film.playlist(_PLAYLIST)] * 20
    assert await at_hand(package.multivariant) == pair.film.multivariant()
    assert (pair.said["FindAsset"], pair.said["ReadFile"], pair.said["ReadPlaylist"]) == (1, 1, 2)


async def test_a_playlist_is_asked_about_when_it_may_have_changed() -> None:
    pair = Pair()
    package = await pair.package()
    before = await at_hand(lambda: package.playlist(_PLAYLIST))
    pair.clock.advance(SERVING_PLAYLIST_FRESH_MS - 1)
    assert package.playlist(_PLAYLIST) == before
    pair.clock.advance(1)
    assert await at_hand(lambda: package.playlist(_PLAYLIST)) is before
    assert pair.said["PlaylistIs"] == 1  # it was not sent again
    pair.clock.advance(SERVING_PLAYLIST_FRESH_MS)
    pair.film.add()
    assert await at_hand(lambda: package.playlist(_PLAYLIST)) == pair.film.playlist(_PLAYLIST)
    skipped = await at_hand(lambda: package.playlist(_PLAYLIST, skip=True))
    assert skipped == pair.film.playlist(_PLAYLIST, skip=True)


async def test_whoever_waits_is_told_with_the_playlist_that_says_so() -> None:
    pair = Pair()
    package = await pair.package()
    await at_hand(lambda: package.playlist(_PLAYLIST))
    pair.clock.advance(SERVING_PLAYLIST_FRESH_MS)
    arrival = package.arrival(RENDITION, 3, None)
    assert arrival is not None
    assert package.arrival(RENDITION, 3, None) is arrival
    await turns()
    assert len(pair.film.coming) == 1
    pair.film.add()
    await turns()
    assert arrival.came
    # All that the released need is there: nobody asks anything.
    said = pair.said.total()
    for sequence, part in ((3, None), (2, 7), (0, None)):
        assert package.arrival(RENDITION, sequence, part) is None
    assert package.playlist(_PLAYLIST) == pair.film.playlist(_PLAYLIST)
    assert pair.said.total() == said
    # How many parts a whole segment has only the main process knows.
    assert package.arrival(RENDITION, 3, 99) is not None


async def test_what_is_there_already_is_told_at_once_and_what_is_too_far_is_refused_once() -> None:
    pair = Pair()
    package = await pair.package()
    there, far = package.arrival(RENDITION, 1, 0), package.arrival(RENDITION, 99, None)
    await turns()
    assert there is not None
    assert far is not None
    assert there.came
    assert far.came
    assert package.arrival(RENDITION, 1, 0) is None
    with pytest.raises(BadReload, match="too far ahead"):
        package.arrival(RENDITION, 99, None)
    pair.clock.advance(SERVING_PLAYLIST_FRESH_MS)
    assert package.arrival(RENDITION, 99, None) is not None  # it is asked again


async def test_what_is_not_there_is_told_as_the_main_process_tells_it() -> None:
    pair = Pair()
    assert await pair.packages.get("ast_unknown") is None
    package = await pair.package()
    with pytest.raises(UnknownRendition):
        await at_hand(lambda: package.playlist(PlaylistPath("4320p")))
    with pytest.raises(UnknownSegment):
        await package.file(SegmentPath(RENDITION, 99))
    pair.film.at_hand = False  # it is opened first
    assert (await package.file(SegmentPath(RENDITION, 2))).charge is not None


async def test_names_of_what_is_being_made_and_of_captions_may_mean_something_else_soon() -> None:
    pair = Pair()
    captions = CaptionPath(RENDITION, 0)
    package = await pair.package()
    with pytest.raises(UnknownSegment):
        await package.file(captions)
    assert package.file_at_hand(captions) is None
    pair = Pair()
    pair.film.live, pair.film.growing = False, True
    package = await pair.package()
    await package.file(SegmentPath(RENDITION, 1))
    assert package.file_at_hand(SegmentPath(RENDITION, 1)) is None
    assert pair.packages.at_hand(ASSET) is package
    pair.clock.advance(SERVING_LOOK_MS)
    assert pair.packages.at_hand(ASSET) is None
    pair.film.growing, pair.film.settled = False, True
    assert await pair.package() is package
    await package.file(SegmentPath(RENDITION, 1))
    assert package.file_at_hand(SegmentPath(RENDITION, 1)) is not None


# --- the meter -----------------------------------------------------------------------------------


async def test_media_is_allowed_sent_and_finished_as_in_one_process() -> None:
    pair = Pair()
    delivery = await pair.metering.request(_SESSION, 4, 10, 20, height=720)
    assert list(pair.meter.under_way.values()) == [(4, 10, 20, 720)]
    pair.metering.finish(delivery, complete=True)
    pair.meter.gate.clear()
    pair.meter.at_once = True
    prompt = await pair.metering.request(_SESSION, 5, 20, 21, prompt=True)
    pair.metering.finish(prompt, complete=False)
    await turns()
    assert pair.meter.finished == [(4, True), (5, False)]
    assert pair.meter.under_way == {}


async def test_what_is_given_for_nothing_is_told_the_one_meter() -> None:
    pair = Pair()
    await at_hand(lambda: pair.metering.waive(_SESSION, 10, 20))
    await turns()
    pair.meter.closed.add(_SESSION)
    pair.metering.waive(_SESSION, 20, 30)
    await turns()
    assert pair.meter.waived == [(10, 20)]


@pytest.mark.parametrize("refusal", [InsufficientFunds(Stroops(7), Stroops(3), "USDC"), Paced(4)])
async def test_a_refusal_is_the_meters_own(refusal: Exception) -> None:
    pair = Pair()
    pair.meter.leave = refusal
    with pytest.raises(type(refusal)) as told:
        await pair.metering.request(_SESSION, 4, 10, 20)
    assert (vars(told.value), str(told.value)) == (vars(refusal), str(refusal))


async def test_whoever_goes_while_the_meter_thinks_leaves_nothing_under_way() -> None:
    """At each turn of the way there and back."""
    for patience in range(8):
        pair = Pair()
        pair.meter.gate.clear()
        request = asyncio.ensure_future(pair.metering.request(_SESSION, 4, 10, 20))
        await turns(2)
        pair.meter.gate.set()
        await turns(patience)
        request.cancel()
        await asyncio.wait({request})
        if not request.cancelled():
            pair.metering.finish(request.result(), complete=False)
        await turns()
        assert (pair.meter.under_way, len(pair.questions)) == ({}, 0)


async def test_what_a_process_was_sending_when_it_died_is_not_billed() -> None:
    pair = Pair()
    await pair.metering.request(_SESSION, 1, 0, 10)
    pair.meter.gate.clear()
    waiting = asyncio.ensure_future(pair.metering.request(_SESSION, 2, 10, 20))
    package = await pair.package()
    package.arrival(RENDITION, 3, None)
    await turns()
    assert len(pair.film.coming) == 1
    pair.desk.close()
    await turns()
    pair.meter.gate.set()
    await turns()
    assert pair.meter.finished == [(1, False)]
    assert (pair.meter.under_way, len(pair.film.coming)) == ({}, 0)
    waiting.cancel()
    await asyncio.wait({waiting})


async def test_the_main_process_hears_of_a_player_once_a_second_and_tells_when_it_is_over() -> None:
    pair = Pair()
    await together(5, lambda: at_hand(lambda: pair.metering.look(_SESSION)))
    assert pair.meter.looks == [_SESSION]
    pair.clock.advance(SERVING_LOOK_MS)
    pair.metering.look(_SESSION)
    pair.metering.look(_SESSION)
    await turns()
    assert pair.meter.looks == [_SESSION] * 2
    pair.metering.require_open(_SESSION)
    pair.meter.closed.add(_SESSION)
    pair.clock.advance(SERVING_LOOK_MS)
    with pytest.raises(SessionClosed):
        await at_hand(lambda: pair.metering.require_open(_SESSION))
    pair.metering.look(_SESSION)
    await turns()
    with pytest.raises(SessionClosed):
        await at_hand(lambda: pair.metering.look(_SESSION))


async def test_what_breaks_in_the_main_process_breaks_one_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pair = Pair()
    pair.meter.leave = ZeroDivisionError()
    with pytest.raises(MainProcessFailed, match="ZeroDivisionError"):
        await pair.metering.request(_SESSION, 4, 10, 20)
    assert "ZeroDivisionError" in capsys.readouterr().out
    pair.meter.leave = UnknownSession(_SESSION)
    with pytest.raises(UnknownSession):
        await pair.metering.request(_SESSION, 4, 10, 20)


async def test_too_many_questions_are_refused_here() -> None:
    pair = Pair()
    pair.meter.gate.clear()
    waiting = [
        asyncio.ensure_future(pair.metering.request(_SESSION, number, 0, 1))
        for number in range(_QUESTIONS_MAX)
    ]
    await turns(2)
    with pytest.raises(Overloaded):
        await pair.metering.request(_SESSION, 1, 0, 1)
    with pytest.raises(Overloaded):
        pair.metering.look(_SESSION)
    for request in waiting:
        request.cancel()
    await asyncio.wait(waiting)
    await turns()
    assert pair.meter.under_way == {}
