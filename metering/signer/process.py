"""The signer's process once it is on its own: hides, takes its keys out, and answers."""

import asyncio
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from config.clock import SystemClock
from config.embedded_postgres import SIGNER_ROLE, url_of_running
from config.memory import hide_memory
from config.secret_files import SecretExposed
from config.tasks import cancel, spawn
from config.unprivileged import CannotDropRights, drop_rights
from metering.settlement.signer import SignerAway
from metering.signer.brief import Brief
from metering.signer.desk import attend
from metering.signer.entrance import Entrance
from metering.signer.keys import BadSeed
from metering.signer.local_signer import LocalSigner
from metering.signer.planned import PlannedSettlements
from metering.signer.register_file import DamagedRegister, FileRegister
from metering.signer.rules import Rules
from metering.signer.vault import Vault, VaultInUse

log = structlog.get_logger(__name__)

DONE, FAILED, REFUSED, BUSY = range(4)
"""How it ends: as asked; it may go better next time; for good; another one is there."""

_STAYS = (BadSeed, CannotDropRights, DamagedRegister, SecretExposed)


def work(brief: Brief, entrance: Entrance, *, beside: bool) -> int:
    """Sign until SIGTERM or SIGINT, or nobody can ask any more; how it ended.

    Args:
        brief: what to sign, and with what.
        entrance: who may ask for it.
        beside: it is a child of a server's: it ends with its parent, and where that is root it
            becomes the account without rights. The process must have one thread.
    """
    try:
        vault = Vault(Path(brief.folder))
        if beside:
            drop_rights(brief.reached)
        hide_memory()
        with vault.lock():
            return _work(brief, vault, entrance)
    except VaultInUse:
        return BUSY
    except _STAYS as error:
        log.error("the signer cannot work", reason=f"{type(error).__name__}: {error}")
        return REFUSED
    except OSError as error:
        log.error("the signer cannot work now", reason=str(error))
        return FAILED


def _work(brief: Brief, vault: Vault, entrance: Entrance) -> int:
    register = FileRegister(vault.register)
    settlements = PlannedSettlements(_database(brief))
    signer = LocalSigner(
        vault.seed(),
        brief.passphrase,
        settlements,
        rules=Rules(brief.daily_caps, brief.daily_fees),
        register=register,
        clock=SystemClock(),
    )
    log.info("the signer is ready", hot=signer.hot, caps=dict(brief.daily_caps))
    asyncio.run(_serve(signer, settlements, entrance))
    register.close()
    return DONE


async def _serve(signer: LocalSigner, settlements: PlannedSettlements, entrance: Entrance) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    stop = spawn(stopping.wait(), name="stop signal")
    serve = spawn(entrance.open(partial(attend, signer)), name="entrance")
    await asyncio.wait((stop, serve), return_when=asyncio.FIRST_COMPLETED)
    await cancel(stop, serve)
    await settlements.close()
    if not serve.cancelled():
        await serve


def _database(brief: Brief) -> Callable[[], str]:
    def url() -> str:
        if brief.database_url:
            return brief.database_url
        running = url_of_running(Path(brief.postgres), SIGNER_ROLE)
        if running is None:
            raise SignerAway("the embedded database has not been started")
        return running

    return url
