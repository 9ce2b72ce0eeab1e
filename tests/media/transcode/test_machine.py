"""Live workers share the processors that this process may use."""

import os
from pathlib import Path

import pytest

from media.transcode.machine import Machine, available_millicores


def test_each_worker_gets_its_share() -> None:
    machine = Machine(4_000)
    assert machine.share_millicores() == 4_000
    machine.join()
    assert machine.share_millicores() == 4_000
    machine.join()
    assert machine.share_millicores() == 2_000
    machine.leave()
    assert (machine.workers, machine.share_millicores()) == (1, 4_000)


ALL = 1000 * (os.process_cpu_count() or 1)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("50000 100000\n", 500),
        ("max 100000\n", ALL),
        ("99999999999 100000\n", ALL),
        ("1 100000\n", 1),
        ("nonsense", ALL),
        ("1 0", ALL),
    ],
)
def test_a_container_has_what_its_quota_says(tmp_path: Path, limit: str, expected: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(limit)
    assert available_millicores(file) == expected


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    assert available_millicores(tmp_path / "missing") == ALL
