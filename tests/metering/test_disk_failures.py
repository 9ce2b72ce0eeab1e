"""A disk that is full, or loses what was written: what a viewer was told is saved is there."""

from pathlib import Path

import pytest

from tests.config.failing_disk import FailingDisk
from tests.metering.disk_failures import run

pytestmark = [pytest.mark.process, pytest.mark.peer]


async def test_nothing_that_was_answered_as_saved_is_missing_after_the_disk_has_failed(
    tmp_path: Path,
) -> None:
    """Twenty times each: `python -m tests.metering.disk_failures`."""
    disk = FailingDisk(tmp_path)
    try:
        found = await run(disk, times=1)
    finally:
        await disk.server.stop()
    assert (found.full, found.lost, found.missing) == (1, 1, 0)
    assert found.refused > 0
    assert found.told > 0
