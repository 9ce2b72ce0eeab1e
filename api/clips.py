"""Clips of what somebody owns: `POST /api/v1/content/{content}/clips`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState, ClipOf
from api.catalogue.lookup import Catalogue
from api.catalogue.offer import billable
from api.errors import Problem, invalid, unavailable
from api.input import CreateClip, read_body
from api.minute_limit import MinuteLimit
from config.clock import Clock
from config.ids import new_id
from config.limits import CLIP_SECONDS_MAX, UPLOAD_TITLE_CHARACTERS_MAX
from ingest.upload.description import printable
from packager.clips import Clips, ClipTooLong, CutClip, OutsideRecording, StillMade, StorageFull
from packager.package import UnknownAsset

_TICKS, _TICKS_A_MS = 90_000, 90


class ContentDocument(Protocol):
    """Tells about content as `/api/v1/content/{id}` does."""

    async def __call__(self, asset_id: str) -> Mapping[str, object]: ...


@dataclass(frozen=True, slots=True)
class ClipRoutes:
    catalogue: Catalogue
    bearers: Bearers
    clips: Clips
    limit: MinuteLimit
    document: ContentDocument
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/content/{content}/clips", self.post),
        ]

    async def post(self, request: web.Request) -> web.Response:
        """Cut whole segments that touch the range; the answer says which range they are."""
        original = await self._own(request)
        body = await read_body(request, CreateClip)
        if body.endSeconds is not None and 0 <= body.endSeconds <= body.startSeconds:
            raise invalid("endSeconds: a clip ends after it begins")
        if not self.limit.admit(original.owner):
            raise Problem(
                429,
                "too_many_clips",
                "Enough clips for this minute",
                "wait a minute, then go on",
                {"Retry-After": "60"},
            )
        clip = await self._made(original, body)
        headers = {"Location": f"/api/v1/content/{clip.id}"}
        return web.json_response(await self.document(clip.id), status=201, headers=headers)

    async def _own(self, request: web.Request) -> Asset:
        creator = await self.bearers.creator(request)
        return await self.catalogue.own(request.match_info["content"], creator.id)

    async def _made(self, original: Asset, body: CreateClip) -> Asset:
        cut = await self._cut(original, body)
        try:
            clip = self._asset(original, body, cut)
            # What a crash leaves between the two is a clip that cannot be played, and can be
            # deleted: its owner sees it, where nobody would see files without a row.
            await self.catalogue.assets.create(clip)
            try:
                await self.clips.publish(cut, clip.id)
            except OSError:
                await self.catalogue.assets.remove(clip.id)
                raise unavailable("the clip was not finished; try again") from None
        finally:
            await self.clips.discard(cut)
        return clip

    async def _cut(self, original: Asset, body: CreateClip) -> CutClip:
        start = round(body.startSeconds * _TICKS)
        end = None if body.endSeconds is None else round(body.endSeconds * _TICKS)
        live = original.state is AssetState.LIVE
        try:
            return await self.clips.cut(original.id, start, end, live=live)
        except (OutsideRecording, ClipTooLong, StillMade, UnknownAsset, StorageFull) as failure:
            raise _explained(failure) from None

    def _asset(self, original: Asset, body: CreateClip, cut: CutClip) -> Asset:
        now_ms = self.clock.wall_ms()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        # A pass for a clip would hardly cost what one for the whole costs.
        offer = replace(original.offer, passes=())
        if body.price is not None:
            offer = billable(body.price.offer(offer.price.asset), original.delivery)
        return Asset(
            id=new_id("ast", now_ms),
            source_id=None,
            owner=original.owner,
            title=_title(original, body),
            state=AssetState.ON_DEMAND,
            offer=offer,
            started_at=now,
            ended_at=now,
            duration_ms=cut.range.duration // _TICKS_A_MS,
            delivery=original.delivery,
            clip_of=ClipOf(
                original.id,
                start_ms=cut.range.start // _TICKS_A_MS,
                end_ms=cut.range.end // _TICKS_A_MS,
            ),
        )


def _title(original: Asset, body: CreateClip) -> str:
    title = printable(body.title or "") or f"{original.title} (clip)"
    return title[:UPLOAD_TITLE_CHARACTERS_MAX]


def _explained(failure: Exception) -> Problem:
    match failure:
        case OutsideRecording():
            seconds = failure.duration / _TICKS
            return Problem(
                400,
                "outside_recording",
                "There is nothing in this range",
                f"so far there are {seconds:.1f} seconds that can be clipped",
            )
        case ClipTooLong():
            return Problem(
                400,
                "clip_too_long",
                "This is too long for a clip",
                f"a clip has {CLIP_SECONDS_MAX // 60} minutes at most",
            )
        case StillMade():
            return Problem(
                409,
                "still_made",
                "It is still being made",
                "clip it when all of its qualities are there",
            )
        case StorageFull():
            return Problem(507, "storage_full", "The server's disk is full", str(failure))
        case _:
            return Problem(
                409, "not_started", "There is nothing to clip yet", "wait for its first seconds"
            )
