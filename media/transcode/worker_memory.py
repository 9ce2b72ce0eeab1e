"""How a worker's C library keeps memory."""

import ctypes

# mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def keep_memory_of_pictures(arenas: int) -> None:
    """Have malloc reuse a picture's pages for the next: getting new ones costs 2 % of CPU.

    To be called before there are threads.

    Args:
        arenas: at most so many; each reserves 64 MiB of what the jail allows.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # only glibc has it
        libc.mallopt(_ARENA_MAX, arenas)
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        libc.mallopt(_TRIM_THRESHOLD, 1 << 30)
