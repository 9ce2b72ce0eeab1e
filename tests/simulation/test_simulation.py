"""Whatever goes wrong, nobody is charged twice or for nothing, and everybody is paid: in thousands
of histories, each made of its seed. `tollcast replay SEED` shows one.

They are the same ones each time, so that a commit which changes nothing cannot fail here. Ones that
nobody has tried yet are looked for by `python -m tests.simulation --seconds 600`.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from tests.simulation.bugs import BUGS, Bug, planted
from tests.simulation.history import History
from tests.simulation.replay import lines, replay
from tests.simulation.simulation import simulate

ROOT = Path(__file__).parents[2]
SEEDS = Path(__file__).with_name("seeds.txt")

# In parts, so that processors share them.
PARTS, HISTORIES_A_PART = 20, 250
# What runs in a second on a slow machine: so soon each planted bug is found.
HISTORIES_A_SECOND = 80
FIRST_SEED = 1_000_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What the program logs is not for thousands of histories."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.configure(**before)


def told(history: History) -> str:
    """What to do about a history that went wrong."""
    return (
        f"seed={history.seed}: {history.violation}\n"
        f"./run tollcast replay {history.seed} shows it; note it in {SEEDS.relative_to(ROOT)}"
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_breaks_an_invariant_and_all_come_to_rest(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    first = FIRST_SEED + part * HISTORIES_A_PART
    counts: Counter[str] = Counter()
    histories = [simulate(seed) for seed in range(first, first + HISTORIES_A_PART)]
    for history in histories:
        assert history.violation is None, told(history)
        counts += history.counts
    assert len(histories) == HISTORIES_A_PART
    for what, count in sorted(counts.items()):
        record_property(what, count)
    kinds = ("before", "amid", "after")
    assert all(counts[f"database: crash {kind}"] > 10 for kind in kinds)
    assert all(counts[f"database: lost {kind}"] > 10 for kind in ("before", "after"))
    assert counts["settlement: applied"] > 100


def seeds_that_failed() -> list[int]:
    found = [line.partition("#")[0].strip() for line in SEEDS.read_text().splitlines()]
    return [int(seed) for seed in found if seed]


def test_what_went_wrong_once_does_so_no_more() -> None:
    for seed in seeds_that_failed():
        history = simulate(seed)
        assert history.violation is None, told(history)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.title)
def test_a_planted_bug_is_found_within_a_second_of_simulation(
    bug: Bug, record_property: Callable[[str, object], None]
) -> None:
    with planted(bug):
        for number in range(HISTORIES_A_SECOND):
            history = simulate(FIRST_SEED + number)
            if history.violation is not None:
                record_property(f"history {number + 1}", history.violation)
                return
    pytest.fail(f"not found: {bug.title}")


def test_a_seed_makes_the_same_history_each_time() -> None:
    for seed in range(20):
        first, second = simulate(seed), simulate(seed)
        assert (first.hash, first.counts) == (second.hash, second.counts)
    assert len({simulate(seed).hash for seed in range(20)}) == 20


def test_logging_changes_nothing_and_is_shown_in_its_place() -> None:
    history = replay(1)
    assert history.hash == simulate(1).hash
    shown = list(lines(history))
    assert len(shown) == len(history.events) + len(history.logs)
    assert any("~ meter runs" in line for line in shown)


@pytest.mark.process
def test_the_command_shows_a_history_and_makes_the_same_of_its_seed() -> None:
    """In a process in which sets of strings have another order."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "replay", "7"],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert f"seed 7, trace {simulate(7).hash}" in done.stdout
    assert "violation: none" in done.stdout
    assert "at rest" in done.stdout
