"""Every input that was kept, first ones and failed ones, goes through its target."""

import pytest

from tests.fuzz.target import KEPT
from tests.fuzz.targets import TARGETS

INPUTS = sorted(path for path in KEPT.glob("*/*") if path.is_file())


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_were_kept_break_no_promise(name: str) -> None:
    kept = [path for path in INPUTS if path.parent.name == name]
    assert kept, "a fuzzer that begins with nothing finds little"
    for path in kept:
        try:
            TARGETS[name].check(path.read_bytes())
        except Exception as error:
            error.add_note(f"with {path}")
            raise


def test_every_input_that_was_kept_belongs_to_a_target() -> None:
    assert {path.parent.name for path in INPUTS} == set(TARGETS)
