"""Secrets on disk."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.secret_files import SecretExposed, SecretFiles


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "secrets"
    secret, made = SecretFiles(folder).create_or_read("token")
    assert made
    assert len(secret) >= 43
    assert SecretFiles(folder).create_or_read("token") == (secret, False)
    assert SecretFiles(folder).read("token") == secret
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["token"]


def test_a_secret_may_have_a_shape_of_its_own(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path / "secrets")
    assert files.create_or_read("seed", lambda: "SEED") == ("SEED", True)
    assert files.read("none") is None


def test_all_who_start_at_once_get_the_same(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path / "secrets")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: files.create_or_read("token"), range(32)))
    assert len({secret for secret, _ in found}) == 1
    assert sum(made for _, made in found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    files = SecretFiles(tmp_path / "secrets")
    files.create_or_read("token")
    (tmp_path / "secrets" / "token").chmod(mode)
    with pytest.raises(SecretExposed, match="chmod 600"):
        files.create_or_read("token")


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path / "secrets")
    files.create_or_read("token")
    (tmp_path / "secrets").chmod(0o755)
    with pytest.raises(SecretExposed, match="chmod 700"):
        files.read("token")
    with pytest.raises(SecretExposed, match="chmod 700"):
        files.create_or_read("other")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path / "secrets")
    files.create_or_read("token")
    os.chown(tmp_path / "secrets" / "token", 4242, 4242)
    with pytest.raises(SecretExposed, match="another user"):
        files.read("token")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    files = SecretFiles(tmp_path / "secrets")
    files.create_or_read("token")
    (tmp_path / "secrets" / "link").symlink_to("token")
    with pytest.raises(OSError, match="symbolic link"):
        files.read("link")
