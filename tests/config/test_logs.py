"""Log lines as they leave the process."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config import logs, telemetry
from config.clock import ManualClock
from config.logs import RepeatLimiter


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk")
def test_a_disk_that_is_full_costs_lines_and_nothing_else() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails
    logs.set_up(stream=full)
    log = structlog.get_logger("media.hub")
    for write in (log.info, log.warning, log.error):
        write("reader joined")
    logging.getLogger("asyncio").error("of a library")
    assert b"tollcast_log_lines_lost_total 4.0" in telemetry.render()
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_a_line_for_machines_says_when_who_and_what() -> None:
    stream = io.StringIO()
    logs.set_up(stream=stream)
    structlog.get_logger("media.hub").info("reader joined", source="src_1", token="x")
    (line,) = _lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "info",
        "logger": "media.hub",
        "event": "reader joined",
        "source": "src_1",
        "token": "***",
    }


def test_a_line_on_a_terminal_is_text_and_carries_no_control_codes_of_others() -> None:
    stream = _Terminal()
    logs.set_up(stream=stream)
    structlog.get_logger("x").warning("name refused", name="a\x1b[2J\nfaked line")
    logging.getLogger("library").warning("b\x1b[2J\nfaked line")
    first, second = stream.getvalue().splitlines()
    assert "name refused" in first
    assert r"a\x1b[2J\nfaked line" in first
    assert r"b\x1b[2J\nfaked line" in second


def test_what_is_below_the_level_is_not_logged() -> None:
    stream = io.StringIO()
    logs.set_up(level="warning", form="json", stream=stream)
    log = structlog.get_logger("x")
    log.info("no")
    log.error("yes")
    assert [line["event"] for line in _lines(stream)] == ["yes"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_logged_without_its_secrets(form: str) -> None:
    stream = io.StringIO()
    logs.set_up(form=form, stream=stream)  # type: ignore[arg-type]
    try:
        raise ValueError("no such key: ?key=hunter2")
    except ValueError as error:
        structlog.get_logger("x").error("task failed", exc_info=error)
    assert "Traceback" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue().replace('"no such key: ?key=hunter2"', "")


def test_warnings_of_libraries_arrive_in_the_same_form() -> None:
    stream = io.StringIO()
    logs.set_up(form="json", stream=stream)
    logging.getLogger("aiohttp.server").info("chatter")
    logging.getLogger("aiohttp.server").warning("slow %s", "/hls/a/secret/x")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    first, second = _lines(stream)
    assert (first["logger"], first["level"]) == ("aiohttp.server", "warning")
    assert first["event"] == "slow /hls/a/***/x"
    assert second["logger"] == "py.warnings"


def test_a_repeated_message_is_reported_once_a_second_with_its_count() -> None:
    clock = ManualClock()
    limiter = RepeatLimiter(clock)
    assert limiter.due() == 1
    assert [limiter.due() for _ in range(5)] == [0] * 5
    clock.advance(999)
    assert limiter.due() == 0
    clock.advance(1)
    assert limiter.due() == 7
    clock.advance(5_000)
    assert limiter.due() == 1
