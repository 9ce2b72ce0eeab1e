"""The pages and their assets, from the front end's build that is shipped in the wheel."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from api.errors import not_found

_POLICY = (
    "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
DIST = Path(__file__).parent / "web" / "dist"


class PagesNotBuilt(Exception):
    """The front end has not been built: run `./run`, which builds it."""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str


class Pages:
    """All built files, read once at start: they are a few hundred kilobytes."""

    def __init__(self, directory: Path = DIST) -> None:
        if not (directory / "index.html").is_file():
            raise PagesNotBuilt(f"{directory} holds no built pages; `./run` builds them")
        self._files = {
            path.relative_to(directory).as_posix(): _File(
                path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            )
            for path in directory.rglob("*")
            if path.is_file()
        }

    async def home(self, _request: web.Request) -> web.Response:
        return self._page("index.html")

    async def watch(self, _request: web.Request) -> web.Response:
        return self._page("watch.html")

    async def studio(self, _request: web.Request) -> web.Response:
        return self._page("studio.html")

    async def asset(self, request: web.Request) -> web.Response:
        file = self._files.get(f"assets/{request.match_info['path']}")
        if file is None:
            raise not_found("no such file")
        # Vite puts a hash of the content into each name.
        headers = {**_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=file.body, content_type=file.content_type, headers=headers)

    async def icon(self, request: web.Request) -> web.Response:
        file = self._files.get(request.path.lstrip("/"))
        if file is None:
            raise not_found("no such file")
        return web.Response(body=file.body, content_type=file.content_type, headers=_HEADERS)

    def _page(self, name: str) -> web.Response:
        headers = {**_HEADERS, "Cache-Control": "no-cache"}
        return web.Response(
            body=self._files[name].body,
            content_type="text/html",
            charset="utf-8",
            headers=headers,
        )
