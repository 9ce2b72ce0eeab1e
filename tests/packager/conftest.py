"""A library over an archive in a temporary directory."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.clock import ManualClock
from packager.archive import Archive
from packager.library import HlsSettings, Library


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def archive(tmp_path: Path, clock: ManualClock) -> Archive:
    return Archive(tmp_path / "archive", clock)


@pytest.fixture
async def library(archive: Archive, clock: ManualClock) -> AsyncIterator[Library]:
    library = Library(archive, clock, HlsSettings(segment_target_ms=2000))
    await library.start()
    yield library
    await library.stop()
