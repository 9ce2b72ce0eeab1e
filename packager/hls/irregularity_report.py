"""Says in the log what was wrong with an asset's packets, at most once a second."""

import structlog

from config.clock import Clock
from config.limits import REPORT_INTERVAL_MS
from packager.hls.irregularities import Irregularities

log = structlog.get_logger(__name__)


class IrregularityReport:
    """To be asked to look after each packet."""

    def __init__(self, asset_id: str, irregularities: Irregularities, clock: Clock) -> None:
        self._asset_id = asset_id
        self._irregularities = irregularities
        self._clock = clock
        self._reported_total = 0
        self._reported_ms = clock.monotonic_ms()

    def look(self) -> None:
        if self._irregularities.total == self._reported_total:
            return
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._reported_ms < REPORT_INTERVAL_MS:
            return
        self._reported_ms = now_ms
        self._reported_total = self._irregularities.total
        log.warning("irregular packets", asset=self._asset_id, **self.counts())

    def counts(self) -> dict[str, int]:
        """All so far, named as in a log line."""
        counts = self._irregularities.counts()
        return {reason.name.lower(): count for reason, count in counts.items()}
