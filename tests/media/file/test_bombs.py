"""Small files that ask for much get little, and soon."""

from pathlib import Path

import pytest

from media.file.container import Container
from tests.media.file.bombs import bombs
from tests.media.file.run_files import Ran, run_files

CPU_MS_MAX = 2_000
RSS_MIB_MAX = 300


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    directory = tmp_path_factory.mktemp("bombs")
    files: list[tuple[str, Path, Container]] = []
    for number, (name, (container, data)) in enumerate(bombs().items()):
        files.append((name, directory / str(number), container))
        files[-1][1].write_bytes(data)
    results = run_files(files, directory=directory, timeout=110)
    assert [one.name for one in results] == list(bombs())
    return results


@pytest.mark.process
def test_each_bomb_has_its_verdict_within_two_seconds_and_300_mib(ran: list[Ran]) -> None:
    assert len(ran) >= 30
    assert [one for one in ran if one.cpu_ms > CPU_MS_MAX or one.rss_mib > RSS_MIB_MAX] == []


@pytest.mark.process
def test_no_bomb_is_tried_again(ran: list[Ran]) -> None:
    """It is done or refused, with a sentence; a failed worker would be started once more."""
    assert [one for one in ran if one.ending == "failed"] == []
    assert [one.name for one in ran if one.ending != "done" and not one.why] == []


@pytest.mark.process
def test_no_bomb_bills_more_than_its_bytes_can_hold(ran: list[Ran]) -> None:
    sizes = {name: len(data) for name, (_, data) in bombs().items()}
    over = [one for one in ran if one.duration_ms > 1_000 + sizes[one.name] * 8]
    year = next(one for one in ran if one.name == "a year in 2 kB")

    assert over == []
    assert year.ending == "done"
    assert year.duration_ms <= 1_000
