"""Whoever gets hold of the server's process has neither the key nor more than a day's cap."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.lockout import neighbours
from config.embedded_postgres import SERVER_ROLE, SIGNER_ROLE, EmbeddedPostgres
from config.postgres import Database
from config.roles import grant_to_server, grant_to_signer
from config.unprivileged import account_ids, unprivileged_command
from media.jail import kernel
from tests.end_to_end.running_server import may_look_into_others
from tests.metering.signer.plans import KEYS, SEED

_CAP = 8_000
_SECONDS_MAX = 100
_ROOT = Path(__file__).parents[2]


def _has_landlock() -> bool:
    try:
        return kernel.landlock_abi() >= 2
    except (AttributeError, OSError):
        return False


pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not _has_landlock(), reason="this kernel has no Landlock"),
]


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory of before there was a signer, with a key that is known."""
    folder = Path(tempfile.mkdtemp(prefix="tollcast-intruder-", dir="/var/tmp"))
    (folder / "secrets").mkdir(mode=0o700)
    seed = folder / "secrets" / "stellar-hot-seed"
    seed.touch(mode=0o600)
    seed.write_text(f"{SEED}\n")
    yield folder
    shutil.rmtree(folder)


async def intrude(
    how: str, account: str, data: Path, server: EmbeddedPostgres, database: Database
) -> dict[str, Any]:
    """What `tests.api.intruder` says, as root or as an ordinary user."""
    await grant_to_server(database, SERVER_ROLE)
    await grant_to_signer(database, SIGNER_ROLE)
    name = await database.fetchval("SELECT current_database()")
    command = [
        *(sys.executable, "-m", "tests.api.intruder", how),
        f"--data_directory={data}",
        f"--database.url={server.url(SERVER_ROLE, name)}",
        f"--database.signer_url={server.url(SIGNER_ROLE, name)}",
        f"--settlement.daily_cap_stroops={_CAP}",
    ]
    if account == "ordinary":
        for path in (data, *data.rglob("*")):
            os.chown(path, *account_ids())
        command = unprivileged_command(command, [Path(sys.executable), _ROOT, server.directory])
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        env={"PYTHONPATH": str(_ROOT), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    async with asyncio.timeout(_SECONDS_MAX):
        said, _ = await process.communicate()
    found: dict[str, Any] = json.loads(said)
    assert found["hot"] == KEYS.hot, "the key of before is the one that signs"
    return found


@pytest.mark.parametrize(
    "account",
    [
        "as it is",
        pytest.param(
            "ordinary",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user"),
        ),
    ],
)
async def test_a_server_in_strange_hands_has_no_key_and_pays_a_days_cap_at_most(
    account: str, data: Path, postgres_server: EmbeddedPostgres, database: Database
) -> None:
    found = await intrude("LOCKED", account, data, postgres_server, database)
    assert found["read"] == []
    assert found["done"] == []
    assert found["stolen"] == _CAP
    assert found["refused"] == {
        "unknown_settlement": 1,
        "daily_cap": 24,
        "settlement_ended": 1,
        "too_late": 1,
    }
    assert (data / "signer" / "stellar-hot-seed").read_text().strip() == SEED


async def test_without_the_lock_the_same_hands_find_the_key(
    data: Path, postgres_server: EmbeddedPostgres, database: Database
) -> None:
    """So that nothing found means that there was nothing to be found."""
    found = await intrude("OPEN", "as it is", data, postgres_server, database)
    assert str(data / "signer" / "stellar-hot-seed") in found["read"]
    assert any(path.endswith("/mem") for path in found["read"]) == may_look_into_others()


def test_neighbours_are_all_that_is_not_on_the_way(tmp_path: Path) -> None:
    for name in ("inner/kept", "inner/beside", "beside", "alias/kept", "alias/beside"):
        (tmp_path / name).mkdir(parents=True)
    found = set(neighbours([tmp_path / "inner" / "kept", tmp_path / "alias" / "kept"]))
    beside = {tmp_path / "inner" / "beside", tmp_path / "alias" / "beside", tmp_path / "beside"}
    assert {*beside, Path("/usr"), Path("/dev/null")} <= found
    on_the_way = {tmp_path, tmp_path / "inner", tmp_path / "inner" / "kept", Path("/")}
    assert found.isdisjoint({*on_the_way, tmp_path / "alias", tmp_path / "alias" / "kept"})
    assert not any(path.is_block_device() for path in found)
