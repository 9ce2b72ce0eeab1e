"""Connections that ask for something else than media go on in the main process."""

from api.delivery.connection import Connection
from api.serving.handover import HandoverFailed, HandoverSender
from config.telemetry import counter

_given = counter("handovers_total", "Connections that serving processes gave to the main process")


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
        try:
            self._sender.send(transport.get_extra_info("socket").fileno(), connection.unread)
            _given.inc()
        except HandoverFailed:
            pass  # it was counted; the client tries again
        connection.unread = b""
        # Closes our copy of the socket alone: what waits there to be read is not lost.
        transport.abort()
