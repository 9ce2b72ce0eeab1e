"""Playlists and segments of a playback session; each segment is metered before its bytes go out."""

import asyncio
from dataclasses import dataclass

import structlog
from aiohttp import web

from api.auth.playback_token import PlaybackTokens, TokenExpired, TokenRefused
from api.errors import Problem, forbidden, not_found
from config.clock import Clock
from config.limits import RESPONSE_PIECE_BYTES, RESPONSE_WRITE_SECONDS_MAX
from config.telemetry import counter
from metering.intake import Intake
from packager.library import Library
from packager.naming import InitPath, PlaylistPath, SegmentPath, parse_path
from packager.package import Package

log = structlog.get_logger(__name__)

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
MEDIA_TYPE = "video/mp4"

_delivered = counter("delivered_bytes_total", "Media bytes handed to viewers' sockets")
_aborted = counter("deliveries_aborted_total", "Segments whose viewer left before the last byte")


@dataclass(frozen=True, slots=True)
class Playback:
    """The routes under `/hls/{asset}/{token}/`.

    URIs inside playlists are relative, so the token in the path is in every URI that a player asks
    for, and the bytes of a playlist are the same for all viewers.
    """

    library: Library
    intake: Intake
    tokens: PlaybackTokens
    clock: Clock

    async def get(self, request: web.Request) -> web.StreamResponse:
        asset_id = request.match_info["asset"]
        session_id = self._session(request.match_info["token"], asset_id)
        package = await self.library.get(asset_id)
        if package is None:
            raise not_found("nothing is packaged under this id yet")
        match parse_path(request.match_info["path"]):
            case PlaylistPath(rendition):
                self.intake.look(session_id)
                return _playlist(package, rendition)
            case InitPath(rendition, name):
                self.intake.require_open(session_id)
                return _media(package.init(rendition, name))
            case SegmentPath(rendition, sequence):
                return await self._segment(request, package, session_id, rendition, sequence)
            case None:
                raise not_found("no such file")

    def _session(self, token: str, asset_id: str) -> str:
        try:
            claims = self.tokens.read(token, self.clock.wall_ms() // 1000)
        except TokenExpired:
            raise Problem(401, "token_expired", "The session's time is over") from None
        except TokenRefused:
            raise Problem(401, "token_refused", "The session token is not valid") from None
        if claims.asset_id != asset_id:
            raise forbidden("this session is for another asset")
        return claims.session_id

    async def _segment(
        self,
        request: web.Request,
        package: Package,
        session_id: str,
        rendition: str,
        sequence: int,
    ) -> web.StreamResponse:
        segment = await package.segment(rendition, sequence)
        if request.method == "HEAD":
            self.intake.require_open(session_id)
            return _media(segment.body)
        delivery = await self.intake.request(
            session_id, segment.sequence, segment.start, segment.end
        )
        complete = False
        try:
            response = await _send(request, segment.body)
            complete = True
        except (ConnectionError, TimeoutError):
            _aborted.inc()
            raise
        finally:
            # Also when this handler is cancelled because the viewer has gone.
            self.intake.finish(delivery, complete=complete)
        return response


async def _send(request: web.Request, body: bytes) -> web.StreamResponse:
    """Write a body piece by piece; returning means that the socket took every byte.

    Raises:
        ConnectionError: the viewer closed the connection.
        TimeoutError: the viewer stopped reading.
    """
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = MEDIA_TYPE
    response.content_length = len(body)
    await response.prepare(request)
    view = memoryview(body)
    for offset in range(0, len(body), RESPONSE_PIECE_BYTES):
        piece = view[offset : offset + RESPONSE_PIECE_BYTES]
        async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
            await response.write(piece)
        _delivered.inc(len(piece))
    async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
        await response.write_eof()
    return response


_HEADERS = {"Cache-Control": "private, no-store", "Access-Control-Allow-Origin": "*"}


def _playlist(package: Package, rendition: str | None) -> web.Response:
    body = package.multivariant() if rendition is None else package.media_playlist(rendition)
    return web.Response(body=body, content_type=PLAYLIST_TYPE, headers=_HEADERS)


def _media(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=MEDIA_TYPE, headers=_HEADERS)
