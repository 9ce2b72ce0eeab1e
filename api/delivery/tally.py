"""What the raw protocol has answered, counted in plain integers until somebody asks."""

from collections import Counter

from config.telemetry import before_rendering, counter

_HLS, _PUBLIC = "/hls/{asset}/{token}/{path}", "/media/{asset}/{path}"  # as aiohttp has them

requests = counter("http_requests_total", "Requests answered", ("route", "status"))
_delivered = counter("delivered_bytes_total", "Media bytes handed to viewers' sockets")
_aborted = counter("deliveries_aborted_total", "Segments whose viewer left before the last byte")


class Tally:
    """Adds itself to the metrics when they are rendered: counting there with each request would
    cost as much as the request.
    """

    __slots__ = ("_aborted", "_bytes", "_statuses")

    def __init__(self) -> None:
        self._statuses: Counter[tuple[bool, int]] = Counter()
        self._bytes = 0
        self._aborted = 0

    def answered(self, status: int, *, public: bool) -> None:
        self._statuses[public, status] += 1

    def sent(self, media_bytes: int, *, complete: bool = True) -> None:
        """So much of a body was taken by a socket: all of it, or what there was time for."""
        self._bytes += media_bytes
        self._aborted += not complete

    def flush(self) -> None:
        statuses, self._statuses = self._statuses, Counter()
        for (public, status), count in statuses.items():
            requests.labels(_PUBLIC if public else _HLS, str(status)).inc(count)
        _delivered.inc(self._bytes)
        _aborted.inc(self._aborted)
        self._bytes = self._aborted = 0


TALLY = Tally()
before_rendering(TALLY.flush)
