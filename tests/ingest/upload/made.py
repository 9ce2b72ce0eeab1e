"""Uploads and files as tests need them."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ingest.upload.upload import Upload, UploadState

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def upload(number: int, **changes: Any) -> Upload:
    """The upload with this number, of 1,000 bytes unless told otherwise."""
    made = Upload(
        id=f"upl_{number:026d}",
        owner="acc_one",
        asset_id=f"ast_{number:026d}",
        size=1_000,
        title=f"Film № {number}",
        filename="film.wav",
        metadata="filename ZmlsbS53YXY=",
        price_stroops=5_000_000,
        price_seconds=3_600,
        price_asset="XLM",
        resumable=True,
        state=UploadState.RECEIVING,
        created_at=CREATED_AT,
        expires_at=CREATED_AT,
    )
    return replace(made, **changes)


def wav(size: int, seed: int = 1) -> bytes:
    """So many bytes that pass for a WAV file at first sight; noise after the head."""
    head = b"RIFF\xff\xff\xff\xffWAVEfmt "
    return head + random.Random(seed).randbytes(size - len(head))
