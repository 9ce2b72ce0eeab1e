"""What `./run test` runs."""

from pathlib import Path

from scripts.test import ALONE_FOLDER

_TESTS = Path(__file__).parents[1]
_MARK = "mark." + "alone"


def test_whatever_runs_alone_is_where_it_is_looked_for() -> None:
    marked = {path for path in _TESTS.rglob("*.py") if _MARK in path.read_text(encoding="utf-8")}
    assert marked
    assert {
        path for path in marked if not path.is_relative_to(_TESTS.parent / ALONE_FOLDER)
    } == set()
