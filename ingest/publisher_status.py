"""One publisher of a source, as its creator is told of it."""

from dataclasses import dataclass
from enum import StrEnum

from ingest.preflight import Report


class Role(StrEnum):
    """What a publication is to its stream."""

    ACTIVE = "active"
    STANDBY = "standby"


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """One publication of now.

    Attributes:
        client: what the publisher's program calls itself (`flashVer`); may be empty.
        secure: it came over TLS.
        connected_ms: since it was let in.
    """

    address: str
    client: str
    secure: bool
    role: Role
    connected_ms: int
    report: Report

    @property
    def bitrate(self) -> int:
        """Bits a second on the line, of the last ten seconds."""
        return self.report.facts.bitrate
