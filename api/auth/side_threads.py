"""Work of some milliseconds of the processor, done beside the loop in a few threads."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from api.errors import unavailable


class SideThreads:
    """A few threads with a queue that has an end.

    Args:
        name: of the threads, and of the work.
        threads: Python code in them takes turns with the loop; C code that lets go of Python's lock
            does not.
        waiting_max: more are told to come back.
    """

    def __init__(self, name: str, threads: int, waiting_max: int) -> None:
        self._name = name
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting = 0
        self._waiting_max = waiting_max

    async def run[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` returns or raises.

        Raises:
            Problem: 503, too much of it is waiting.
        """
        if self._waiting >= self._waiting_max:
            raise unavailable(f"too many wait for their {self._name}", retry_after_s=2)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        """Take no more work; what has begun ends by itself, soon."""
        self._threads.shutdown(wait=False, cancel_futures=True)
