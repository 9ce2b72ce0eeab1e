"""The command that shows a simulated history; that it does is tested with the simulation."""

from pathlib import Path

import pytest

from api.replay import NeedsCheckout, replay


def test_an_installed_program_says_that_it_needs_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(NeedsCheckout, match=r"run this in a checkout, as `./run tollcast replay"):
        replay(7, tmp_path)
