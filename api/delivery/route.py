"""The same answers by aiohttp, to requests that the raw parser left to it."""

from aiohttp import hdrs, web

from api.area import RouteTable
from api.auth.client import Sender, agent_of, client_of, place_of
from api.delivery.answer import Answer
from api.delivery.failure import failure
from api.delivery.lending import ApiHandler
from api.delivery.playback import Playback
from api.delivery.request import UNCONDITIONAL, Conditions, MediaRequest, read_target
from api.delivery.tally import TALLY
from api.delivery.unsent import Progress, taken_permille
from api.failures import EXPECTED


class _Peer:
    """Who asks, as `api.behind_fronts` has found out."""

    def __init__(self, address: str) -> None:
        self._place = place_of(address)

    def client(self, sender: Sender) -> int:
        return client_of(self._place, sender.agent)


class MediaRoutes:
    """`/hls/{asset}/{token}/{path}`, and `/media/{asset}/{path}`, which has no token."""

    def __init__(self, playback: Playback) -> None:
        self.playback = playback

    def routes(self) -> RouteTable:
        return [
            web.get("/hls/{asset}/{token}/{path:.+}", self.handle),
            web.options("/hls/{asset}/{token}/{path:.+}", self.handle),
            web.get("/media/{asset}/{path:.+}", self.handle),
            web.options("/media/{asset}/{path:.+}", self.handle),
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        media = _media_request(request)
        try:
            answer = await self.playback.answer(media, _Peer(request.remote or ""))
        except EXPECTED as error:
            answer = failure(error, media.method)
        return await self._send(request, answer)

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        complete, transport = False, request.transport
        progress = None if transport is None else Progress(transport)
        try:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.pairs():
                response.headers[name] = value
            if answer.length is not None:
                response.content_length = answer.length
            await response.prepare(request)
            # Returns when the socket has taken every byte: the transport is lent with no buffer.
            await response.write_eof(bytes(answer.body))
            complete = True
        finally:
            # Also when this is cancelled, because the viewer has gone or does not read.
            if answer.delivery is not None:
                size = len(answer.body)
                taken_bytes = size if complete else min(size, _taken_bytes(request, progress))
                TALLY.taken(taken_bytes, complete=complete)
                taken = 0 if complete else taken_permille(taken_bytes, answer.body)
                self.playback.finish(answer.delivery, complete, taken)
        return response


def _taken_bytes(request: web.Request, progress: Progress | None) -> int:
    """What a viewer took who has gone: with the head, which is some hundred bytes. Nothing when it
    is us who end the answer.
    """
    protocol = request.protocol
    if progress is None or not isinstance(protocol, ApiHandler):
        return 0
    acked_bytes = protocol.borrower.acked_bytes
    return 0 if acked_bytes is None else max(0, progress.beyond(acked_bytes))


def _media_request(request: web.Request) -> MediaRequest:
    match = request.match_info
    target = read_target(match["path"], list(request.query.items()))
    user_agent = request.headers.get(hdrs.USER_AGENT, "").encode("utf-8", "surrogateescape")
    return MediaRequest(
        *(request.method, match["asset"], match.get("token"), target, _conditions(request)),
        sender=Sender(agent_of(user_agent)),
    )


def _conditions(request: web.Request) -> Conditions:
    names = (hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)
    conditions = Conditions(*(request.headers.get(name) for name in names))
    return UNCONDITIONAL if conditions == UNCONDITIONAL else conditions
