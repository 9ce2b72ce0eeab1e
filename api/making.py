"""The parts that turn uploads into assets, for the server and for `tollcast worker`."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from api.catalogue.asset import AssetStore
from api.storage import free_bytes
from api.transcoding import TRANSCODE, Transcoding, UploadedAssets
from config.clock import Clock
from config.job_runner import JobRunner
from config.job_store import JobStore
from config.jobs_postgres import PostgresJobStore
from config.postgres import Database
from config.settings import Settings
from ingest.upload.disk import UploadDisk
from ingest.upload.store_postgres import PostgresUploadStore
from ingest.upload.uploads import UploadRules, Uploads
from media.file.transcoder import FileSettings, FileTranscoder
from media.transcode.plan import EncoderSettings
from packager.library import HlsSettings

_TICKS_PER_MS = 90


@dataclass(frozen=True, slots=True)
class Making:
    """Uploads, the queue of jobs that they become, and who does those jobs here."""

    uploads: Uploads
    jobs: JobStore
    runner: JobRunner
    workers: int


def media_directory(data: Path) -> Path:
    """Where the archive is."""
    return data / "media"


def hls_settings(settings: Settings) -> HlsSettings:
    media = settings.media
    return HlsSettings(media.segment_milliseconds, media.window_segments, media.part_milliseconds)


def open_making(
    settings: Settings, data: Path, database: Database, assets: AssetStore, clock: Clock
) -> Making:
    """Put the parts together; nothing is started."""
    jobs = PostgresJobStore(database, clock)
    disk = UploadDisk(data / "uploads", lambda: free_bytes(data))
    uploads = Uploads(
        PostgresUploadStore(database),
        disk,
        UploadedAssets(assets, jobs, clock),
        clock,
        _upload_rules(settings),
    )
    transcoding = Transcoding(
        assets=assets,
        disk=disk,
        discard=uploads.discard,
        transcoder=FileTranscoder(_file_settings(settings), clock),
        root=media_directory(data),
        hls=hls_settings(settings),
        clock=clock,
    )
    workers = settings.jobs.count(os.cpu_count() or 1)
    runner = JobRunner(
        jobs,
        {TRANSCODE: transcoding},
        clock,
        workers=workers,
        worker_name=f"{socket.gethostname()}:{os.getpid()}",
    )
    return Making(uploads, jobs, runner, workers)


def _upload_rules(settings: Settings) -> UploadRules:
    uploads = settings.uploads
    return UploadRules(
        bytes_max=uploads.bytes_max,
        quota=uploads.quota_bytes,
        expire_hours=uploads.expire_hours,
    )


def _file_settings(settings: Settings) -> FileSettings:
    preset = "veryfast" if settings.media.preset == "auto" else settings.media.preset
    return FileSettings(
        segment_ticks=settings.media.segment_milliseconds * _TICKS_PER_MS,
        encoder=EncoderSettings(preset=preset, b_frames=3),
        jail_minimum=settings.jail_level_minimum,
    )
