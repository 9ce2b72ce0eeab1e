"""What a serving process has to know before it begins. It comes over the link: arguments and
environments of processes can be read by others.
"""

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Brief:
    """As the main process's own settings.

    Attributes:
        token_key: signs playback tokens, in letters.
        patience_ms: how long playlists are waited for.
        log_level, log_format: of `config.logs`.
        trusted_proxies: networks of those that are believed.
    """

    token_key: str
    patience_ms: int
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "text", "json"] = "auto"
    trusted_proxies: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Brief(...)"


def brief_to_bytes(brief: Brief) -> bytes:
    return json.dumps(asdict(brief)).encode()


def brief_from_bytes(data: bytes) -> Brief:
    told = json.loads(data)
    return Brief(**{**told, "trusted_proxies": tuple(told["trusted_proxies"])})
