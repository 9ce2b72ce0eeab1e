"""What Landlock is told: everything it knows is handled, and nothing of it is granted.

landlock(7); the struct and its bits grew with the ABI.
"""

import struct

# Of the file system: execute, write, read, list, remove, and seven ways to make something.
_FILES_ABI_1 = (1 << 13) - 1
_FILES_SINCE = {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}  # linking elsewhere, truncation, ioctl
_NETWORK_SINCE_4 = 0b11  # TCP: bind and connect
_SCOPES_SINCE_6 = 0b11  # abstract Unix sockets and signals of processes outside


def ruleset(abi: int) -> bytes:
    """`struct landlock_ruleset_attr` for a kernel of that ABI; newer ones take that of 6."""
    files = _FILES_ABI_1
    for since, right in _FILES_SINCE.items():
        if abi >= since:
            files |= right
    if abi >= 6:
        return struct.pack("=QQQ", files, _NETWORK_SINCE_4, _SCOPES_SINCE_6)
    if abi >= 4:
        return struct.pack("=QQ", files, _NETWORK_SINCE_4)
    return struct.pack("=Q", files)
