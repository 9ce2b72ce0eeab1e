"""Folders that are written through to the disk."""

import os
import sys
from pathlib import Path

import pytest

from config.disk_sync import sync_entry, sync_tree


@pytest.mark.parametrize("platform", [sys.platform, "another"])
def test_a_tree_of_files_and_folders_is_synced_on_every_system(
    tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base" / "1").mkdir(parents=True)
    (tmp_path / "base" / "1" / "1259").write_bytes(bytes(8192))
    synced: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "fsync", noted)
    sync_tree(tmp_path / "base")
    if platform == "another":
        base = tmp_path / "base"
        assert synced == [base, base / "1" / "1259", base / "1", tmp_path]


def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    for sync in (sync_tree, sync_entry):
        with pytest.raises(FileNotFoundError):
            sync(tmp_path / "nothing")
