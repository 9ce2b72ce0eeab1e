"""Eight forbidden actions, from inside and from outside of the jail."""

import sys

import pytest

from media.jail.level import Level
from media.jail.report import ProbeFailed, probe_jail
from tests.media.jail.children import LANDLOCK, UNSHARE

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this jail"),
]

_EIGHT = {
    "read_system_file",
    "read_neighbour_file",
    "write_file",
    "connect_to_network",
    "execute_program",
    "signal_parent",
    "exceed_memory",
    "gain_powers",
}


def _python(code: str) -> list[str]:
    """The command of a child that runs this code, in the folder of this checkout."""
    begin = "import json, sys; from pathlib import Path; from media.jail import forbidden, probe"
    more = "from media.jail.level import Parts; from tests.media.jail.children import *"
    return [sys.executable, "-c", f"{begin}; {more}\n{code}"]


async def test_none_of_eight_forbidden_actions_succeeds() -> None:
    report = await probe_jail()
    assert set(report.forbidden) == _EIGHT
    assert report.open_doors == ()
    assert report.level is Level.FULL


async def test_nor_does_any_for_an_account_without_rights() -> None:
    report = await probe_jail(_python("become_nobody(); probe.main(sys.argv[1:])"))
    assert report.open_doors == ()
    assert report.level is Level.FULL


async def test_nor_does_any_where_only_system_calls_are_filtered() -> None:
    refused = f"refuse([{LANDLOCK}, {UNSHARE}]); probe.main(sys.argv[1:])"
    report = await probe_jail(_python(refused))
    assert report.open_doors == ()
    assert report.level is Level.STRONG


_FREE = """
targets = forbidden.Targets(Path(sys.argv[1]), int(sys.argv[2]), 256 << 20)
tried = forbidden.try_all(targets)
said = json.dumps({"parts": Parts().as_json(), "forbidden": tried})
forbidden.become_shell(said)  # returns when it is blocked, and then nothing is said
"""


async def test_all_eight_succeed_without_a_jail() -> None:
    report = await probe_jail(_python(_FREE))
    assert set(report.open_doors) == _EIGHT
    assert report.level is Level.NONE


async def test_who_was_reached_knows_better_than_the_probe() -> None:
    lying = """
import socket
socket.create_connection(("127.0.0.1", int(sys.argv[2]))).recv(1)
names = ["connect_to_network", "write_file"]
print(json.dumps({"parts": Parts().as_json(), "forbidden": dict.fromkeys(names, True)}))
"""
    report = await probe_jail(_python(lying))
    assert report.open_doors == ("connect_to_network",)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sys.exit('no room')", "ended with 1: no room"),
        ("print('[]')", "makes no sense"),
        ('print(\'{"parts": {}, "forbidden": {}}\')', "makes no sense"),
    ],
)
async def test_a_probe_that_fails_is_no_report(code: str, reason: str) -> None:
    with pytest.raises(ProbeFailed, match=reason):
        await probe_jail(_python(code))


async def test_a_probe_that_cannot_be_started_is_no_report() -> None:
    with pytest.raises(ProbeFailed, match="could not be started"):
        await probe_jail(["/no/such/program"])
