"""Other names of a folder, from what is mounted where."""

from pathlib import Path

from config.mounts import aliases, read_mounts

_MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:5 / /proc rw - proc proc rw
30 22 8:1 /srv/data /mnt/copy\040of\040it rw - ext4 /dev/sda1 rw
31 22 8:1 /etc /mnt/etc rw - ext4 /dev/sda1 rw
32 22 8:2 / /srv/other rw - ext4 /dev/sdb1 rw
33 22 8:2 /kept /mnt/kept rw - ext4 /dev/sdb1 rw
""".strip()


def test_a_folder_has_a_name_for_each_mount_that_shows_it() -> None:
    mounts = list(read_mounts(_MOUNTS))
    for folder, names in (
        ("/srv/data/signer", ["/mnt/copy of it/signer"]),
        ("/srv/other/kept", ["/mnt/kept"]),
        ("/srv/other/else", []),
        ("/var/data", []),
    ):
        assert aliases(Path(folder), mounts) == [Path(name) for name in names]
    assert aliases(Path("/srv/data"), []) == []


def test_this_systems_mounts_are_read() -> None:
    mounts = list(read_mounts(Path("/proc/self/mountinfo").read_text()))
    assert any(mount.point == Path("/proc") for mount in mounts)
