"""What HTTP says about uploads that cannot go on."""

from collections.abc import Callable

from api.errors import Problem, invalid, not_found, unavailable
from ingest.upload.checksum import InvalidChecksum
from ingest.upload.description import InvalidDescription
from ingest.upload.upload import (
    BodyTooSlow,
    ChecksumMismatch,
    OffsetMismatch,
    QuotaExceeded,
    StorageFull,
    TooManyBodies,
    TooManyUploads,
    UnknownUpload,
    UploadBusy,
    UploadComplete,
    UploadError,
    UploadExpired,
    UploadTooLarge,
)
from media.file.refusal import Refused

UPLOAD_FAILURES = (UploadError, Refused, InvalidDescription, InvalidChecksum)
"""What `upload_problem` has an answer for."""


def upload_problem(error: Exception) -> Problem:
    """The answer to one of UPLOAD_FAILURES."""
    return _PROBLEMS[type(error)](error)


def _refused(error: Exception) -> Problem:
    assert isinstance(error, Refused)
    return Problem(415, str(error.code), "This file is not taken", error.sentence)


def _offset_mismatch(error: Exception) -> Problem:
    assert isinstance(error, OffsetMismatch)
    return Problem(
        409,
        "offset_mismatch",
        "The upload has got elsewhere",
        f"{error.offset} bytes have come",
        {"Upload-Offset": str(error.offset)},
    )


def _quota_exceeded(error: Exception) -> Problem:
    assert isinstance(error, QuotaExceeded)
    return Problem(
        413,
        "quota_exceeded",
        "Your uploads would take more than they may",
        f"{error.left} bytes are left until earlier uploads have been transcoded or deleted",
    )


_PROBLEMS: dict[type[Exception], Callable[[Exception], Problem]] = {
    Refused: _refused,
    OffsetMismatch: _offset_mismatch,
    QuotaExceeded: _quota_exceeded,
    InvalidDescription: lambda error: invalid(str(error)),
    InvalidChecksum: lambda error: invalid(str(error)),
    UnknownUpload: lambda _: not_found("no such upload"),
    UploadExpired: lambda _: Problem(
        410, "upload_expired", "This upload was given up", "nothing came for too long; start anew"
    ),
    UploadBusy: lambda _: Problem(
        423,
        "upload_locked",
        "Another request works on this upload",
        "try again in a moment",
        {"Retry-After": "1"},
    ),
    UploadComplete: lambda _: Problem(
        409, "upload_complete", "This upload is content already", "delete the content instead"
    ),
    UploadTooLarge: lambda _: Problem(
        413, "too_large", "These are too many bytes", "more than a file may have or was declared"
    ),
    TooManyUploads: lambda _: Problem(
        429, "too_many_uploads", "Too many unfinished uploads", "finish or delete some first"
    ),
    TooManyBodies: lambda _: unavailable("too many uploads at once", retry_after_s=5),
    StorageFull: lambda _: Problem(
        507, "storage_full", "The server's disk is full", "there is no room for this file now"
    ),
    BodyTooSlow: lambda _: Problem(
        408, "too_slow", "The body came too slowly", "", {"Connection": "close"}
    ),
    # The status is the specification's own: tus 1.0, extension Checksum.
    ChecksumMismatch: lambda _: Problem(
        460, "checksum_mismatch", "The checksum does not match", "send these bytes again"
    ),
}
