"""What the raw protocol has answered, counted in plain integers until somebody asks."""

from config.telemetry import before_rendering, counter

_STATUSES = 600
_HLS, _PUBLIC = "/hls/{asset}/{token}/{path}", "/media/{asset}/{path}"  # as aiohttp has them

requests = counter("http_requests_total", "Requests answered", ("route", "status"))
_delivered = counter("delivered_bytes_total", "Media bytes handed to viewers' sockets")
_aborted = counter("deliveries_aborted_total", "Segments whose viewer left before the last byte")


class Tally:
    """Adds itself to the metrics when they are rendered: counting there with each request would
    cost as much as the request.

    Attributes:
        statuses, public_statuses: how many answers, by status.
    """

    __slots__ = ("_aborted", "_bytes", "public_statuses", "statuses")

    def __init__(self) -> None:
        self.statuses = [0] * _STATUSES
        self.public_statuses = [0] * _STATUSES
        self._bytes = 0
        self._aborted = 0

    def taken(self, media_bytes: int, *, complete: bool) -> None:
        """So much of a body was taken by a socket: all of it, or what there was time for."""
        self._bytes += media_bytes
        self._aborted += not complete

    def flush(self) -> None:
        for route, statuses in ((_HLS, self.statuses), (_PUBLIC, self.public_statuses)):
            for status, count in enumerate(statuses):
                if count:
                    statuses[status] = 0
                    requests.labels(route, str(status)).inc(count)
        _delivered.inc(self._bytes)
        _aborted.inc(self._aborted)
        self._bytes = self._aborted = 0


TALLY = Tally()
before_rendering(TALLY.flush)
