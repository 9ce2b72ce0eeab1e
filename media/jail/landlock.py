"""What Landlock is told: what it handles, and what of that is granted beneath which folder.

landlock(7); the struct and its bits grew with the ABI.
"""

import struct

# Of the file system: execute, write, read, list, remove, and seven ways to make something.
_FILES_ABI_1 = (1 << 13) - 1
_FILES_SINCE = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # linking elsewhere, truncation, ioctl
_NETWORK_SINCE_4 = 0b11  # TCP: bind and connect
_SCOPES_SINCE_6 = 0b11  # abstract Unix sockets and signals of processes outside


# Of those the ones that a file can have, which is no folder: execute, write, read, truncate, ioctl.
_OF_A_FILE = 0b111 | 1 << 14 | 1 << 15
READ_FOLDER = 1 << 3
"""To see which names are in a folder."""
_MAKE_DEVICES = 1 << 6 | 1 << 11  # of characters, of blocks


def ruleset(abi: int) -> bytes:
    """`struct landlock_ruleset_attr` of a jail, where all is handled and nothing granted, for a
    kernel of that ABI; newer ones take that of 6.
    """
    files = file_rights(abi)
    if abi >= 6:
        return struct.pack("=QQQ", files, _NETWORK_SINCE_4, _SCOPES_SINCE_6)
    if abi >= 4:
        return struct.pack("=QQ", files, _NETWORK_SINCE_4)
    return struct.pack("=Q", files)


def files_only(abi: int) -> bytes:
    """`struct landlock_ruleset_attr` that handles all of the file system, and nothing else."""
    return struct.pack("=Q", file_rights(abi))


def file_rights(abi: int) -> int:
    """All rights in the file system that a kernel of that ABI knows."""
    rights = _FILES_ABI_1
    for since, right in _FILES_SINCE.items():
        if abi >= since:
            rights |= right
    return rights


def all_but_devices(abi: int, *, folder: bool) -> int:
    """What is granted beneath a folder, or for a file, where nothing is to be kept away: all but
    making devices, through which a disk could be read past its files.
    """
    rights = file_rights(abi) & ~_MAKE_DEVICES
    return rights if folder else rights & _OF_A_FILE


def path_rule(rights: int, descriptor: int) -> bytes:
    """`struct landlock_path_beneath_attr`, which is packed."""
    return struct.pack("=Qi", rights, descriptor)
