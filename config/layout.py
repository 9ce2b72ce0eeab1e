"""Refuses to run when another distribution has put a package over one of ours."""

import importlib.util
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("media", "ingest", "packager", "metering", "api", "config")


class PackageShadowed(Exception):
    """One of our package names is somebody else's code here."""


def check_layout(packages: Iterable[str] = PACKAGES) -> None:
    """Check that all packages come from the one tree that this module is in.

    `pip install config` overwrites ours without a word, and a folder `media` on the path hides it.

    Raises:
        PackageShadowed: one does not.
    """
    home = Path(__file__).resolve().parents[1]
    for name in packages:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin != home / name / "__init__.py":
            raise PackageShadowed(
                f"package {name!r} should be in {home} and is {origin or 'nowhere'}: another "
                "distribution of that name is installed, or a folder hides it"
            )
