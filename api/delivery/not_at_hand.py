"""What an answer needs may be in another process."""

import asyncio


class NotAtHand(Exception):
    """It has to be fetched first; whoever may wait awaits `fetched` and tries again.

    What a serving process knows of packages and sessions raises it where the main process's own
    objects answer at once: `look`, `require_open`, `multivariant`, `playlist`, `arrival`.
    """

    def __init__(self, coming: asyncio.Future[None]) -> None:
        super().__init__()
        self._coming = coming

    async def fetched(self) -> None:
        """Return when it is at hand.

        Raises:
            Exception: what the question came to, e.g. UnknownRendition or SessionClosed.
        """
        await asyncio.shield(self._coming)
