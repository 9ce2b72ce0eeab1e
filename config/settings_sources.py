"""Reads what is set in a file, the environment or the flags into pairs of path and value."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PREFIX = "TOLLCAST_"

# Kubernetes gives every container the addresses of its services under their names, so a service
# called tollcast would otherwise look like settings (Kubernetes, "Accessing the Service").
_SERVICE_LINK = re.compile(r"SERVICE_(HOST|PORT(_.*)?)|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?")


@dataclass(frozen=True, slots=True)
class Given:
    """One value that somebody set."""

    path: str  # as in the file: `http.port`
    value: Any
    origin: str  # for messages: `flag --http.port`


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was set."""

    origin: str
    reason: str


def from_file(file: Path | None) -> Iterator[Given | Problem]:
    """The values of a TOML file, sections as dotted paths; nothing without a file."""
    if file is None:
        return
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        yield Problem(f"file {file}", f"cannot be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        yield Problem(f"file {file}", f"is not TOML: {error}")
    else:
        yield from _flattened(document, "", f"file {file}")


def _flattened(table: Mapping[str, Any], prefix: str, origin: str) -> Iterator[Given]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.", origin)
        else:
            yield Given(prefix + key, value, origin)


def from_environment(environment: Mapping[str, str]) -> Iterator[Given]:
    """`TOLLCAST_HTTP__PORT` is `http.port`; plain `DATABASE_URL` is `database.url`."""
    if environment.get("DATABASE_URL"):
        yield Given("database.url", environment["DATABASE_URL"], "environment DATABASE_URL")
    for name, value in sorted(environment.items()):
        rest = name.removeprefix(PREFIX)
        if rest != name and not _SERVICE_LINK.fullmatch(rest):
            yield Given(rest.lower().replace("__", "."), value, f"environment {name}")


def from_flags(arguments: Sequence[str]) -> Iterator[Given | Problem]:
    """`--http.port=8080` and `--http.port 8080`."""
    rest = iter(arguments)
    for argument in rest:
        name, has_value, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not name:
            yield Problem(
                f"argument {argument!r}", "is not a setting; they look like --http.port=8080"
            )
        elif has_value:
            yield Given(name, value, f"flag --{name}")
        else:
            following = next(rest, "--")
            if following.startswith("--"):
                yield Problem(f"flag --{name}", "has no value")
            else:
                yield Given(name, following, f"flag --{name}")
