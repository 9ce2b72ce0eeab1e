"""Where an epoch's packets leave for the sink, and wait until it is known what is made."""

from collections.abc import Iterable, Mapping

from media.pictures import Picture
from media.transcode.rendition import Rendition, RenditionSink
from media.units import Packet


class Handover:
    """Hands packets and pictures to a sink in their order.

    Attributes:
        begun: the sink was told of the renditions, or there are none.
    """

    def __init__(self, sink: RenditionSink) -> None:
        self._sink = sink
        self._pending: list[tuple[str, Packet] | Picture] = []
        self._retired: dict[str, str] = {}
        self._any = False
        self.begun = False

    @property
    def waiting(self) -> int:
        """How much is held."""
        return len(self._pending)

    @property
    def retired(self) -> Mapping[str, str]:
        """Why renditions get nothing more, by name."""
        return self._retired

    def begin(self, renditions: Iterable[Rendition]) -> None:
        """Begin with those that were not retired meanwhile, and hand over what was held."""
        self.begun = True
        wanted = [one for one in renditions if one.name not in self._retired]
        pending, self._pending = self._pending, []
        self._any = bool(wanted)
        if not wanted:
            return
        self._sink.begin(wanted)
        for one in pending:
            if isinstance(one, Picture):
                self.picture(one)
            else:
                self.packet(*one)

    def packet(self, name: str, packet: Packet) -> None:
        """The next packet of a rendition; of one that was retired it is left out."""
        if name in self._retired:
            return
        if not self.begun:
            self._pending.append((name, packet))
        elif self._any:
            self._sink.packet(name, packet)

    def picture(self, picture: Picture) -> None:
        """The next poster or sheet."""
        if not self.begun:
            self._pending.append(picture)
        elif self._any:
            self._sink.picture(picture)

    def lost(self, start: int, end: int) -> None:
        """Something is missing in what is handed over."""
        self._sink.lost(start, end)

    def retire(self, name: str, reason: str) -> None:
        """A rendition gets nothing more."""
        if name in self._retired:
            return
        self._retired[name] = reason
        if self._any:
            self._sink.retire(name, reason)
