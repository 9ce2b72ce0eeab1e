"""The package names at the top level are ours alone."""

import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

from config.layout import PACKAGES

_ROOT = Path(__file__).parents[1]
_PROVIDERS = importlib.metadata.packages_distributions()


@pytest.mark.parametrize("name", [*PACKAGES, "scripts"])
def test_a_package_resolves_to_this_tree(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin == str(_ROOT / name / "__init__.py")


@pytest.mark.parametrize("name", [*PACKAGES, "scripts", "tests"])
def test_no_other_distribution_provides_a_package_of_that_name(name: str) -> None:
    assert set(_PROVIDERS.get(name, [])) <= {"tollcast"}


def test_every_folder_with_an_init_file_at_the_top_is_declared() -> None:
    found = {path.parent.name for path in _ROOT.glob("*/__init__.py")}
    assert found == {*PACKAGES, "scripts"}
