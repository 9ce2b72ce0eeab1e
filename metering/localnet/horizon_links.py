"""What all of Horizon's documents have: links to other ones, and times."""

from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]

_PAGES = "{?cursor,limit,order}"


def links(base: str, **paths: str) -> Document:
    """HAL links, which the SDKs turn into methods; `{key}` in a path makes it a template."""
    return {
        name: {"href": base + path} | ({"templated": True} if "{" in path else {})
        for name, path in paths.items()
    }


def lists(path: str, *names: str) -> dict[str, str]:
    """The lists below a path, by name: templates that say how they are paged. Not all of them are
    served here; the documents have to name them.
    """
    return {name: f"{path}/{name}{_PAGES}" for name in names}


def time_text(seconds: int) -> str:
    """A time as Horizon writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
