"""What publishers are told to push to."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.settings import Settings
from ingest.source_admission import APP

# Listening on these means on every address; none of them is one to connect to.
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
_HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PublishUrls:
    """URLs of the application, to which the stream key is added.

    Attributes:
        rtmps: None when there is no TLS.
        local: for this machine.
    """

    rtmp: str
    rtmps: str | None
    local: str


def publish_urls(settings: Settings, ports: Sequence[int]) -> PublishUrls:
    """The addresses that are listened on, under the name that others know this server by.

    Args:
        ports: of `api.rtmp_listeners`.
    """
    secure = None
    if settings.rtmps_port is not None:
        secure = _url("rtmps", _public(settings.rtmps.host, settings), ports[1])
    host = settings.rtmp.host
    return PublishUrls(
        rtmp=_url("rtmp", _public(host, settings), ports[0]),
        rtmps=secure,
        local=_url("rtmp", _HERE if host in _EVERYWHERE else host, ports[0]),
    )


def _public(host: str, settings: Settings) -> str:
    if host not in _EVERYWHERE:
        return host
    return urlsplit(settings.http.public_url).hostname or _HERE


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/{APP}"
