"""What a server knows of the others on its database, and how they hear of each other."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from metering.leases.lease import Server


class Home(NamedTuple):
    """A lease of a server that is there: sessions may be opened under it, for it to take up."""

    fence: int
    server: Server


class Others(Protocol):
    """The other servers. Each call may raise `MeterUnavailable`."""

    @property
    def are_there(self) -> bool:
        """Whether there were any a second ago."""

    async def attend(
        self, fence: Callable[[], int], heard: Callable[[str], None], gone: Callable[[], None]
    ) -> None:
        """Be there for the others, until cancelled.

        Args:
            fence: of the lease that this process has now.
            heard: called with each word that is said, by whomever; with "" when listening begins:
                what was said before is missed.
            gone: called when the lease of a server that has ended was given back in its name.

        Raises:
            MeterUnavailable: this is over because the store is away; begin again.
        """

    async def tell(self, words: Sequence[str]) -> None:
        """Let everybody who attends hear these words."""

    async def home_of_viewer(self, viewer: str) -> Home | None:
        """Who meters the newest of a viewer's open sessions; None: nobody who is there."""

    async def home_of_server(self, server_id: str) -> Home | None:
        """A server's lease; None when it is not there."""

    async def open_on(self, viewer: str, asset_id: str) -> list[str]:
        """A viewer's open sessions on an asset."""
