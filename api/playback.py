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
from packager.naming import FilePath, PlaylistPath, parse_path
from packager.package import Charge, MediaFile, Package

log = structlog.get_logger(__name__)

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"

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
        asset_id, token = request.match_info["asset"], request.match_info["token"]
        session_id = self._session(token, asset_id)
        package = await self.library.get(asset_id)
        if package is None:
            raise not_found("nothing is packaged under this id yet")
        match parse_path(request.match_info["path"]):
            case PlaylistPath() as path:
                self.intake.look(session_id)
                return _playlist(package, path, token.encode())
            case None:
                raise not_found("no such file")
            case path:
                return await self._file(request, package, session_id, path)

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

    async def _file(
        self, request: web.Request, package: Package, session_id: str, path: FilePath
    ) -> web.StreamResponse:
        file = await package.file(path)
        if file.charge is None or request.method == "HEAD":
            self.intake.require_open(session_id)
            return web.Response(body=file.body, content_type=file.media_type, headers=_HEADERS)
        return await self._metered(request, session_id, file, file.charge)

    async def _metered(
        self, request: web.Request, session_id: str, file: MediaFile, charge: Charge
    ) -> web.StreamResponse:
        delivery = await self.intake.request(session_id, charge.sequence, charge.start, charge.end)
        complete = False
        try:
            response = await _send(request, file)
            complete = True
        except (ConnectionError, TimeoutError):
            _aborted.inc()
            raise
        finally:
            # Also when this handler is cancelled because the viewer has gone.
            self.intake.finish(delivery, complete=complete)
        return response


async def _send(request: web.Request, file: MediaFile) -> web.StreamResponse:
    """Write a body piece by piece; returning means that the socket took every byte.

    Raises:
        ConnectionError: the viewer closed the connection.
        TimeoutError: the viewer stopped reading.
    """
    response = web.StreamResponse(headers=_HEADERS)
    response.content_type = file.media_type
    response.content_length = len(file.body)
    await response.prepare(request)
    view = memoryview(file.body)
    for offset in range(0, len(file.body), RESPONSE_PIECE_BYTES):
        piece = view[offset : offset + RESPONSE_PIECE_BYTES]
        async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
            await response.write(piece)
        _delivered.inc(len(piece))
    async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
        await response.write_eof()
    return response


_HEADERS = {"Cache-Control": "private, no-store", "Access-Control-Allow-Origin": "*"}


def _playlist(package: Package, path: PlaylistPath, token: bytes) -> web.Response:
    if path.rendition is None:
        body = package.multivariant()
    else:
        body = package.playlist(path).fill(lambda _: token)
    return web.Response(body=body, content_type=PLAYLIST_TYPE, headers=_HEADERS)
