"""The pages and their assets, from the front end's build that is shipped in the wheel."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from api.area import RouteTable
from api.errors import not_found

DIST = Path(__file__).parent / "web" / "dist"


class PagesNotBuilt(Exception):
    """The front end has not been built: run `./run`, which builds it."""


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    content_type: str


class Pages:
    """All built files, read once at start: they are a few hundred kilobytes."""

    def __init__(self, media_url: str = "", directory: Path = DIST) -> None:
        """`media_url`: where else than here players on the pages get media."""
        if not (directory / "index.html").is_file():
            raise PagesNotBuilt(f"{directory} holds no built pages; `./run` builds them")
        self._files = {
            path.relative_to(directory).as_posix(): _File(
                path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            )
            for path in directory.rglob("*")
            if path.is_file()
        }
        self._headers = {
            "Content-Security-Policy": _policy(media_url),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def routes(self) -> RouteTable:
        return [
            web.get("/", self.home),
            web.get("/watch/{content}", self.watch),
            web.get("/studio", self.studio),
            web.get("/account", self.account),
            web.get("/login", self.login),
            web.get("/verify", self.verify),
            web.get("/assets/{path:.+}", self.asset),
            web.get("/favicon.svg", self.icon),
        ]

    async def home(self, _request: web.Request) -> web.Response:
        return self._page("index.html")

    async def watch(self, _request: web.Request) -> web.Response:
        return self._page("watch.html")

    async def studio(self, _request: web.Request) -> web.Response:
        return self._page("studio.html")

    async def verify(self, _request: web.Request) -> web.Response:
        return self._page("verify.html")

    async def account(self, _request: web.Request) -> web.Response:
        return self._page("account.html")

    async def login(self, _request: web.Request) -> web.Response:
        return self._page("login.html")

    async def asset(self, request: web.Request) -> web.Response:
        file = self._files.get(f"assets/{request.match_info['path']}")
        if file is None:
            raise not_found("no such file")
        # Vite puts a hash of the content into each name.
        headers = {**self._headers, "Cache-Control": "public, max-age=31536000, immutable"}
        return web.Response(body=file.body, content_type=file.content_type, headers=headers)

    async def icon(self, request: web.Request) -> web.Response:
        file = self._files.get(request.path.lstrip("/"))
        if file is None:
            raise not_found("no such file")
        return web.Response(body=file.body, content_type=file.content_type, headers=self._headers)

    def _page(self, name: str) -> web.Response:
        headers = {**self._headers, "Cache-Control": "no-cache"}
        return web.Response(
            body=self._files[name].body,
            content_type="text/html",
            charset="utf-8",
            headers=headers,
        )


def _policy(media_url: str) -> str:
    """What pages may load, and from where (Content Security Policy Level 3)."""
    parts = urlsplit(media_url)
    elsewhere = f" {parts.scheme}://{parts.netloc}" if media_url else ""
    return (
        "default-src 'self'; img-src 'self' data:; worker-src 'self' blob:; "
        f"media-src 'self' blob: data:{elsewhere}; connect-src 'self'{elsewhere}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
