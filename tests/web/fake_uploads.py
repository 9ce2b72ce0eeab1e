"""The part of the fake server that takes files, and tells their owner what becomes of them."""

import asyncio
import base64
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.web import pictures

TILE_SECONDS = 3
LOOK_SECONDS = 0.05


def status(state: str, **other: Any) -> dict[str, Any]:
    """What the owner of an upload is told: `job` and `renditions` as (name, state, progress)."""
    renditions = other.pop("renditions", ())
    return {
        "id": other.pop("id", "ast_1"),
        "state": state,
        "playable": other.pop("playable", False),
        "job": job(**other.pop("job")) if "job" in other else None,
        "renditions": [
            {"name": name, "state": how, "progress": progress} for name, how, progress in renditions
        ],
        "error": other.pop("error", None),
    }


def job(state: str, position: int | None = None, attempts: int = 0) -> dict[str, Any]:
    """A job whose earlier `attempts` failed; a running one has begun another."""
    attempt = attempts if state == "queued" else attempts + 1
    return {"id": "job_1", "state": state, "queuePosition": position, "attempt": attempt}


@dataclass(slots=True)
class Sent:
    """One upload as tus sees it."""

    size: int
    metadata: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class FakeUploads:
    """Speaks tus 1.0 as far as a browser does, with the routes of content that its owner uses."""

    def __init__(
        self,
        contents: Callable[[], dict[str, dict[str, Any]]],
        is_creator: Callable[[web.Request], bool],
        stopping: asyncio.Event,
    ) -> None:
        self._contents = contents
        self._is_creator = is_creator
        self._stopping = stopping
        self.sent: dict[str, Sent] = {}
        self.tiles = len(pictures.TILE_COLOURS)
        self.posters_asked: list[str] = []
        self.hold_at = sys.maxsize
        """After so many bytes of an upload no more are read: it is seen on its way."""
        self.clips: list[dict[str, Any]] = []
        self.captions: dict[str, bytes] = {}
        """What was sent, by language."""
        self.refusal: tuple[int, str, str] | None = None
        """Status, code and detail that bytes are refused with."""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/content/events", self._events),
            web.delete("/api/v1/content/{id}", self._delete),
            web.get("/api/v1/content/{id}/poster.jpg", self._poster),
            web.get("/api/v1/content/{id}/storyboard.vtt", self._storyboard),
            web.get("/api/v1/content/{id}/storyboard-0.jpg", self._sheet),
            web.post("/api/v1/content/{id}/clips", self._clip),
            web.put("/api/v1/content/{id}/captions/{language}", self._put_captions),
            web.delete("/api/v1/content/{id}/captions/{language}", self._delete_captions),
            web.post("/api/v1/content/{id}/download-links", self._download_link),
            web.get("/download/{id}.mp4", self._download),
            web.post("/api/v1/uploads", self._create),
            web.head("/api/v1/uploads/{id}", self._head),
            web.patch("/api/v1/uploads/{id}", self._patch),
            web.delete("/api/v1/uploads/{id}", self._terminate),
        ]

    # --- content ---

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not self._is_creator(request):
            return web.Response(status=401)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        told = ""
        while not self._stopping.is_set():
            data = json.dumps({"items": list(self._contents().values())})
            try:
                if data != told:
                    told = data
                    await response.write(f"event: content\ndata: {data}\n\n".encode())
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                continue
            except ConnectionError:
                break  # The page was closed.
        return response

    async def _delete(self, request: web.Request) -> web.Response:
        self._contents().pop(request.match_info["id"])
        return web.Response(status=204)

    async def _clip(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.clips.append(body)
        if body["endSeconds"] > 24:
            detail = "the video ends after 24 s"
            return web.json_response({"code": "invalid", "detail": detail}, status=422)
        of = self._contents()[request.match_info["id"]]
        return web.json_response({**of, "id": "ast_clip", "title": body["title"]}, status=201)

    async def _put_captions(self, request: web.Request) -> web.Response:
        language = request.match_info["language"]
        self.captions[language] = await request.read()
        told = {
            "key": language,
            "forced": False,
            "language": language,
            "label": request.query["label"],
            "default": request.query["default"] == "true",
        }
        self._contents()[request.match_info["id"]]["captions"] = [told]
        return web.Response(status=204)

    async def _delete_captions(self, request: web.Request) -> web.Response:
        del self.captions[request.match_info["language"]]
        self._contents()[request.match_info["id"]]["captions"] = []
        return web.Response(status=204)

    async def _download_link(self, request: web.Request) -> web.Response:
        url = f"/download/{request.match_info['id']}.mp4"
        return web.json_response({"url": url, "expiresAt": "2030-01-01T00:00:00Z"}, status=201)

    async def _download(self, _request: web.Request) -> web.Response:
        disposition = {"Content-Disposition": 'attachment; filename="Holiday.mp4"'}
        return web.Response(body=b"film", content_type="video/mp4", headers=disposition)

    async def _poster(self, request: web.Request) -> web.Response:
        self.posters_asked.append(request.query_string)
        upright = request.match_info["id"] == "upright"
        width, height = (90, 160) if upright else (160, 90)
        body = pictures.png(width, height, [pictures.TILE_COLOURS[:2], pictures.TILE_COLOURS[2:4]])
        return web.Response(body=body, content_type="image/png")

    async def _storyboard(self, _request: web.Request) -> web.Response:
        text = pictures.storyboard(self.tiles, TILE_SECONDS)
        return web.Response(text=text, content_type="text/vtt")

    async def _sheet(self, _request: web.Request) -> web.Response:
        return web.Response(body=pictures.sheet(), content_type="image/png")

    # --- tus ---

    async def _create(self, request: web.Request) -> web.Response:
        identity = f"upl_{len(self.sent) + 1}"
        pairs = (pair.split(" ") for pair in request.headers["Upload-Metadata"].split(","))
        metadata = {name: base64.b64decode(value).decode() for name, value in pairs}
        self.sent[identity] = Sent(int(request.headers["Upload-Length"]), metadata)
        return self._answer(identity, 201, {"Location": f"/api/v1/uploads/{identity}"})

    async def _head(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        if identity not in self.sent:
            return web.Response(status=404)
        return self._answer(identity, 200, {"Upload-Length": str(self.sent[identity].size)})

    async def _patch(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        sent = self.sent[identity]
        if self.refusal is not None:
            code, detail = self.refusal[1:]
            document = {"title": "Refused", "code": code, "detail": detail}
            await request.read()
            return web.json_response(document, status=self.refusal[0])
        try:
            async for chunk, _ in request.content.iter_chunks():
                sent.body += chunk
                if len(sent.body) >= self.hold_at:
                    await self._stopping.wait()
        except ConnectionError:
            pass  # Paused, or the page was left: what has come so far is kept.
        if identity not in self.sent:
            return web.Response(status=410)  # Taken back meanwhile.
        return self._answer(identity, 204, {})

    async def _terminate(self, request: web.Request) -> web.Response:
        self.sent.pop(request.match_info["id"])
        return web.Response(status=204)

    def _answer(self, identity: str, status: int, headers: dict[str, str]) -> web.Response:
        ours = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(len(self.sent[identity].body)),
            "Tollcast-Content-Id": identity.replace("upl", "ast"),
        }
        return web.Response(status=status, headers={**ours, **headers})
