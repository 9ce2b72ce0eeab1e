"""Nothing that is uploaded makes us open anything but itself."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.limits import SNIFF_BYTES
from media.file.refusal import RefusalCode, Refused
from media.file.sniff import sniff
from tests.media.file.impostors import SECRETS, impostors
from tests.media.file.neighbours import Canary, WatchedFiles
from tests.media.file.run_files import ROOT, run_files
from tests.media.file.tiny_files import tiny_files

WITH_MEDIA_OF_THEIR_OWN = {
    "flac with a linked cover",
    "mp3 with a linked cover",
    "mkv with a playlist attached",
    "mkv with linked segments",
    "flv with addresses",
}


@dataclass(frozen=True, slots=True)
class Trap:
    """Impostors in a directory with secrets."""

    directory: Path
    canary: Canary
    secrets: WatchedFiles
    files: dict[str, Path]

    def open_in_child(self, mode: str, paths: list[Path]) -> None:
        ended = subprocess.run(
            [sys.executable, "-m", "tests.media.file.open_unjailed", mode, *map(str, paths)],
            cwd=self.directory,
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr.decode("utf-8", "replace")[-2_000:]


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Trap]:
    tiny = tiny_files()
    contents = {
        "secret.mp4": tiny["h264 aac mp4"][1],
        "secret.ts": tiny["h264 ac3 ts"][1],
        "secret.raw": tiny["wav"][1][44:],
    }
    for name in SECRETS:
        (tmp_path / name).write_bytes(contents.get(name, b"secret" * 99))
    canary = Canary()
    files = {}
    for number, (name, data) in enumerate(impostors(tmp_path, canary.url).items()):
        files[name] = tmp_path / f"upload_{number}.mp4"
        files[name].write_bytes(data)
    secrets = WatchedFiles([tmp_path / name for name in SECRETS])
    yield Trap(tmp_path, canary, secrets, files)
    secrets.close()
    canary.close()


def test_most_impostors_are_refused_before_anything_opens_them(trap: Trap) -> None:
    refused = 0
    for path in trap.files.values():
        try:
            sniff(path.read_bytes()[:SNIFF_BYTES])
        except Refused:
            refused += 1

    assert len(trap.files) >= 50
    assert refused >= 30


@pytest.mark.process
def test_even_without_a_jail_no_demuxer_of_ours_opens_a_neighbour_or_an_address(trap: Trap) -> None:
    trap.open_in_child("ours", list(trap.files.values()))

    assert trap.secrets.touched() == []
    assert trap.canary.hits == 0


@pytest.mark.process
def test_the_worker_makes_only_what_is_in_the_file_itself(trap: Trap) -> None:
    """Those that get past our first look, in a directory with secrets, as an upload would be."""
    accepted = []
    for name, path in trap.files.items():
        with contextlib.suppress(Refused):
            accepted.append((name, path, sniff(path.read_bytes()[:SNIFF_BYTES])))
    ran = run_files(accepted, directory=trap.directory, timeout=100)

    assert trap.secrets.touched() == []
    assert trap.canary.hits == 0
    assert {one.name for one in ran if one.packets} == WITH_MEDIA_OF_THEIR_OWN
    assert [one for one in ran if one.ending == "failed"] == []
    elsewhere = {one.name for one in ran if one.ending == RefusalCode.EXTERNAL_MEDIA}
    assert elsewhere == {name for name in trap.files if name.startswith("mov ")}


@pytest.mark.process
def test_the_trap_closes_when_libav_may_guess(trap: Trap) -> None:
    """Otherwise the test above would prove nothing."""
    playlist = trap.files["m3u8 of an address"].rename(trap.directory / "upload.m3u8")
    names = ("ffconcat of a neighbour", "mov alias of a neighbour")
    trap.open_in_child("guess", [playlist, *(trap.files[name] for name in names)])

    assert set(trap.secrets.touched()) == {"secret.mp4", "secret.raw"}
    assert trap.canary.hits > 0
