"""What a file's worker is told on its command line."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import FILE_WORKER_BYTES_PER_CPU_SECOND, FILE_WORKER_CPU_SECONDS_MIN
from media.file.container import Container

_CONTAINER, _DESCRIPTOR, _CPU = "--container=", "--descriptor=", "--cpu-seconds="


@dataclass(frozen=True, slots=True)
class Orders:
    """How to open the file: as what, from which inherited descriptor; and how long to work."""

    container: Container
    descriptor: int
    cpu_seconds: int

    def arguments(self) -> tuple[str, ...]:
        return (
            f"{_CONTAINER}{self.container}",
            f"{_DESCRIPTOR}{self.descriptor}",
            f"{_CPU}{self.cpu_seconds}",
        )


def orders_from_arguments(arguments: Sequence[str]) -> Orders:
    """What `Orders.arguments` wrote, among other arguments.

    Raises:
        ValueError: one is missing or makes no sense.
    """
    return Orders(
        Container(_value(arguments, _CONTAINER)),
        int(_value(arguments, _DESCRIPTOR)),
        int(_value(arguments, _CPU)),
    )


def cpu_seconds_max(size: int) -> int:
    """How much CPU a file of so many bytes may take in one pass."""
    return FILE_WORKER_CPU_SECONDS_MIN + size // FILE_WORKER_BYTES_PER_CPU_SECOND


def _value(arguments: Sequence[str], option: str) -> str:
    for argument in arguments:
        if argument.startswith(option):
            return argument.removeprefix(option)
    raise ValueError(f"{option} is missing")
