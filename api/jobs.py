"""A creator's jobs: what is being worked on, and what waits for how many others."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import not_found
from api.event_stream import EventStreams
from api.wire import timestamp
from config.job_store import JobStore
from config.jobs import Job, JobState
from config.limits import JOB_LIST_MAX


@dataclass(frozen=True, slots=True)
class Jobs:
    """The routes under `/api/v1/jobs`."""

    store: JobStore
    bearers: Bearers
    streams: EventStreams

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/jobs", self.list),
            web.get("/api/v1/jobs/events", self.events),
            web.delete("/api/v1/jobs/{job}", self.cancel),
        ]

    async def list(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        return web.json_response(await self._document(creator.id))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the same document whenever it changed, at most once a second."""
        creator = await self.bearers.creator(request)
        return await self.streams.push(request, lambda: self._document(creator.id))

    async def cancel(self, request: web.Request) -> web.Response:
        """A job that runs ends soon after this."""
        creator = await self.bearers.creator(request)
        job = await self.store.get(request.match_info["job"])
        if job is None or job.owner != creator.id:
            raise not_found("no such job")
        await self.store.cancel(job.id)
        return web.Response(status=204)

    async def _document(self, owner: str) -> dict[str, object]:
        jobs = await self.store.of_owner(owner, JOB_LIST_MAX)
        waits = any(job.state is JobState.QUEUED for job in jobs)
        positions = await self.store.positions(owner) if waits else {}
        return {"items": [job_json(job, positions) for job in jobs]}


def job_json(job: Job, positions: Mapping[str, int]) -> dict[str, object]:
    """A job as pages show it; `positions` holds how many jobs are before each that waits."""
    failed = job.state is JobState.FAILED
    return {
        "id": job.id,
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state.value,
        "queuePosition": positions.get(job.id) if job.state is JobState.QUEUED else None,
        "attempt": job.attempt,
        "progress": dict(job.progress),
        "error": {"code": job.error_code, "detail": job.error_detail} if failed else None,
        "createdAt": timestamp(job.created_at),
        "startedAt": None if job.started_at is None else timestamp(job.started_at),
        "finishedAt": None if job.finished_at is None else timestamp(job.finished_at),
    }
