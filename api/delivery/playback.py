"""What a viewer may have of an asset, and what is billed for it: the rules of both senders."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from api.auth.client import Sender
from api.auth.playback_token import (
    Grant,
    PlaybackTokens,
    TokenExpired,
    TokenRefused,
    WrongAsset,
)
from api.delivery.answer import CORS, PREFLIGHT, PRIVATE, Answer, kind, with_body
from api.delivery.elsewhere import redirect
from api.delivery.file_answer import file_answer
from api.delivery.not_at_hand import NotAtHand
from api.delivery.public import public_at_once, public_later
from api.delivery.reload import Found, Reload
from api.delivery.request import MediaRequest
from api.errors import Problem, forbidden, not_found, unavailable
from config.clock import Clock
from config.tasks import happens
from metering.errors import MeteredElsewhere, NotHere
from metering.intake import Delivery, Promise
from metering.waiting import Saved
from packager.arrival import Arrival
from packager.naming import FilePath, InitPath, PartPath, PlaylistPath, SegmentPath
from packager.package import BadReload, Charge, MediaFile, UnknownRendition
from packager.playlist_text import PlaylistText, token_group

_make = tuple.__new__
_PLAYLIST = kind(
    200, ("Content-Type", "application/vnd.apple.mpegurl"), ("Cache-Control", PRIVATE), *CORS
)


class Playable(Protocol):
    """What is asked of a package; see `packager.package.Package`, which is one."""

    @property
    def whole(self) -> bool:
        """Whether all servers have the same of it."""

    def multivariant(self) -> bytes: ...
    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText: ...
    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None: ...
    def file_at_hand(self, path: FilePath) -> MediaFile | None: ...
    async def file(self, path: FilePath) -> MediaFile: ...


class Packages(Protocol):
    """Where packages are found; `packager.library.Library` is one."""

    def at_hand(self, asset_id: str) -> Playable | None:
        """One that is in memory."""

    async def get(self, asset_id: str) -> Playable | None:
        """One that exists."""


class Metering(Protocol):
    """Who decides whether a session may have something; `metering.intake.Intake` is one."""

    def look(self, session_id: str) -> None:
        """Raises: SessionClosed, NotHere."""

    def require_open(self, session_id: str) -> None:
        """Raises: SessionClosed, NotHere."""

    async def locate(self, session_id: str) -> None:
        """Return when the session takes requests here.

        Raises: SessionClosed, UnknownSession, MeteredElsewhere.
        """

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        """Something is missing in this media by our own fault: it is sent for nothing.

        Raises: SessionClosed, NotHere.
        """

    def request_at_once(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery | None:
        """Leave to send, when that needs no waiting; None: use one of the others."""

    def request_soon(
        self, session_id: str, sequence: int, lo: int, hi: int, *, height: int
    ) -> Promise | None:
        """Leave to send what is not prompt, when that is saved; None: use `request`."""

    async def request(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery:
        """Raises: what `metering.errors` has."""

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        """The socket took every byte, or so many thousandths of the file before the viewer left;
        nothing of what we did not send to its end.
        """


class Clients(Protocol):
    """Which clients a session is for; `api.auth.session_clients.SessionClients` knows."""

    def admit(self, session_id: str, client: int, start: int, end: int, height: int) -> None:
        """Raises: PlayedElsewhere."""


class Peer(Protocol):
    """Who is at the other end of a connection."""

    def client(self, sender: Sender) -> int:
        """The client that sends a request which says so much of it, as `api.auth.client` has it."""


class _Unseen:
    def client(self, sender: Sender) -> int:
        del sender
        return 0


_UNSEEN = _Unseen()


class Waiting(Protocol):
    """Ask `again` when it has come; it is not waited for longer than `Playback.patience_ms`."""

    @property
    def arrival(self) -> Arrival: ...

    def again(self, date_line: bytes) -> "Outcome | bytes":
        """What `Playback.at_once` would tell, or all that is sent, with this line in it. Of a
        thousand that are answered together each has shown its token, and found its package, when
        it began to wait.
        """


class _Hinted(NamedTuple):
    """A part that is waited for."""

    arrival: Arrival
    at_once: "Callable[[], Outcome]"

    def again(self, date_line: bytes) -> "Outcome":
        del date_line  # it is answered like one that was there
        return self.at_once()


class Promised(NamedTuple):
    """What is answered when `saved` is done, unless that fails: then the answer's delivery is
    finished, and its exception answered.
    """

    answer: Answer
    saved: Saved


Outcome = Answer | Waiting | Promised | None
"""What is said at once. None: it needs `Playback.later`."""


class Playback:
    """Answers requests for media.

    Args:
        patience_ms: how long a playlist, or a part that was hinted at, is waited for: three target
            durations (rfc8216bis, 6.2.5.2).
        clients: None where sessions are for any client.
    """

    def __init__(
        self,
        packages: Packages,
        metering: Metering,
        tokens: PlaybackTokens,
        clock: Clock,
        patience_ms: int,
        clients: Clients | None = None,
    ) -> None:
        self._packages = packages
        self._metering = metering
        self._tokens = tokens
        self._clock = clock
        self._clients = clients
        self.patience_ms = patience_ms
        self.finish = metering.finish
        """For senders, of each answer that has a delivery: how much of it the socket took."""

    def at_once(self, request: MediaRequest, peer: Peer = _UNSEEN) -> Outcome:
        """Answer from memory. None: it needs `later`.

        Raises: what `api.failures` has an answer to.
        """
        if request.method == "OPTIONS":
            return PREFLIGHT
        grant = None if request.token is None else self._grant(request)
        package = self._packages.at_hand(request.asset)
        if package is None:
            return None
        if grant is None:
            return public_at_once(request, package)
        path = request.target.path
        try:
            if isinstance(path, PlaylistPath):
                return self._playlist(request, path, package, grant)
            return self._file_at_once(request, package, grant, peer)
        except (NotAtHand, NotHere):
            return None

    async def answer(self, request: MediaRequest, peer: Peer = _UNSEEN) -> Answer:
        """Answer. Raises: what `api.failures` has an answer to."""
        answer = self.at_once(request, peer)
        if isinstance(answer, Answer):
            return answer
        if isinstance(answer, Promised):
            return await self._kept(answer)
        return await self.later(request, peer)

    async def _kept(self, promised: Promised) -> Answer:
        answer, is_kept = promised.answer, False
        try:
            await promised.saved
            is_kept = True
        finally:
            if not is_kept and answer.delivery is not None:
                self.finish(answer.delivery, complete=False)
        return answer

    async def later(self, request: MediaRequest, peer: Peer = _UNSEEN) -> Answer:
        """Answer, after reading the archive or waiting for the meter if that is needed.

        Raises: what `api.failures` has an answer to.
        """
        grant = None if request.token is None else self._grant(request)
        package = await self._packages.get(request.asset)
        try:
            if grant is not None and package is None:
                await self._metering.locate(grant.session_id)  # it may be where its asset is
            if package is None:
                raise not_found("nothing is packaged under this id yet")
            if grant is None:
                return await public_later(request, package)
            return await self._fetched(request, package, grant, peer)
        except MeteredElsewhere as elsewhere:
            assert grant is not None, "what is public is nobody's session's"
            return await self._of_another(request, package, grant, elsewhere)

    def too_late(self) -> Problem:
        """What did not come in time, though it was announced."""
        return unavailable("what this waits for did not come in time", retry_after_s=1)

    # --- rights ----------------------------------------------------------------------------------

    def _grant(self, request: MediaRequest) -> Grant:
        """Raises: Problem: the token opens nothing, or not this."""
        assert request.token is not None, "without a token it is public"
        try:
            now_s = self._clock.wall_ms() // 1000
            grant = self._tokens.read(request.token, request.asset, now_s)
        except TokenExpired:
            raise Problem(401, "token_expired", "The session's time is over") from None
        except WrongAsset:
            raise forbidden("this session is for another asset") from None
        except TokenRefused:
            raise Problem(401, "token_refused", "The session token is not valid") from None
        path = request.target.path
        if path is None:
            raise not_found("no such file")
        if grant.group is not None and isinstance(path, PlaylistPath | InitPath):
            raise forbidden("this token is for other files")
        return grant

    # --- packages --------------------------------------------------------------------------------

    async def _fetched(
        self, request: MediaRequest, package: Playable, grant: Grant, peer: Peer
    ) -> Answer:
        path = request.target.path
        while True:
            try:
                if not isinstance(path, PlaylistPath):
                    return await self._file_later(request, package, grant, peer)
                answer = self._playlist(request, path, package, grant)
                if isinstance(answer, Answer):
                    return answer
                await self._came(answer.arrival)
            except NotAtHand as missing:
                await missing.fetched()
            except NotHere:
                await self._metering.locate(grant.session_id)

    async def _of_another(
        self,
        request: MediaRequest,
        package: Playable | None,
        grant: Grant,
        elsewhere: MeteredElsewhere,
    ) -> Answer:
        """What is of a session that another server meters. Playlists that do not change are told by
        whoever is asked, so that a player goes on asking where it began: its server may end. The
        rest has to be asked for there.

        Raises:
            MeteredElsewhere: nobody knows where that is.
        """
        path = request.target.path
        while package is not None and package.whole and isinstance(path, PlaylistPath):
            try:
                return self._shown(request, path, package, grant)
            except NotAtHand as missing:
                await missing.fetched()
        if not str(elsewhere):
            raise elsewhere
        return redirect(request, str(elsewhere))

    async def _came(self, arrival: Arrival) -> None:
        came = asyncio.Event()
        arrival.then(came.set)
        try:
            if not await happens(came, self.patience_ms / 1000):
                raise self.too_late()
        finally:
            arrival.forget(came.set)

    # --- playlists -------------------------------------------------------------------------------

    def _playlist(
        self, request: MediaRequest, path: PlaylistPath, package: Playable, grant: Grant
    ) -> Answer | Waiting:
        self._metering.look(grant.session_id)
        reload = request.target.reload
        if reload.complaint and path.rendition is not None:
            raise BadReload(reload.complaint)
        if reload.sequence is not None and path.rendition is not None:
            arrival = package.arrival(path.rendition, reload.sequence, reload.part)
            if arrival is not None:
                ask = partial(self._reloaded, request, path, package, grant, arrival)
                return self._reload(request, grant, arrival, ask)
        return self._shown(request, path, package, grant)

    def _shown(
        self, request: MediaRequest, path: PlaylistPath, package: Playable, grant: Grant
    ) -> Answer:
        """A playlist as it is now."""
        if path.rendition is None:
            return with_body(_PLAYLIST, package.multivariant(), request.method)
        text = package.playlist(path, skip=request.target.reload.skip)
        return self._filled(request, text, grant)

    def _reload(
        self,
        request: MediaRequest,
        grant: Grant,
        arrival: Arrival,
        ask: Callable[[bytes], Outcome],
    ) -> Reload[Outcome]:
        is_alike = request.method == "GET" and not request.closes
        target, group = request.target, token_group(request.target.reload.sequence or 0)
        return Reload(
            arrival,
            target if is_alike else None,
            grant.session_id,
            group,
            self._tokens.media_token(grant, request.asset, group),
            self._metering.look,
            ask,
        )

    def _reloaded(
        self,
        request: MediaRequest,
        path: PlaylistPath,
        package: Playable,
        grant: Grant,
        arrival: Arrival,
        date_line: bytes,
    ) -> Outcome:
        """Who is told first asks for the playlist; it is that of all who asked for the same."""
        found = arrival.found
        try:
            if isinstance(found, Found) and found.target is request.target:
                self._metering.look(grant.session_id)
                return self._filled(request, found.text, grant)
            answer = self._playlist(request, path, package, grant)
            if isinstance(answer, Answer):
                text = package.playlist(path, skip=request.target.reload.skip)
                arrival.found = Found.by(request, text, answer, date_line)
        except (NotAtHand, NotHere):
            return None
        return answer

    def _filled(self, request: MediaRequest, text: PlaylistText, grant: Grant) -> Answer:
        tokens, asset = self._tokens, request.asset
        body = text.fill(lambda group: tokens.media_token(grant, asset, group))
        return with_body(_PLAYLIST, body, request.method)

    # --- files -----------------------------------------------------------------------------------

    def _file_at_once(
        self, request: MediaRequest, package: Playable, grant: Grant, peer: Peer
    ) -> Outcome:
        path = request.target.path
        assert path is not None, "nothing is granted for no path"
        assert not isinstance(path, PlaylistPath), "a playlist is no file"
        file = package.file_at_hand(path)
        if file is None:
            arrival = _hinted(package, path)
            again = partial(self.at_once, request, peer)
            return None if arrival is None else _Hinted(arrival, again)
        if grant.group is not None:
            _require_group(grant.group, path, file)
        answer = file_answer(file, request.method, request.conditions)
        charge, metering, session_id = file.charge, self._metering, grant.session_id
        if charge is None or charge.waived or not answer.body:
            self._give(charge if answer.body else None, grant)
            return answer
        sequence, start, end, prompt, _, height = charge
        if (clients := self._clients) is not None:
            clients.admit(session_id, peer.client(request.sender), start, end, height)
        delivery = metering.request_at_once(
            session_id, sequence, start, end, prompt=prompt, height=height
        )
        if delivery is not None:
            return _delivered(answer, delivery)
        promise = (
            None
            if prompt
            else metering.request_soon(session_id, sequence, start, end, height=height)
        )
        if promise is None:
            return None
        return Promised(_delivered(answer, promise.delivery), promise)

    async def _file_later(
        self, request: MediaRequest, package: Playable, grant: Grant, peer: Peer
    ) -> Answer:
        path = request.target.path
        assert path is not None, "nothing is granted for no path"
        assert not isinstance(path, PlaylistPath), "a playlist is no file"
        file = await package.file(path)
        if grant.group is not None:
            _require_group(grant.group, path, file)
        answer = file_answer(file, request.method, request.conditions)
        charge, metering, session_id = file.charge, self._metering, grant.session_id
        if charge is None or charge.waived or not answer.body:
            self._give(charge if answer.body else None, grant)
            return answer
        sequence, start, end, prompt, _, height = charge
        if (clients := self._clients) is not None:
            clients.admit(session_id, peer.client(request.sender), start, end, height)
        delivery = await metering.request(
            session_id, sequence, start, end, prompt=prompt, height=height
        )
        return _delivered(answer, delivery)

    def _give(self, charge: Charge | None, grant: Grant) -> None:
        """What costs nothing is for open sessions all the same."""
        if charge is None:
            self._metering.require_open(grant.session_id)
        else:
            self._metering.waive(grant.session_id, charge.start, charge.end)


def _delivered(answer: Answer, delivery: Delivery) -> Answer:
    kind, length, body, _, fields, shared = answer
    # What a NamedTuple's own constructor does, for a third of its time.
    return _make(Answer, (kind, length, body, delivery, fields, shared))


def _require_group(group: int, path: FilePath, file: MediaFile) -> None:
    """Raises: Problem: media tokens of this group do not open the file."""
    charged = file.charge
    sequence = getattr(path, "sequence", None) if charged is None else charged.sequence
    if sequence is None or token_group(sequence) != group:
        raise forbidden("this token is for other files")


def _hinted(package: Playable, path: FilePath) -> Arrival | None:
    """A part that a playlist hints at is waited for (rfc8216bis, 6.2.2): the next one to come.
    None when it is not, or not known to be.
    """
    if not isinstance(path, PartPath) or package.file_at_hand(_before(path)) is None:
        return None
    try:
        return package.arrival(path.rendition, path.sequence, path.part)
    except (BadReload, UnknownRendition):
        return None


def _before(path: PartPath) -> PartPath | SegmentPath:
    if path.part == 0:
        return SegmentPath(path.rendition, path.sequence - 1)
    return PartPath(path.rendition, path.sequence, path.part - 1)
