"""The signer as a service of its own: `tollcast signer`, and the server's side of its socket."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import main
from api.finding import Verdict
from api.signer_finding import signer_finding
from api.signer_process import SignerProcess
from config.embedded_postgres import SIGNER_ROLE, EmbeddedPostgres
from config.postgres import Database
from config.roles import grant_to_signer
from config.settings import load
from config.unprivileged import account_ids, unprivileged_command
from metering.settlement.signer import Reason, Refused
from tests.metering.signer.plans import order, pay, plan

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who asks"),
]

_SECONDS_MAX = 60
_ROOT = Path(__file__).parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    """The service's own folder, of an account that is not root."""
    folder = Path(tempfile.mkdtemp(prefix="tollcast-signer-", dir="/var/tmp"))
    if os.geteuid() == 0:
        os.chown(folder, *account_ids())
    yield folder
    shutil.rmtree(folder)


async def test_a_service_of_another_account_signs_for_who_may_ask(
    home: Path, database: Database, postgres_server: EmbeddedPostgres
) -> None:
    await grant_to_signer(database, SIGNER_ROLE)
    name = await database.fetchval("SELECT current_database()")
    path = home / "socket"
    command = [
        *(sys.executable, "-P", "-m", "api.cli", "signer"),
        *(f"--socket={path}", "--client=daemon", f"--client={os.geteuid()}"),
        f"--data_directory={home}",
        f"--database.url={postgres_server.url(SIGNER_ROLE, name)}",
    ]
    reached = [Path(sys.executable), _ROOT, postgres_server.directory]
    service = await asyncio.create_subprocess_exec(*unprivileged_command(command, reached))
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            while not path.exists():  # noqa: ASYNC110 - the file system gives no event
                await asyncio.sleep(0.02)
            signer = await SignerProcess(path).meet()
            with pytest.raises(Refused) as refused:
                await signer.sign(order(plan("set_1", pay(1), source=signer.hot)))
            assert refused.value.reason is Reason.UNKNOWN, "it has read what is planned"
            settings = load([f"--stellar.signer_socket={path}"], {}, None)
            assert (await signer_finding(settings)).verdict is Verdict.LESS, "as what we are"
            service.send_signal(signal.SIGTERM)
            assert await service.wait() == 0
        assert (await signer_finding(settings)).verdict is Verdict.BAD
    finally:
        if service.returncode is None:
            service.kill()
            await service.wait()


def test_what_it_lacks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["signer", f"--socket={tmp_path / 'socket'}", "--client=nobody"]
    assert main(asked) == 2
    assert "database.url" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="anybody else may keep keys here")
def test_root_keeps_no_keys_for_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["signer", f"--socket={tmp_path / 'socket'}", "--client=nobody"]
    assert main([*asked, "--database.url=postgresql:///x", f"--data_directory={tmp_path}"]) == 2
    assert "account of its own" in capsys.readouterr().err
