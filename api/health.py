"""Whether the process lives, whether each thing it depends on works, and its counters."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.broadcasts import Broadcasts
from api.source_document import health_json
from config import telemetry
from config.limits import READINESS_SECONDS_MAX


class NotWorking(Exception):
    """A dependency does not work; the text says why."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something the server needs.

    Attributes:
        probe: returns a word on its state, raises `NotWorking`, `OSError` or `TimeoutError`.
        required: whether the server is of no use without it; if not, it is reported only.
    """

    name: str
    probe: Callable[[], Awaitable[str]]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """The routes `/health`, `/ready` and `/metrics`."""

    dependencies: Sequence[Dependency]
    broadcasts: Broadcasts
    version: str

    def routes(self) -> RouteTable:
        return [
            web.get("/health", self.live),
            web.get("/ready", self.ready),
            web.get("/metrics", self.metrics),
        ]

    async def live(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": self.version})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when all that is required works, else 503; each dependency is named either way."""
        answers = await asyncio.gather(*(_probe(d) for d in self.dependencies))
        ready = all(answer["ok"] or not answer["required"] for answer in answers)
        document = {
            "status": "ready" if ready else "not ready",
            "dependencies": answers,
            "broadcasts": [
                {"source": b.source.name, "asset": b.asset.id, **health_json(b.health())}
                for b in self.broadcasts.all()
            ],
        }
        return web.json_response(document, status=200 if ready else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=telemetry.render(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )


async def _probe(dependency: Dependency) -> dict[str, object]:
    try:
        async with asyncio.timeout(READINESS_SECONDS_MAX):
            detail, ok = await dependency.probe(), True
    except TimeoutError:
        detail, ok = f"no answer within {READINESS_SECONDS_MAX} s", False
    except (NotWorking, OSError) as error:
        detail, ok = str(error) or type(error).__name__, False
    return {
        "name": dependency.name,
        "ok": ok,
        "required": dependency.required,
        "detail": detail,
    }
