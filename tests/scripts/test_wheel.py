"""What is shipped: the wheel's contents, built the way the image builds it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from config.layout import PACKAGES

pytestmark = pytest.mark.process

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=_ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_our_six_packages_and_nothing_else(files: set[str]) -> None:
    tops = {name.partition("/")[0] for name in files}
    metadata = {top for top in tops if top.endswith(".dist-info")}
    assert len(metadata) == 1
    assert tops - metadata == set(PACKAGES)


def test_every_module_and_every_migration_is_shipped(files: set[str]) -> None:
    ours = {
        str(path.relative_to(_ROOT))
        for package in PACKAGES
        for pattern in ("*.py", "*.sql")
        for path in (_ROOT / package).rglob(pattern)
        if "node_modules" not in path.parts
    }
    assert ours
    assert ours <= files


def test_the_built_pages_are_shipped_and_their_sources_are_not(files: set[str]) -> None:
    web = {name for name in files if name.startswith("api/web/")}
    assert not any("node_modules" in name or name.endswith(".ts") for name in web)
    dist = _ROOT / "api" / "web" / "dist"
    built = {str(path.relative_to(_ROOT)) for path in dist.rglob("*") if path.is_file()}
    assert web == built


def test_the_console_command_is_declared(files: set[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in files)
