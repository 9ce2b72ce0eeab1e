"""A serving process: `python -m api.serving LINK CHANNEL LISTENER...`, all of them descriptors."""

import signal
import socket
import sys
from collections.abc import Sequence

import uvloop

from api.serving.serving_side import ServingSide
from config.child import die_with_parent


def main(arguments: Sequence[str]) -> None:
    """Serve until the main process says so, or has gone."""
    die_with_parent(signal.SIGKILL)
    link, channel, *listeners = [socket.socket(fileno=int(number)) for number in arguments]
    uvloop.run(_serve(link, channel, listeners))


async def _serve(
    link: socket.socket, channel: socket.socket, listeners: Sequence[socket.socket]
) -> None:
    await ServingSide(channel, listeners).serve(link)


if __name__ == "__main__":
    main(sys.argv[1:])
