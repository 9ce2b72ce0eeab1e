"""How well a process is locked in: the parts of the jail, and the level they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum

_OPTION = "--jail-minimum="


class Level(IntEnum):
    """What hostile code in a jailed process can do, from anything to nothing.

    NONE: not Linux; there is no jail.
    BASIC: memory, CPU and files are limited; system calls are not.
    STRONG: only harmless system calls; Landlock, an own network or the change of account lacks.
    FULL: everything that this jail has.
    """

    NONE = 0
    BASIC = 1
    STRONG = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a jailed process may use up.

    Attributes:
        memory_bytes: of address space, stacks and reserved arenas included.
        cpu_seconds: of all threads together, then it is killed; None for a live source.
        descriptors: how many files and pipes it may have open.
    """

    memory_bytes: int
    cpu_seconds: int | None
    descriptors: int


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of the jail this kernel and this account allowed.

    Attributes:
        limits: memory, CPU, descriptors, no writing of files, no core dumps.
        sealed: no new privileges for ever, no memory dumps, no tracing by others of its account.
        account: it is not root.
        capabilities: it has none.
        directory: its root or working directory is its own, empty, and cannot be written to.
        network: its own, without any interface that is up.
        landlock: no path can be opened, no port reached, no process outside signalled.
        seccomp: only the system calls of `media.jail.system_calls` work.
    """

    limits: bool = False
    sealed: bool = False
    account: bool = False
    capabilities: bool = False
    directory: bool = False
    network: bool = False
    landlock: bool = False
    seccomp: bool = False

    @property
    def level(self) -> Level:
        """The level that these come to. An own directory only matters where Landlock lacks."""
        if not (self.limits and self.sealed):
            return Level.NONE
        if not self.seccomp:
            return Level.BASIC
        if self.account and self.capabilities and self.network and self.landlock:
            return Level.FULL
        return Level.STRONG

    def as_json(self) -> dict[str, bool]:
        return asdict(self)


def parts_from_json(document: Mapping[str, object]) -> Parts:
    """What `Parts.as_json` made.

    Raises:
        ValueError: a part is missing or is no boolean.
    """
    known = {field.name: document.get(field.name) for field in fields(Parts)}
    found = {name: value for name, value in known.items() if isinstance(value, bool)}
    if found.keys() != known.keys():
        raise ValueError(f"not the parts of a jail: {sorted(document)}")
    return Parts(**found)


def minimum_option(level: int) -> str:
    """The argument that tells a worker how deep it has to be locked in."""
    return f"{_OPTION}{level}"


def minimum_of(arguments: Sequence[str]) -> Level:
    """What the arguments of a worker ask for; without `minimum_option` any level will do."""
    asked = [int(one.removeprefix(_OPTION)) for one in arguments if one.startswith(_OPTION)]
    return Level(max(asked, default=Level.NONE))
