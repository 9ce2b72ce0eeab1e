"""Log lines: text for people on a terminal, JSON for machines, never a secret."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from config.clock import Clock
from config.limits import REPORT_INTERVAL_MS
from config.redaction import redacted_fields
from config.telemetry import counter

_lost = counter("log_lines_lost_total", "Log lines that could not be written")


def set_up(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["auto", "text", "json"] = "auto",
    stream: TextIO | None = None,
) -> None:
    """Decide, once at the start of a process, what is logged and how.

    Args:
        level: the least that is logged. Of libraries, warnings and above are.
        form: `auto` is text on a terminal and JSON otherwise.
        stream: where to; standard error by default.
    """
    output = stream or sys.stderr
    text = form == "text" or (form == "auto" and output.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_logger_name,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            *(_as_text(colors=output.isatty()) if text else _as_json()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *names: _Output(output, *names),
        cache_logger_on_first_use=False,
    )
    _route_libraries(logging.WARNING if level != "error" else logging.ERROR)


class RepeatLimiter:
    """Lets the same message through at most once an interval, and counts what it held back."""

    def __init__(self, clock: Clock, interval_ms: int = REPORT_INTERVAL_MS) -> None:
        self._clock = clock
        self._interval_ms = interval_ms
        self._due_ms: int | None = None
        self._count = 0

    def due(self) -> int:
        """Count one more. When a report is due, how many there were since the last; else 0.

        `if times := limiter.due(): log.warning("reader fell behind", times=times)`
        """
        self._count += 1
        now = self._clock.monotonic_ms()
        if self._due_ms is not None and now < self._due_ms:
            return 0
        self._due_ms = now + self._interval_ms
        count, self._count = self._count, 0
        return count


class _Output(structlog.WriteLogger):
    """Writes lines, and remembers which module asked for them."""

    def __init__(self, stream: TextIO, name: str = "") -> None:
        super().__init__(stream)
        self.name = name

    def msg(self, message: str) -> None:
        """Write a line. One that cannot be written is lost and counted: a disk that is full, or a
        reader that is gone, must not end what was only to be told of.
        """
        try:
            super().msg(message)
        except OSError:
            _lost.inc()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


class _RouteToStructlog(logging.Handler):
    """Hands what libraries log to the same output."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        method = getattr(logger, record.levelname.lower(), logger.warning)
        method(record.getMessage(), exc_info=record.exc_info)


def _route_libraries(level: int) -> None:
    root = logging.getLogger()
    root.handlers = [_RouteToStructlog()]
    root.setLevel(level)
    logging.captureWarnings(capture=True)


def _add_logger_name(
    logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event["logger"] = logger.name
    return event


def _redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return redacted_fields(event)


def _as_text(*, colors: bool) -> list[Any]:
    return [
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        ),
    ]


def _as_json() -> list[Any]:
    return [structlog.processors.JSONRenderer(ensure_ascii=False)]


def _escape(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A library's message with line breaks or control codes stays one line; values do anyhow."""
    message = str(event["event"])
    if not message.isprintable():
        event["event"] = message.encode("unicode_escape").decode()
    return event
