"""Shows one history readably: when, who, what, and which money moved."""

import sys
from collections.abc import Iterator, MutableMapping
from typing import Any, NoReturn

import structlog

from metering.money import format_amount
from tests.simulation.history import Event, History
from tests.simulation.loop import VirtualLoop
from tests.simulation.simulation import simulate

# The program's own log lines from here on.
_LEVEL = "info"


def replay(seed: int) -> History:
    """Run the history of a seed, with what the program logs in its place."""
    before = structlog.get_config()

    def listen(history: History, loop: VirtualLoop) -> None:
        def keep(_logger: object, _level: str, entry: MutableMapping[str, Any]) -> NoReturn:
            history.log(loop.now_ms, entry)
            raise structlog.DropEvent

        structlog.configure(
            processors=[keep], wrapper_class=structlog.make_filtering_bound_logger(_LEVEL)
        )

    try:
        return simulate(seed, listen)
    finally:
        structlog.configure(**before)


def lines(history: History) -> Iterator[str]:
    """A history as text: a line for each event and, indented, for what the program logged."""
    logs = iter(history.logs)
    log = next(logs, None)
    for place, event in enumerate(history.events):
        while log is not None and log[0] <= place:
            yield f"{_time(log[1].ms)}    ~ {log[1].text}"
            log = next(logs, None)
        yield _line(event)
    while log is not None:
        yield f"{_time(log[1].ms)}    ~ {log[1].text}"
        log = next(logs, None)


def main(seed: int) -> int:
    """Print a history; 1 when it breaks an invariant."""
    history = replay(seed)
    for line in lines(history):
        print(line)  # noqa: T201 - this is what was asked for
    faults = ", ".join(f"{what} {count}" for what, count in sorted(history.counts.items()))
    print(f"\nseed {seed}, trace {history.hash}, {history.seconds} s")  # noqa: T201
    print(f"faults: {faults or 'none'}")  # noqa: T201
    print(f"violation: {history.violation or 'none'}")  # noqa: T201
    return 0 if history.violation is None else 1


def _line(event: Event) -> str:
    money = "" if event.money is None else format_amount(event.money)
    text = f"{event.what} {event.detail}".rstrip()
    return f"{_time(event.ms)}  {event.actor:14} {text:58} {money:>16}".rstrip()


def _time(ms: int) -> str:
    return f"{ms / 1000:9.3f}"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
