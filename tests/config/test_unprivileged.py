"""What root's children are allowed."""

import os
import subprocess
from pathlib import Path

import pytest

from config import unprivileged
from config.unprivileged import CannotDropRights, can_reach, unprivileged_command

_ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to drop")


def test_an_ordinary_user_passes_folders_by_owner_group_and_others(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for mode, user, group, passes in (
        (0o711, 4242, 4242, True),
        (0o700, 4242, 4242, False),
        (0o710, 4242, os.getegid(), True),
        (0o701, 4242, os.getegid(), False),
        (0o700, os.geteuid(), 4242, True),
    ):
        folder.chmod(mode)
        assert unprivileged._may_pass(folder, user, group) is passes


def test_a_link_is_reached_only_when_its_target_is(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "file").touch()
    link = Path("/tmp") / f"tollcast-link-{os.getpid()}"
    link.symlink_to(closed / "file")
    try:
        closed.chmod(0o700)
        assert not can_reach(link, 4242, 4242)
    finally:
        link.unlink()
    assert can_reach(Path("/usr/bin/env"), 4242, 4242)


@_ROOT_ONLY
def test_root_becomes_nobody_without_groups_and_rights() -> None:
    command = unprivileged_command(["/bin/cat", "/proc/self/status"], [Path("/bin/cat")])
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    fields = dict(line.split(":", 1) for line in said.splitlines())
    user, group = unprivileged.account_ids()
    assert fields["Uid"].split() == [str(user)] * 4
    assert fields["Gid"].split() == [str(group)] * 4
    assert fields["Groups"].split() == []
    assert all(int(fields[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"))


@_ROOT_ONLY
def test_a_program_below_a_closed_folder_runs_with_one_right(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.write_text("#!/bin/sh\ncat /proc/self/status; cat " + str(closed / "program"))
    program.chmod(0o755)
    command = unprivileged_command([str(program)], [program])
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    fields = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    assert int(fields["CapEff"], 16) == 1 << (unprivileged.passing_capability() or 0)
    assert "#!/bin/sh" in said


@_ROOT_ONLY
def test_a_closed_folder_and_no_right_to_hand_on_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "passing_capability", lambda: None)
    tmp_path.chmod(0o700)
    with pytest.raises(CannotDropRights, match="closed to others"):
        unprivileged_command(["/bin/true"], [tmp_path / "program"])


def test_a_system_without_the_account_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "ACCOUNT", "no-such-account")
    with pytest.raises(CannotDropRights, match="no-such-account"):
        unprivileged.account_ids()


def test_an_ordinary_user_stays_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    command = unprivileged_command(["/usr/bin/id", "-u"], [Path("/usr/bin/id")])
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.strip() == str(os.getuid())


def test_a_program_whose_parent_is_gone_does_not_start() -> None:
    command = unprivileged_command(["/bin/echo", "started"], [])
    command[4] = "1"
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stdout == ""
