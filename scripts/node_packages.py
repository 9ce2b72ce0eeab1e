"""Programs in JavaScript that we are compared with, and players: installed from a lock file."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_PEERS = Path(__file__).parents[1] / "tests" / "peers"
_FILES = ("package.json", "package-lock.json", "node_media_server.js")
_SECONDS_MAX = 180


class NodeUnavailable(Exception):
    """There is no node, or its packages cannot be fetched."""


def node_media_server() -> tuple[str, str]:
    """The command; its argument is JSON, see `tests/peers/node_media_server.js`.

    Raises:
        NodeUnavailable: with the reason.
    """
    folder = _installed()
    return _program("node"), str(folder / "node_media_server.js")


def player_files() -> dict[str, Path]:
    """What a page loads to play: `hls.min.js` as in our own pages, and `shaka.js`.

    Raises:
        NodeUnavailable: with the reason.
    """
    packages = _installed() / "node_modules"
    return {
        "hls.min.js": packages / "hls.js" / "dist" / "hls.min.js",
        "shaka.js": packages / "shaka-player" / "dist" / "shaka-player.compiled.js",
    }


def _installed() -> Path:
    """The folder of the packages: beside Python's own, and new when one of the files is."""
    folder = Path(sys.prefix) / "peers"
    if not all(_is_same(folder / name, _PEERS / name) for name in _FILES):
        npm = _program("npm")
        with tempfile.TemporaryDirectory(dir=sys.prefix) as directory:
            unfinished = Path(directory) / "peers"
            unfinished.mkdir()
            for name in _FILES:
                shutil.copy(_PEERS / name, unfinished)
            _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=unfinished)
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
    return folder


def _is_same(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _program(name: str) -> str:
    """The system's, or the one that `./run` installed."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.prefix) / "node"))
    if found is None:
        raise NodeUnavailable(f"{name} is not on the path")
    return found


def _run(*command: str, folder: Path) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            check=True,
            timeout=_SECONDS_MAX,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "npm_config_update_notifier": "false"},
        )
    except (OSError, subprocess.SubprocessError) as reason:
        raise NodeUnavailable(f"the packages cannot be installed: {reason}") from reason
