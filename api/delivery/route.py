"""The same answers by aiohttp, to requests that the raw parser left to it."""

from aiohttp import hdrs, web

from api.delivery.answer import Answer
from api.delivery.failure import failure
from api.delivery.playback import Playback
from api.delivery.request import UNCONDITIONAL, Conditions, MediaRequest, read_target
from api.delivery.tally import TALLY
from api.failures import EXPECTED


class MediaRoutes:
    """`/hls/{asset}/{token}/{path}`, and `/media/{asset}/{path}`, which has no token."""

    def __init__(self, playback: Playback) -> None:
        self.playback = playback

    async def handle(self, request: web.Request) -> web.StreamResponse:
        media = _media_request(request)
        try:
            answer = await self.playback.answer(media)
        except EXPECTED as error:
            answer = failure(error, media.method)
        return await self._send(request, answer)

    async def _send(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        complete = False
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
                TALLY.taken(len(answer.body) if complete else 0, complete=complete)
                self.playback.finish(answer.delivery, complete=complete)
        return response


def _media_request(request: web.Request) -> MediaRequest:
    match = request.match_info
    target = read_target(match["path"], list(request.query.items()))
    return MediaRequest(
        request.method, match["asset"], match.get("token"), target, _conditions(request)
    )


def _conditions(request: web.Request) -> Conditions:
    names = (hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)
    conditions = Conditions(*(request.headers.get(name) for name in names))
    return UNCONDITIONAL if conditions == UNCONDITIONAL else conditions
