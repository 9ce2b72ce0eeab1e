"""Where Postgres is found."""

from pathlib import Path

import pytest

from config import postgres_programs
from config.postgres_programs import program_folder


def _install(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "_WHEEL", "no_such_wheel")
    monkeypatch.setattr(postgres_programs, "_DEBIAN", tmp_path / "debian")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def test_the_wheel_comes_first_with_its_newest_version() -> None:
    found = program_folder()
    assert found is not None
    assert found.parent.name == "pginstall18"


@pytest.mark.usefixtures("_bare")
def test_without_a_wheel_the_newest_of_debian_is_taken(tmp_path: Path) -> None:
    _install(tmp_path / "path")
    _install(tmp_path / "debian" / "9.6" / "bin")
    newest = _install(tmp_path / "debian" / "15" / "bin")
    (tmp_path / "debian" / "16" / "bin").mkdir(parents=True)  # only client programs
    assert program_folder() == newest


@pytest.mark.usefixtures("_bare")
def test_then_the_path_is_searched(tmp_path: Path) -> None:
    assert program_folder() is None
    assert program_folder() is None
    folder = _install(tmp_path / "path")
    assert program_folder() == folder
