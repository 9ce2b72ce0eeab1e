"""What the signer's process is told by whoever starts it, and not by whoever asks it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Brief:
    """One JSON document on standard input.

    Args:
        folder: where the key is, and what was signed.
        former_seed: a file that has the seed of an installation from before there was a signer.
        passphrase: names the network.
        daily_caps: how much is paid in a day at most, in stroops, by asset.
        daily_fees: and how much is bid in fees, in stroops of lumens.
        database_url: where what was planned is read; empty: from the embedded one in `postgres`.
        postgres: that one's folder.
        log_level: as `config.logs` has it.
        log_format: as well.
    """

    folder: str
    former_seed: str
    passphrase: str
    daily_caps: Mapping[str, int]
    daily_fees: int
    database_url: str
    postgres: str
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["auto", "text", "json"]

    def __repr__(self) -> str:
        return f"Brief(for {self.folder})"  # the URL has a password

    @property
    def reached(self) -> list[Path]:
        """What it has to get at besides its folder, also when folders above are closed."""
        if not self.database_url:
            return [Path(self.postgres)]
        hosts = parse_qs(urlsplit(self.database_url).query).get("host", [])
        return [Path(host) for host in hosts if host.startswith("/")]


def write_brief(brief: Brief) -> bytes:
    """As the process reads it."""
    return json.dumps(asdict(brief)).encode()


def read_brief(text: bytes) -> Brief:
    """The inverse; it comes from the same version of the same program."""
    return Brief(**json.loads(text))
