"""Makes assets of complete uploads: the job for each, and the handler that does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from api.asset_terms import ENCRYPTIONS
from api.catalogue.asset import Asset, AssetState, AssetStore
from config.clock import Clock
from config.job_store import JobStore
from config.jobs import Again, Job, JobContext, JobFailed, NewJob
from ingest.upload.disk import UploadDisk
from ingest.upload.upload import Upload
from media.delivery import Delivery
from media.file.container import Container
from media.file.refusal import Refused
from media.file.transcoder import (
    FileOutcome,
    FileProgress,
    FileTranscoder,
    FileWorkerFailed,
    Resume,
)
from metering.offer import Offer
from metering.tariff import Price
from packager.hls.origin import HlsSettings
from packager.on_demand_writer import AssetRemoved, OnDemandWriter, StorageFull, TimesDiffer

log = structlog.get_logger(__name__)

TRANSCODE = "transcode"

# Everybody's file is offered in its first quality before anybody's is made in all of them.
_FIRST_PASS_PRIORITY, _LATER_PASS_PRIORITY = 10, 0


@dataclass(frozen=True, slots=True)
class UploadedAssets:
    """What a complete upload becomes; safe to be called again for the same one."""

    assets: AssetStore
    jobs: JobStore
    clock: Clock

    async def __call__(self, upload: Upload, file: Path, container: Container) -> None:  # noqa: ARG002
        await self.assets.create(_asset_of(upload, _now(self.clock)))
        payload = {
            "upload": upload.id,
            "container": container.value,
            "delivery": upload.delivery.value,
        }
        await self.jobs.enqueue(
            NewJob(
                kind=TRANSCODE,
                owner=upload.owner,
                subject=upload.asset_id,
                payload=payload,
                priority=_FIRST_PASS_PRIORITY,
                dedupe_key=upload.id,
            )
        )
        log.info("upload is complete", upload=upload.id, asset=upload.asset_id, size=upload.size)


@dataclass(frozen=True, slots=True)
class Transcoding:
    """The handler of jobs of kind `transcode`; one call is one pass through the file.

    Attributes:
        discard: takes the id of an upload whose file is needed no more.
        root: the archive's directory.
    """

    assets: AssetStore
    disk: UploadDisk
    discard: Callable[[str], Awaitable[None]]
    transcoder: FileTranscoder
    root: Path
    hls: HlsSettings
    clock: Clock

    async def __call__(self, context: JobContext) -> Again | None:
        job = context.job
        try:
            outcome, duration = await self._pass(context)
        except JobFailed as failure:
            if not failure.retry or job.attempt >= job.attempts_max:
                await self._do_without_the_rest(job)
            raise
        if outcome.remaining:
            return Again(job.payload, _LATER_PASS_PRIORITY)
        await self._end(job, duration)
        return None

    async def _writer(self, job: Job) -> OnDemandWriter:
        delivery = Delivery(job.payload.get("delivery", Delivery.DIRECT))
        return await OnDemandWriter.open(
            self.root, job.subject, self.hls, self.clock, ENCRYPTIONS[delivery]
        )

    async def _end(self, job: Job, duration: int) -> None:
        await self.assets.end(job.subject, _now(self.clock), duration // 90)
        await self.discard(job.payload["upload"])
        log.info("upload is on demand", asset=job.subject, duration_ms=duration // 90)

    async def _do_without_the_rest(self, job: Job) -> None:
        """What an earlier pass has made stays to be watched."""
        try:
            writer = await self._writer(job)
            duration = await writer.finish(last_pass=True) if writer.renditions else None
        except OSError as error:
            log.warning("asset was not ended", asset=job.subject, reason=str(error))
            duration = None
        if duration is None:
            await self.discard(job.payload["upload"])
        else:
            await self._end(job, duration)

    async def _pass(self, context: JobContext) -> tuple[FileOutcome, int]:
        """One pass; its duration in 1/90000 s.

        Raises:
            JobFailed: in words for the owner.
        """
        job = context.job
        try:
            writer = await self._writer(job)
            try:
                outcome = await self.transcoder.run(
                    self.disk.path(job.payload["upload"]),
                    Container(job.payload["container"]),
                    writer,
                    _resume(writer),
                    lambda done: context.report(_progress(done)),
                )
                return outcome, await writer.finish(last_pass=not outcome.remaining)
            finally:
                await writer.abort()
        except Refused as refusal:
            raise JobFailed(refusal.code, refusal.sentence) from refusal
        except _FAILURES as failure:
            raise _explained(failure) from failure


_FAILURES = (AssetRemoved, FileNotFoundError, FileWorkerFailed, StorageFull, TimesDiffer)


def _explained(failure: Exception) -> JobFailed:
    match failure:
        case AssetRemoved():
            return JobFailed("deleted", "The content was deleted.")
        case FileNotFoundError():
            return JobFailed("upload_gone", "The uploaded file is gone; upload it again.")
        case TimesDiffer():
            return JobFailed(
                "changed_in_between",
                "Its other qualities do not fit the first: the server was updated in between.",
            )
        case StorageFull():
            return JobFailed(
                "storage_full",
                "The server's disk is full; its operator has to make room, then upload it again.",
                retry=True,
            )
        case _:
            return JobFailed(
                "worker_failed",
                "The program that reads the file broke off; "
                "convert it to MP4 with H.264 and AAC, and upload that.",
                retry=True,
            )


def _resume(writer: OnDemandWriter) -> Resume | None:
    """What the first pass has left to be gone on with; None before it was complete."""
    if not writer.renditions:
        return None
    return Resume(writer.boundaries, writer.renditions)


def _progress(progress: FileProgress) -> dict[str, Any]:
    return {"renditions": dict(progress.renditions)}


def _asset_of(upload: Upload, now: datetime) -> Asset:
    return Asset(
        id=upload.asset_id,
        source_id=None,
        owner=upload.owner,
        title=upload.title,
        state=AssetState.PROCESSING,
        offer=Offer.of(Price(upload.price_asset, upload.price_stroops, upload.price_seconds)),
        started_at=now,
        upload_id=upload.id,
        delivery=upload.delivery,
    )


def _now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
