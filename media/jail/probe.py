"""A jailed process that tries what is forbidden: `python -P -m media.jail.probe FILE PORT`.

Prints one line of JSON: the parts of the jail, and whether each forbidden action was blocked.
"""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from config.child import die_with_parent
from config.limits import (
    JAIL_PROBE_CPU_SECONDS_MAX,
    JAIL_PROBE_DESCRIPTORS_MAX,
    JAIL_PROBE_MEMORY_BYTES_MAX,
)
from media.jail.confine import build_jail
from media.jail.forbidden import EXECUTE, Targets, become_shell, try_all
from media.jail.level import Confinement

_CONFINEMENT = Confinement(
    memory_bytes=JAIL_PROBE_MEMORY_BYTES_MAX,
    cpu_seconds=JAIL_PROBE_CPU_SECONDS_MAX,
    descriptors=JAIL_PROBE_DESCRIPTORS_MAX,
)


def main(arguments: Sequence[str]) -> None:
    """FILE: readable for everybody; PORT: on 127.0.0.1, where somebody listens."""
    neighbour, port = arguments
    die_with_parent(signal.SIGKILL)
    parts = build_jail(_CONFINEMENT).as_json()
    targets = Targets(Path(neighbour), int(port), JAIL_PROBE_MEMORY_BYTES_MAX)
    forbidden = try_all(targets)
    # If the program can still be replaced, its successor says so.
    become_shell(json.dumps({"parts": parts, "forbidden": {**forbidden, EXECUTE: False}}))
    print(json.dumps({"parts": parts, "forbidden": forbidden}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
