"""Something of a live that players wait for, told to all of them at once."""

from collections.abc import Callable


class Arrival:
    """Comes once, and then is forgotten by whoever made it.

    Callbacks instead of a future for each: a thousand blocked reloads are released in one loop,
    without a task switch between them.

    Attributes:
        found: what the first one who is told has found, for the next ones: nothing changes before
            all of them are told.
    """

    __slots__ = ("_callbacks", "_came", "found")

    def __init__(self) -> None:
        self._callbacks: dict[Callable[[], None], None] = {}
        self._came = False
        self.found: object = None

    @property
    def came(self) -> bool:
        return self._came

    def __len__(self) -> int:
        """How many wait."""
        return len(self._callbacks)

    def then(self, callback: Callable[[], None]) -> None:
        """Have it called once, in the order of asking; at once when it has come."""
        if self._came:
            callback()
            self.found = None
        else:
            self._callbacks[callback] = None

    def forget(self, callback: Callable[[], None]) -> None:
        """Call it no more."""
        self._callbacks.pop(callback, None)

    def come(self) -> None:
        """Tell all who wait. Again is the same as once."""
        self._came = True
        callbacks, self._callbacks = self._callbacks, {}
        for callback in callbacks:
            callback()
        self.found = None
