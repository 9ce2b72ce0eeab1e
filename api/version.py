"""Which release this is."""

import importlib.metadata


def version() -> str:
    """The installed distribution's version."""
    return importlib.metadata.version("tollcast")
