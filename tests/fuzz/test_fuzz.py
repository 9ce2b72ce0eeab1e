"""Each target is fuzzed for a moment, in a process of its own, with the same inputs each time."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scripts.fuzz import fuzz
from tests.fuzz.needle import NEEDLE
from tests.fuzz.targets import TARGETS

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        importlib.util.find_spec("atheris") is None,
        reason="atheris has no wheel for this Python",
    ),
]

SECONDS = 10
RUNS = 3_000
SEED = 20_261_130
SIDE_BY_SIDE = 2


def test_a_moment_of_fuzzing_breaks_no_promise(tmp_path: Path) -> None:
    """They share the time of one test: what a target does by itself is mostly to start."""

    def moment(name: str) -> str:
        found = tmp_path / name / "found"
        done = fuzz(TARGETS[name], SECONDS, tmp_path / name / "learnt", found, seed=SEED, runs=RUNS)
        return "" if done.returncode == 0 else f"{name}: {done.stderr.decode()[-2_000:]}"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        failures = [failure for failure in threads.map(moment, TARGETS) if failure]

    assert not failures, "\n".join(failures)


def test_the_fuzzer_finds_what_is_wrong(tmp_path: Path) -> None:
    done = fuzz(NEEDLE, SECONDS, tmp_path / "learnt", tmp_path / "found", seed=SEED, runs=RUNS)

    assert done.returncode != 0
    (found,) = (tmp_path / "found").glob("crash-*")
    with pytest.raises(AssertionError):
        NEEDLE.check(found.read_bytes())
