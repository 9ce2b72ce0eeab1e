"""How an upload ends that does not become content: removed, counted, and said once."""

from enum import StrEnum

import structlog

from config.telemetry import counter
from ingest.upload.disk import UploadDisk
from ingest.upload.store import UploadStore
from ingest.upload.upload import Upload

log = structlog.get_logger(__name__)

_ends = counter(
    "uploads_ended_total", "Uploads that were removed before they were content", ("end",)
)


class End(StrEnum):
    """Why."""

    REFUSED = "refused"
    TERMINATED = "terminated"
    ABORTED = "aborted"
    EXPIRED = "expired"


async def forget(store: UploadStore, disk: UploadDisk, upload: Upload, end: End) -> None:
    """Remove file and row, in this order: what is still on disk counts against the quota."""
    await disk.remove(upload.id)
    await store.remove(upload.id)
    _ends.labels(end).inc()
    log.info("upload is gone", upload=upload.id, end=str(end))
