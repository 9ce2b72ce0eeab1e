"""Small files that ask for much get little, and soon."""

from pathlib import Path

import pytest

from media.file.container import Container
from tests.media.file.bombs import bombs
from tests.media.file.run_files import Ran, run_files

# A third of it here: processors differ, and so does what else they do.
CPU_MS_MAX = 4_000
RSS_MIB_MAX = 300


def run_all(directory: Path) -> list[tuple[Ran, int]]:
    """What each came to, and its size."""
    files: list[tuple[str, Path, Container]] = []
    sizes: list[int] = []
    for number, (name, (container, data)) in enumerate(bombs().items()):
        files.append((name, directory / str(number), container))
        files[-1][1].write_bytes(data)
        sizes.append(len(data))
    return list(zip(run_files(files, directory=directory, timeout=110), sizes, strict=True))


@pytest.mark.process
def test_each_bomb_has_its_verdict_soon_and_within_300_mib(tmp_path: Path) -> None:
    """It is done or refused, and bills no more than a second and what its bytes can hold.

    A failed worker would be started once more, so none may fail.
    """
    ran = run_all(tmp_path)
    bills = {one.name: one.duration_ms for one, _ in ran}

    assert len(ran) >= 30
    assert [one for one, _ in ran if one.cpu_ms > CPU_MS_MAX or one.rss_mib > RSS_MIB_MAX] == []
    assert [one for one, _ in ran if one.ending == "failed"] == []
    assert [one for one, _ in ran if one.ending != "done" and not one.why] == []
    assert [one for one, size in ran if one.duration_ms > 1_000 + size * 8] == []
    assert 0 < bills["a year in 2 kB"] <= 1_000
