"""One publication over RTMP: what was admitted, what comes of it, and how it is to be seen."""

import structlog

from config.clock import Clock
from ingest.admission import Admitted
from ingest.allowance import Allowance
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from ingest.publisher_status import PublisherStatus, Role
from media.hub import Publication

log = structlog.get_logger(__name__)


class RtmpPublication:
    """What a session has from the moment that its publisher is let in.

    Args:
        counters: count on over all publications of a connection.
        received: bytes of the connection before this.

    Attributes:
        key_id: of the stream key that it was admitted with; empty for a token.
        receive: takes media and metadata.
    """

    def __init__(
        self,
        admitted: Admitted,
        publication: Publication,
        counters: Counters,
        clock: Clock,
        received: int,
    ) -> None:
        self.key_id = admitted.key_id
        self._publication = publication
        self._clock = clock
        self._began_ms = clock.monotonic_ms()
        self._allowance = Allowance(admitted, self._began_ms, received)
        self._preflight = Preflight(self._began_ms)
        self._publisher = Publisher(publication, counters, self._preflight, clock)
        self.receive = self._publisher.receive

    @property
    def stream_name(self) -> str:
        return self._publication.stream_name

    def leave(self, reason: str) -> None:
        """The connection is gone, and the publisher may come back."""
        self._publisher.leave(reason)

    def end(self, reason: str) -> None:
        """The publisher is done."""
        self._publisher.end(reason)

    def exceeded(self, received: int) -> str | None:
        """Why the publication is over, in words for whoever publishes; None when it is not."""
        return self._allowance.exceeded(self._clock.monotonic_ms(), self._clock.wall_ms(), received)

    def report(self, address: str) -> None:
        """Log what its preflight found, once."""
        report = self._preflight.completed(self._clock.monotonic_ms())
        if report is not None:
            found = [finding.code for finding in report.findings]
            log.info("rtmp preflight", stream=self.stream_name, peer=address, findings=found)

    def status(self, address: str, client: str, *, is_secure: bool) -> PublisherStatus:
        """How it is now; where it comes from is for its session to say."""
        now_ms = self._clock.monotonic_ms()
        return PublisherStatus(
            address=address,
            client=client,
            secure=is_secure,
            role=Role.ACTIVE if self._publication.is_active else Role.STANDBY,
            connected_ms=now_ms - self._began_ms,
            report=self._preflight.report(now_ms),
        )
