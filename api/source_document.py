"""A source as its creator sees it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.catalogue.asset import Asset
from api.catalogue.offer import offer_of_source
from api.preflight import publishers_json
from api.wire import offer_json, passes_json
from ingest.publisher_status import PublisherStatus
from ingest.source import Source
from media.transcode.health import LiveHealth

Publishers = Callable[[str], Sequence[PublisherStatus]]
"""Who publishes to the source of that id now."""


class OnAir(Protocol):
    """A source that is live, or whose publisher is waited for."""

    @property
    def asset(self) -> Asset: ...

    def health(self) -> LiveHealth: ...

    def reconnect_ms_left(self) -> int | None:
        """How long its publisher may still come back; None while one is there."""


@dataclass(frozen=True, slots=True)
class SourceDocuments:
    """Makes documents of sources.

    Attributes:
        on_air: what comes of the source of that id now.
        rtmp_url: what publishers are told to push to.
        rtmps_url: the same over TLS; None when there is none.
    """

    on_air: Callable[[str], OnAir | None]
    publishers: Publishers
    rtmp_url: str
    rtmps_url: str | None

    def of(self, source: Source) -> dict[str, object]:
        broadcast = self.on_air(source.id)
        return {
            "id": source.id,
            "name": source.name,
            "title": source.title,
            "assetId": None if broadcast is None else broadcast.asset.id,
            "watchUrl": f"/watch/{source.name}",
            "rtmpUrl": self.rtmp_url,
            "rtmpsUrl": self.rtmps_url,
            "price": offer_json(offer_of_source(source)),
            "passes": passes_json(offer_of_source(source)),
            "reconnectSeconds": source.reconnect_seconds,
            "takeover": source.takeover.value,
            "dvrSeconds": source.dvr_seconds,
            "delivery": source.delivery.value,
            "publishers": publishers_json(self.publishers(source.id)),
            "health": None if broadcast is None else health_json(broadcast.health()),
            **_state(broadcast),
        }


def _state(broadcast: OnAir | None) -> dict[str, object]:
    if broadcast is None:
        return {"state": "idle", "reconnectMsLeft": None}
    left_ms = broadcast.reconnect_ms_left()
    return {"state": "live" if left_ms is None else "reconnecting", "reconnectMsLeft": left_ms}


def health_json(health: LiveHealth) -> dict[str, object]:
    """A broadcast's health as the studio shows it."""
    return {
        "lagMs": health.lag_ms,
        "workerRestarts": health.worker_restarts,
        "droppedPackets": health.dropped_packets,
        "preset": health.preset,
        "messages": list(health.messages),
        "renditions": [
            {
                "name": rendition.name,
                "width": rendition.width,
                "height": rendition.height,
                "frameRate": rendition.frame_rate,
                "bitrate": rendition.bitrate_max,
                "passedThrough": rendition.passed_through,
                "state": rendition.state,
                "reason": rendition.reason,
            }
            for rendition in health.renditions
        ],
    }
