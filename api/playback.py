"""Playlists and segments of a playback session; each segment is metered before its bytes go out."""

import asyncio
from dataclasses import dataclass

import structlog
from aiohttp import web

from api.auth.playback_token import (
    Grant,
    PlaybackTokens,
    TokenExpired,
    TokenRefused,
    WrongAsset,
)
from api.errors import Problem, forbidden, not_found
from config.clock import Clock
from config.limits import RESPONSE_PIECE_BYTES, RESPONSE_WRITE_SECONDS_MAX
from config.telemetry import counter
from metering.intake import Intake
from packager.library import Library
from packager.naming import FilePath, PartPath, Path, PlaylistPath, SegmentPath, parse_path
from packager.package import Charge, MediaFile, Package
from packager.playlist_text import token_group

log = structlog.get_logger(__name__)

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"

_delivered = counter("delivered_bytes_total", "Media bytes handed to viewers' sockets")
_aborted = counter("deliveries_aborted_total", "Segments whose viewer left before the last byte")


@dataclass(frozen=True, slots=True)
class Playback:
    """The routes under `/hls/{asset}/{token}/`.

    URIs inside playlists are relative: those of playlists and init segments have the session's
    token in them, those of segments a media token that opens the segments around it.
    """

    library: Library
    intake: Intake
    tokens: PlaybackTokens
    clock: Clock

    async def get(self, request: web.Request) -> web.StreamResponse:
        asset_id, token = request.match_info["asset"], request.match_info["token"]
        grant = self._grant(token, asset_id)
        path = parse_path(request.match_info["path"])
        if path is None:
            raise not_found("no such file")
        if not _opens(grant, path):
            raise forbidden("this token is for other files")
        package = await self.library.get(asset_id)
        if package is None:
            raise not_found("nothing is packaged under this id yet")
        if isinstance(path, PlaylistPath):
            self.intake.look(grant.session_id)
            return self._playlist(package, path, grant, asset_id)
        return await self._file(request, package, grant.session_id, path)

    def _grant(self, token: str, asset_id: str) -> Grant:
        try:
            return self.tokens.read(token, asset_id, self.clock.wall_ms() // 1000)
        except TokenExpired:
            raise Problem(401, "token_expired", "The session's time is over") from None
        except WrongAsset:
            raise forbidden("this session is for another asset") from None
        except TokenRefused:
            raise Problem(401, "token_refused", "The session token is not valid") from None

    def _playlist(
        self, package: Package, path: PlaylistPath, grant: Grant, asset_id: str
    ) -> web.Response:
        if path.rendition is None:
            body = package.multivariant()
        else:
            text = package.playlist(path)
            body = text.fill(lambda group: self.tokens.media_token(grant, asset_id, group))
        return web.Response(body=body, content_type=PLAYLIST_TYPE, headers=_HEADERS)

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


def _opens(grant: Grant, path: Path) -> bool:
    """Whether a token of this kind is in the URIs of such files."""
    match path:
        case SegmentPath() | PartPath():
            return grant.group in (None, token_group(path.sequence))
        case _:
            return grant.group is None
