"""Posters, live thumbnails and storyboards: public, as they advertise what is to be paid for."""

from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.catalogue.lookup import Catalogue
from api.errors import not_found
from packager.library import Library
from packager.package import Package

_LIVE = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
# What is on demand keeps its pictures.
_ON_DEMAND = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """The routes `poster.jpg`, `storyboard.vtt` and `storyboard-N.jpg` below a content's own."""

    catalogue: Catalogue
    library: Library

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/content/{content}/storyboard.vtt", self.storyboard),
            web.get(
                r"/api/v1/content/{content}/{picture:(?:poster|storyboard-\d{1,6})\.jpg}",
                self.picture,
            ),
        ]

    async def picture(self, request: web.Request) -> web.Response:
        package = await self._package(request)
        body = await package.read_picture(request.match_info["picture"])
        return web.Response(body=body, content_type="image/jpeg", headers=_headers(package))

    async def storyboard(self, request: web.Request) -> web.Response:
        """WebVTT whose cues name tiles of the sheets beside it (as Media Fragments, `#xywh`)."""
        package = await self._package(request)
        body = package.storyboard()
        if body is None:
            raise not_found("no storyboard yet")
        return web.Response(
            body=body, content_type="text/vtt", charset="utf-8", headers=_headers(package)
        )

    async def _package(self, request: web.Request) -> Package:
        asset = await self.catalogue.playable(request.match_info["content"])
        package = await self.library.get(asset.id)
        if package is None:
            raise not_found("no picture yet")
        return package


def _headers(package: Package) -> dict[str, str]:
    return _LIVE if package.live or package.growing else _ON_DEMAND
