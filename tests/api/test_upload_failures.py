"""Whatever can go wrong with an upload has an answer of its own."""

import pytest

from api.upload_failures import UPLOAD_FAILURES, upload_problem
from ingest.upload.checksum import InvalidChecksum
from ingest.upload.description import InvalidDescription
from ingest.upload.upload import OffsetMismatch, QuotaExceeded, UploadError
from media.file.refusal import RefusalCode, Refused

PLAIN = sorted(set(UploadError.__subclasses__()) - {OffsetMismatch, QuotaExceeded}, key=str)
ALL: list[Exception] = [
    *(kind() for kind in PLAIN),
    OffsetMismatch(7),
    QuotaExceeded(7),
    InvalidChecksum("7 bytes"),
    InvalidDescription("7 characters"),
    Refused(RefusalCode.PLAYLIST, "M3U"),
]


@pytest.mark.parametrize("error", ALL, ids=lambda error: type(error).__name__)
def test_each_failure_is_answered_in_words(error: Exception) -> None:
    problem = upload_problem(error)

    assert isinstance(error, UPLOAD_FAILURES)
    assert 400 <= problem.status < 600
    assert problem.title


def test_no_two_failures_are_told_alike() -> None:
    codes = [upload_problem(kind()).code for kind in PLAIN]

    assert len(set(codes)) == len(codes)
    assert upload_problem(OffsetMismatch(7)).headers["Upload-Offset"] == "7"
    assert "7" in upload_problem(QuotaExceeded(7)).detail
    assert "playlist (M3U)" in upload_problem(Refused(RefusalCode.PLAYLIST, "M3U")).detail
