"""Captions that a creator gives a video: WebVTT or SubRip in, WebVTT out."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.errors import Problem, invalid, not_found, unavailable
from api.upload_body import RequestBody
from config.limits import CAPTIONS_BODY_SECONDS_MAX, CAPTIONS_BYTES_MAX
from media.captions.cue import MalformedCaptions
from media.captions.reading import read_captions
from media.captions.webvtt import render_webvtt
from media.languages import clean_label, language_tag
from packager.archive_captions import TooManyCaptions, UnknownCaptions
from packager.archive_disk import AssetRemoved, StorageFull
from packager.archive_record import CaptionRecord
from packager.library import Library

_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_UNDETERMINED = "und"


@dataclass(frozen=True, slots=True)
class Captions:
    """The routes `captions/{language}` below a content's own; for its owner only.

    Viewers get captions in segments, by their playlists.
    """

    catalogue: Catalogue
    library: Library
    bearers: Bearers

    def routes(self) -> RouteTable:
        return [
            web.put("/api/v1/content/{content}/captions/{language}", self.put),
            web.get("/api/v1/content/{content}/captions/{language}", self.get),
            web.delete("/api/v1/content/{content}/captions/{language}", self.delete),
        ]

    async def put(self, request: web.Request) -> web.Response:
        """Replaces captions in the same language, also those that came with the file."""
        asset = await self._own_asset(request)
        if asset.state is AssetState.LIVE:
            raise Problem(
                409,
                "is_live",
                "It is live",
                "captions are of the recording: put them when the broadcast is over",
            )
        record = _record(request)
        cues, body = await _normalised(await _body(request))
        is_new = await self._put(asset, record, body)
        document = {
            "language": record.language,
            "label": record.label,
            "default": record.default,
            "forced": record.forced,
            "cues": cues,
            "url": f"/api/v1/content/{asset.id}/captions/{record.key}",
        }
        headers = {"Location": str(document["url"])} if is_new else {}
        return web.json_response(document, status=201 if is_new else 200, headers=headers)

    async def get(self, request: web.Request) -> web.Response:
        """The file: with the cues that were put, as WebVTT."""
        asset = await self._own_asset(request)
        try:
            body = await self.library.read_captions(asset.id, _key(request))
        except UnknownCaptions:
            raise _unknown() from None
        return web.Response(
            body=body, content_type="text/vtt", charset="utf-8", headers=_HEADERS
        )  # fmt: skip

    async def delete(self, request: web.Request) -> web.Response:
        asset = await self._own_asset(request)
        try:
            await self.library.remove_captions(asset.id, _key(request))
        except (UnknownCaptions, AssetRemoved):
            raise _unknown() from None
        return web.Response(status=204)

    async def _put(self, asset: Asset, record: CaptionRecord, body: bytes) -> bool:
        try:
            return await self.library.put_captions(asset.id, record, body)
        except TooManyCaptions:
            raise Problem(
                409, "too_many_captions", "There are too many captions", "delete some of them first"
            ) from None
        except AssetRemoved:
            raise Problem(
                409, "not_started", "Nothing of it is made yet", "try again when it can be played"
            ) from None
        except StorageFull as error:
            raise unavailable(str(error), retry_after_s=60) from None

    async def _own_asset(self, request: web.Request) -> Asset:
        creator = await self.bearers.creator(request)
        return await self.catalogue.own(request.match_info["content"], creator.id)


def _unknown() -> Problem:
    return not_found("no such captions")


def _key(request: web.Request) -> str:
    """What captions are called that are there; those of a file may be no tag, such as `en-2`."""
    text = request.match_info["language"]
    return (language_tag(text) or text).lower()


def _record(request: web.Request) -> CaptionRecord:
    text = request.match_info["language"]
    language = language_tag(text)
    if not language and text.lower() != _UNDETERMINED:
        raise invalid(f"{text[:40]!r} is no language tag of BCP 47, such as en, pt-BR or zh-Hant")
    return CaptionRecord(
        key=(language or _UNDETERMINED).lower(),
        language=language,
        label=clean_label(request.query.get("label", "")),
        default=_flag(request, "default"),
        forced=_flag(request, "forced"),
        from_file=False,
        sha256="",
    )


def _flag(request: web.Request, name: str) -> bool:
    match request.query.get(name, "false"):
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case other:
            raise invalid(f"{name}: true or false, not {other[:40]!r}")


async def _body(request: web.Request) -> bytes:
    body, data = RequestBody(request), bytearray()
    try:
        async with asyncio.timeout(CAPTIONS_BODY_SECONDS_MAX):
            while piece := await body.read():
                data += piece
                if len(data) > CAPTIONS_BYTES_MAX:
                    raise Problem(
                        413, "too_large", "Too large", f"at most {CAPTIONS_BYTES_MAX} bytes"
                    )
    except TimeoutError:
        raise Problem(408, "too_slow", "The body comes too slowly") from None
    return bytes(data)


async def _normalised(data: bytes) -> tuple[int, bytes]:
    """How many cues there are, and the WebVTT that is kept."""
    try:
        return await asyncio.to_thread(_read, data)
    except MalformedCaptions as error:
        raise Problem(
            400, "captions_unreadable", "These captions cannot be read", str(error)
        ) from None


def _read(data: bytes) -> tuple[int, bytes]:
    cues = read_captions(data)
    return len(cues), render_webvtt(cues)
