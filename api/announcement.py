"""What the terminal says once the server is up: where to watch, where to publish, whose money."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Announcement:
    """Addresses and, on the first start only, the stream key.

    Attributes:
        stream_key: of the source `source`; None when it was made at an earlier start, since only
            its hash is kept.
        rtmps_url: None without TLS.
        demo_url: the watch page of the demo stream; None without a demo.
        creator_token: opens the studio; also kept in the data directory, mode 0600.
    """

    version: str
    http_url: str
    rtmp_url: str
    rtmps_url: str | None
    source: str
    stream_key: str | None
    watch_url: str
    studio_url: str
    demo_url: str | None
    creator_token: str
    play_money: bool
    network_url: str

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def as_text(self) -> str:
        lines = [f"Tollcast {self.version}"]
        if self.play_money:
            lines.append("  Play money: a local Stellar network. No real funds can be spent.")
        lines.append("")
        if self.demo_url is not None:
            lines.append(f"  Watch     {self.demo_url}   a test pattern with three paying viewers")
        lines += [
            f"  Studio    {self.studio_url}",
            "",
            f"  Publish   {self.rtmp_url}{self._or_over_tls()}",
            f"  Key       {self._key()}",
            f"  Then      {self.watch_url}",
            "",
            "  Ctrl-C stops everything.",
        ]
        return "\n".join(lines)

    def _or_over_tls(self) -> str:
        return "" if self.rtmps_url is None else f"   (or {self.rtmps_url})"

    def _key(self) -> str:
        if self.stream_key is None:
            return f"was shown at the first start; {self._new_key()}"
        return f"{self.stream_key}   (shown only now; {self._new_key()})"

    def _new_key(self) -> str:
        return f"a new one: in the studio, or `tollcast keys {self.source}`"


def print_announcement(announcement: Announcement, *, as_json: bool) -> None:
    text = announcement.as_json() if as_json else f"\n{announcement.as_text()}\n"
    print(text, flush=True)  # noqa: T201 - the one thing this program says on standard output
