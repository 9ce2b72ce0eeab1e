"""Recordings, uploads and clips as MP4 files, for those who own them."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.auth.download_link import DownloadGrant, DownloadLinks, LinkRefused
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.delivery.entity_tag import is_same, matches_weakly
from api.delivery.ranges import Slice, Unsatisfiable, read_range
from api.download_gate import DownloadGate
from api.errors import Problem, invalid, not_found, unavailable
from api.file_name import disposition
from api.input import CreateDownloadLink, read_body
from api.wire import timestamp
from config.clock import Clock
from config.limits import (
    DOWNLOAD_LINK_SECONDS,
    DOWNLOAD_LINK_WAIT_SECONDS,
    DOWNLOAD_PIECE_BYTES,
    RESPONSE_WRITE_SECONDS_MAX,
)
from packager.movies import (
    Movie,
    Movies,
    MovieTooLong,
    SeveralParts,
    StillMade,
    TooManyMovies,
    UnknownPart,
    Wish,
)
from packager.package import UnknownAsset

_TICKS = 90_000
_PART_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Downloads:
    """`/api/v1/content/{content}/download`, and links to it that browsers can follow."""

    catalogue: Catalogue
    bearers: Bearers
    movies: Movies
    links: DownloadLinks
    gate: DownloadGate
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/content/{content}/download", self.get),
            web.post("/api/v1/content/{content}/download-links", self.create_link),
            web.get("/api/v1/downloads/{link}", self.follow_link),
        ]

    async def get(self, request: web.Request) -> web.StreamResponse:
        asset = await self._own(request)
        return await self._send(request, asset, _wish(asset, request.query))

    async def create_link(self, request: web.Request) -> web.Response:
        """A link to what can be downloaded; what cannot says why here, where a page can show it.

        What is long takes longer to be looked through than a page waits; who follows the link does.
        """
        asset = await self._own(request)
        body = await read_body(request, CreateDownloadLink)
        with suppress(TimeoutError):
            async with asyncio.timeout(DOWNLOAD_LINK_WAIT_SECONDS):
                await self._open(asset, Wish(asset.id, body.rendition, body.part))
        expires_s = self.clock.wall_ms() // 1000 + DOWNLOAD_LINK_SECONDS
        token = self.links.sign(DownloadGrant(asset.id, body.rendition, body.part, expires_s))
        answer = {
            "url": f"/api/v1/downloads/{token}",
            "expiresAt": timestamp(datetime.fromtimestamp(expires_s, UTC)),
        }
        return web.json_response(answer, status=201)

    async def follow_link(self, request: web.Request) -> web.StreamResponse:
        try:
            grant = self.links.read(request.match_info["link"], self.clock.wall_ms() // 1000)
        except LinkRefused:
            raise not_found("this link is over; ask for a new one") from None
        asset = await self.catalogue.asset(grant.asset_id)
        return await self._send(request, asset, Wish(asset.id, grant.rendition, grant.part))

    async def _own(self, request: web.Request) -> Asset:
        creator = await self.bearers.creator(request)
        return await self.catalogue.own(request.match_info["content"], creator.id)

    async def _open(self, asset: Asset, wish: Wish) -> Movie:
        if asset.state is AssetState.LIVE:
            raise Problem(
                409, "is_live", "It is live", "download it when it is over, or make a clip of it"
            )
        try:
            return await self.movies.open(wish)
        except TooManyMovies:
            raise unavailable("others are made ready first", 30) from None
        except (UnknownAsset, StillMade, SeveralParts, UnknownPart, MovieTooLong) as failure:
            raise _explained(failure) from None

    async def _send(self, request: web.Request, asset: Asset, wish: Wish) -> web.StreamResponse:
        with self.gate.admitted(asset.owner):
            movie = await self._open(asset, wish)
            status, piece = _asked_for(request, movie)
            response = web.StreamResponse(status=status, headers=_headers(asset, wish, movie))
            if status in (206, 416):
                response.headers["Content-Range"] = _place(piece, movie)
            if status != 304:
                response.content_length = piece.end - piece.start
            await response.prepare(request)
            if request.method != "HEAD":
                await self._write(response, movie, piece)
            return response

    async def _write(self, response: web.StreamResponse, movie: Movie, piece: Slice) -> None:
        """Raises TimeoutError when the reader takes nothing for too long: it has gone."""
        async for media in self.movies.read(movie, piece.start, piece.end):
            view = memoryview(media)
            for offset in range(0, len(view), DOWNLOAD_PIECE_BYTES):
                async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
                    await response.write(view[offset : offset + DOWNLOAD_PIECE_BYTES])
        async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
            await response.write_eof()


def _wish(asset: Asset, query: Mapping[str, str]) -> Wish:
    unknown = set(query) - {"rendition", "part"}
    if unknown:
        raise invalid("only `rendition` and `part` can be asked for")
    part = query.get("part")
    if part is not None and not (part.isascii() and part.isdigit() and len(part) <= _PART_DIGITS):
        raise invalid("part: a number from 0")
    return Wish(asset.id, query.get("rendition"), None if part is None else int(part))


_NOTHING = Slice(0, 0)


def _asked_for(request: web.Request, movie: Movie) -> tuple[int, Slice]:
    """The status and the bytes (RFC 9110, 13.2.2)."""
    fields = request.headers
    if matches_weakly(fields.get("If-None-Match", ""), movie.digest):
        return 304, _NOTHING
    whole = 200, Slice(0, movie.size)
    if request.method != "GET" or "Range" not in fields:
        return whole
    if "If-Range" in fields and not is_same(fields["If-Range"], movie.digest):
        return whole
    try:
        piece = read_range(fields["Range"], movie.size)
    except Unsatisfiable:
        return 416, _NOTHING
    return whole if piece is None else (206, piece)


def _place(piece: Slice, movie: Movie) -> str:
    """RFC 9110, 14.4."""
    if piece == _NOTHING:
        return f"bytes */{movie.size}"
    return f"bytes {piece.start}-{piece.end - 1}/{movie.size}"


def _headers(asset: Asset, wish: Wish, movie: Movie) -> dict[str, str]:
    ending = ".mp4" if movie.media_type == "video/mp4" else ".m4a"
    suffix = ending if wish.part is None else f"-{wish.part + 1}{ending}"
    return {
        "Content-Type": movie.media_type,
        "Content-Disposition": disposition(asset.title, suffix),
        "ETag": f'"{movie.digest}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _explained(failure: Exception) -> Problem:
    match failure:
        case StillMade():
            return Problem(
                409, "still_made", "It is still being made", "download it when all of it is there"
            )
        case SeveralParts():
            parts = ", ".join(
                f"part={number} from {start // _TICKS} s to {end // _TICKS} s"
                for number, (start, end) in enumerate(failure.parts)
            )
            return Problem(
                409,
                "several_parts",
                "It has several parts",
                f"its format changed on the way, so it is several files; ask for one: {parts}",
            )
        case MovieTooLong():
            return Problem(
                409, "too_long", "It is too long for one file", "make clips, and download those"
            )
        case UnknownPart():
            return not_found("it has no such part")
        case _:
            return not_found("there is nothing to download")
