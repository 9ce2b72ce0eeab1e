"""Content as its JSON documents say it: what it is, whether it can be watched, how it is made."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.auth.account import AccountStore
from api.broadcasts import Broadcasts
from api.catalogue.asset import Asset, AssetState
from api.catalogue.offer import offer_of_source
from api.track_document import tracks_json
from api.wire import offer_json, passes_json, timestamp
from config.job_store import JobStore
from config.jobs import Job, JobState
from ingest.source import Source
from metering.intake import Intake
from packager.library import Library
from packager.package import NotReady, Package

_PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class ContentDocuments:
    """Builds documents; the status of an upload is for its owner only."""

    accounts: AccountStore
    library: Library
    intake: Intake
    jobs: JobStore
    broadcasts: Broadcasts

    async def of_source(self, source: Source) -> dict[str, object]:
        """A source that has never been live."""
        return {
            "id": source.id,
            "title": source.title,
            "kind": "live",
            "state": "waiting",
            "playable": False,
            "creator": await self._creator(source.owner),
            "price": offer_json(offer_of_source(source)),
            "passes": passes_json(offer_of_source(source)),
            "delivery": source.delivery.value,
            "watchUrl": f"/watch/{source.name}",
            "viewers": 0,
            "interrupted": False,
            "clipOf": None,
            "clipRange": None,
            "posterUrl": None,
            "storyboardUrl": None,
            **tracks_json(None),
        }

    async def of_asset(self, asset: Asset) -> dict[str, object]:
        package = await self.library.get(asset.id)
        playable = _is_playable(package)
        has_failed = asset.state is AssetState.PROCESSING and await self._has_failed(asset)
        address = f"/api/v1/content/{asset.id}"
        pictured = package is not None and package.has_poster
        scrubbed = package is not None and package.storyboard() is not None
        return {
            "id": asset.id,
            "title": asset.title,
            "kind": _kind(asset),
            "state": _state(asset, package, playable=playable, has_failed=has_failed),
            "playable": playable,
            "creator": await self._creator(asset.owner),
            "price": offer_json(asset.offer),
            "passes": passes_json(asset.offer),
            "delivery": asset.delivery.value,
            "watchUrl": f"/watch/{asset.id}",
            "viewers": self.intake.viewers(asset.id),
            "interrupted": self._is_interrupted(asset),
            "startedAt": timestamp(asset.started_at),
            "endedAt": None if asset.ended_at is None else timestamp(asset.ended_at),
            "durationSeconds": _duration_ms(asset, package) // 1000,
            "clipOf": None if asset.clip_of is None else asset.clip_of.asset_id,
            "clipRange": _clip_range(asset),
            "posterUrl": f"{address}/poster.jpg" if pictured else None,
            "storyboardUrl": f"{address}/storyboard.vtt" if scrubbed else None,
            **tracks_json(package),
        }

    async def for_owner(self, asset: Asset) -> dict[str, object]:
        """A video's document with its status."""
        document = await self.of_asset(asset)
        return {**document, "status": await self.status(asset)}

    async def status(self, asset: Asset) -> dict[str, object]:
        """How far an upload is, rendition by rendition, and what went wrong."""
        job = await self.jobs.newest_of_subject(asset.id)
        package = await self.library.get(asset.id)
        playable = _is_playable(package)
        failed = job is not None and job.state is JobState.FAILED
        return {
            "id": asset.id,
            "state": _state(asset, package, playable=playable, has_failed=failed),
            "playable": playable,
            "job": None if job is None else await self._job(job),
            "renditions": _renditions(package if playable else None, job),
            "error": _error(job) if job is not None and failed else None,
        }

    async def _job(self, job: Job) -> dict[str, object]:
        return {
            "id": job.id,
            "state": job.state.value,
            "queuePosition": await self.jobs.position(job.id),
            "attempt": job.attempt,
        }

    def _is_interrupted(self, asset: Asset) -> bool:
        """Whether viewers of this live wait for its publisher to come back."""
        broadcast = None if asset.source_id is None else self.broadcasts.get(asset.source_id)
        if broadcast is None or broadcast.asset.id != asset.id:
            return False
        return broadcast.reconnect_ms_left() is not None

    async def _has_failed(self, asset: Asset) -> bool:
        job = await self.jobs.newest_of_subject(asset.id)
        return job is not None and job.state is JobState.FAILED

    async def _creator(self, account_id: str) -> str:
        owner = await self.accounts.get(account_id)
        return "" if owner is None else owner.display_name


def _kind(asset: Asset) -> str:
    if asset.clip_of is not None:
        return "clip"
    return "live" if asset.upload_id is None else "upload"


def _clip_range(asset: Asset) -> dict[str, float] | None:
    """What of its original a clip has, in seconds of that as it is played."""
    clip = asset.clip_of
    if clip is None:
        return None
    return {"startSeconds": clip.start_ms / 1000, "endSeconds": clip.end_ms / 1000}


def _is_playable(package: Package | None) -> bool:
    if package is None:
        return False
    try:
        package.multivariant()
    except NotReady:
        return False
    return True


def _state(asset: Asset, package: Package | None, *, playable: bool, has_failed: bool) -> str:
    """`waiting` until the first segment of a broadcast can be played.

    An upload is on demand once the package that is served has all of it: another process may have
    made it, and then it takes a second until that is seen here.
    """
    if asset.state is AssetState.LIVE:
        return "live" if playable else "waiting"
    is_seen = asset.upload_id is None or (package is not None and package.settled)
    if asset.state is AssetState.ON_DEMAND and is_seen:
        return "on_demand"
    return "failed" if has_failed else "processing"


def _duration_ms(asset: Asset, package: Package | None) -> int:
    if asset.state is AssetState.PROCESSING and package is not None:
        return package.duration // 90
    return asset.duration_ms


def _renditions(package: Package | None, job: Job | None) -> list[dict[str, object]]:
    """What can be played is ready; of the rest the job tells how far it is."""
    ready = () if package is None or package.growing else package.renditions()
    progress = {} if job is None else _progress_of(job)
    documents = [{"name": name, "state": "ready", "progress": 1.0} for name in ready]
    for name, done in progress.items():
        if name not in ready:
            state = "running" if done else "queued"
            documents.append({"name": name, "state": state, "progress": done / _PER_MILLE})
    return documents


def _progress_of(job: Job) -> Mapping[str, int]:
    """Each rendition's share that is done, in thousandths."""
    renditions = job.progress.get("renditions", {})
    return {str(name): int(done) for name, done in renditions.items()}


def _error(job: Job) -> dict[str, object]:
    return {"code": job.error_code, "detail": job.error_detail}
