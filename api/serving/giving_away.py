"""Connections that ask for something else than media go on in the main process."""

from contextlib import suppress

from api.delivery.connection import Connection
from api.serving.handover import HandoverFailed, HandoverSender


class GivingAway:
    """Nobody in a serving process is lent a connection."""

    def __init__(self, sender: HandoverSender) -> None:
        self._sender = sender

    def borrow(self, connection: Connection) -> None:
        """Give it away with what was read of it. All that was answered has been taken by its
        socket, so that nothing of it is still here.
        """
        transport = connection.transport
        transport.pause_reading()
        with suppress(HandoverFailed):  # it was counted, and the client tries again
            self._sender.send(transport.get_extra_info("socket").fileno(), connection.unread)
        connection.unread = b""
        # Closes our copy of the socket alone: what waits there to be read is not lost.
        transport.abort()
