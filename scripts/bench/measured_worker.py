"""A file's worker that measures itself: `python -m scripts.bench.measured_worker REPORT ...`.

Each call of a method of PyAV is timed by the CPU clock of its thread; other calls are looked at
once for each place in the code, and then left alone. All else that the process does from the moment
at which its modules are loaded counts as Python outside of libav. That includes the measuring, and
demuxing, which is a generator and no call: the figure is a ceiling.
"""

import json
import os
import resource
import sys
import threading
import time
from types import CodeType
from typing import Any

from media.file.av_file import main
from media.file.av_pass import Pass

_monitoring = sys.monitoring
_TOOL = _monitoring.PROFILER_ID
_EVENTS = _monitoring.events


class Stopwatch(threading.local):
    """Of one thread; `inside` is in nanoseconds."""

    def __init__(self) -> None:
        self.started = 0
        self.inside = [0]
        _ALL.append(self.inside)


_ALL: list[list[int]] = []
_STOPWATCH = Stopwatch()


def _called(_code: CodeType, _offset: int, function: Any, _first: object) -> object:
    if not _is_libav(function):
        return _monitoring.DISABLE
    _STOPWATCH.started = time.thread_time_ns()
    return None


def _done(_code: CodeType, _offset: int, function: Any, _first: object) -> None:
    if _is_libav(function):
        _STOPWATCH.inside[0] += time.thread_time_ns() - _STOPWATCH.started


def _is_libav(function: Any) -> bool:
    owner = getattr(function, "__objclass__", None) or type(getattr(function, "__self__", None))
    return bool(owner.__module__.startswith("av."))


def _tell(_code: CodeType, _offset: int, _value: object) -> None:
    """Before the server is told that all is done: then it ends this process at once."""
    figures = {
        "cpu_ns": time.process_time_ns() - _LOADED_NS,
        "libav_ns": sum(one[0] for one in _ALL),
        "resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    os.write(_REPORT, json.dumps(figures).encode())


def _watch() -> None:
    _monitoring.use_tool_id(_TOOL, "bench")
    _monitoring.register_callback(_TOOL, _EVENTS.CALL, _called)
    _monitoring.register_callback(_TOOL, _EVENTS.C_RETURN, _done)
    _monitoring.register_callback(_TOOL, _EVENTS.C_RAISE, _done)
    _monitoring.register_callback(_TOOL, _EVENTS.PY_RETURN, _tell)
    _monitoring.set_events(_TOOL, _EVENTS.CALL | _EVENTS.C_RETURN | _EVENTS.C_RAISE)
    _monitoring.set_local_events(_TOOL, Pass.run.__code__, _EVENTS.PY_RETURN)


if __name__ == "__main__":
    # Opened before the jail is: in there nothing can be.
    _REPORT = os.open(sys.argv.pop(1), os.O_WRONLY)
    _watch()
    _LOADED_NS = time.process_time_ns()
    main()
