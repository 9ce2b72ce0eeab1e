"""The network as a process: it says where it listens, keeps what closed, and ends when told."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from stellar_sdk import Keypair

from tests.metering.localnet.running import RunningNetwork, running_network

pytestmark = pytest.mark.process


def ask(network: RunningNetwork, path: str) -> dict[str, object]:
    with urllib.request.urlopen(network.url + path, timeout=20) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def fund(network: RunningNetwork) -> str:
    address = Keypair.random().public_key
    assert ask(network, f"/friendbot?addr={address}")["successful"]
    return address


def test_accounts_and_transactions_outlive_a_kill(tmp_path: Path) -> None:
    with running_network(tmp_path / "state") as network:
        addresses = [fund(network) for _ in range(3)]
        given = ask(network, f"/friendbot?addr={addresses[0]}")
        ledger = ask(network, "/")["history_latest_ledger"]
        network.stop(signal.SIGKILL)
        network.start()
        for address in addresses:
            assert ask(network, f"/accounts/{address}")["id"] == address
        assert ask(network, f"/transactions/{given['hash']}") == given
        later = ask(network, "/")["history_latest_ledger"]
        assert isinstance(later, int)
        assert isinstance(ledger, int)
        assert later >= ledger, "a ledger that was seen is not forgotten"


def test_another_pace_goes_on_from_the_same_ledger(tmp_path: Path) -> None:
    with running_network(tmp_path / "state", close_ms=50) as network:
        address = fund(network)
        before = ask(network, "/")["history_latest_ledger"]
        network.stop()
        network.close_ms = 60_000
        network.start()
        after = ask(network, "/")["history_latest_ledger"]
        assert isinstance(before, int)
        assert isinstance(after, int)
        assert after >= before
        assert ask(network, f"/accounts/{address}")["id"] == address


def test_it_stops_cleanly_and_soon_though_a_client_waits(tmp_path: Path) -> None:
    with running_network(tmp_path / "state", close_ms=60_000) as network:
        address = Keypair.random().public_key
        waiting = subprocess.Popen(
            [
                *(sys.executable, "-c"),
                "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])",
                f"{network.url}/friendbot?addr={address}",
            ],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.3)
        assert network.stop(signal.SIGTERM) == 0
        assert "Traceback" not in network.log
        waiting.wait(30)


def refusal(*options: str | Path) -> str:
    """Start one that cannot begin, by the command line; what it says."""
    command = "import sys; from api.cli import main; raise SystemExit(main(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-c", command, "localnet", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_what_keeps_it_from_starting_is_told(tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    torn.write_bytes(b"half of something")
    said = refusal("--port", "0", "--state", torn)
    assert "cannot be read" in said
    assert str(torn) in said
    with running_network(tmp_path / "state") as network:
        assert "Another process" in refusal("--port", "0", "--state", network.state)
        port = str(network.port)
        assert "cannot be had" in refusal("--port", port, "--state", tmp_path / "other")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """Method: a parent in between starts it, tells its process id, and is killed."""
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'metering.localnet', '--port', '0',"
        " '--state', sys.argv[1]], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(tmp_path / "state")), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(60):
        child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(30):
        while _runs(child):  # noqa: ASYNC110 - whoever ends it tells nobody
            await asyncio.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
