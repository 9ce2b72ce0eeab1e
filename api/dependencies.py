"""What `/ready` asks: each thing the server depends on, and how to tell that it works."""

from pathlib import Path

from api.health import Dependency, NotWorking
from api.signer_process import SignerProcess
from api.storage import free_bytes
from config.limits import DISK_FREE_BYTES_MIN
from config.postgres import Database, DatabaseUnavailable
from ingest.rtmp_server import RtmpServer
from media.jail.level import Level
from media.jail.report import JailReport
from metering.settlement.signer import SignerAway
from metering.signer.remote_signer import RemoteSigner


def database_dependency(database: Database) -> Dependency:
    async def probe() -> str:
        try:
            return f"Postgres {await database.fetchval('show server_version')}"
        except DatabaseUnavailable as error:
            raise NotWorking(str(error)) from None

    return Dependency("database", probe)


def disk_dependency(data: Path) -> Dependency:
    async def probe() -> str:
        free = free_bytes(data)
        if free < DISK_FREE_BYTES_MIN:
            raise NotWorking(f"only {free >> 20} MiB are left")
        return f"{free >> 30} GiB free"

    return Dependency("disk", probe)


def ingest_dependency(rtmp: RtmpServer) -> Dependency:
    async def probe() -> str:
        if not rtmp.listening:
            raise NotWorking("the RTMP port is closed")
        return f"RTMP on port {rtmp.ports[0]}"

    return Dependency("ingest", probe)


def signer_dependency(signer: SignerProcess) -> Dependency:
    """Not required for streaming: while it is away, payouts wait."""

    async def probe() -> str:
        try:
            known = await RemoteSigner.meet(signer.connect)
        except SignerAway as error:
            raise NotWorking(str(error)) from None
        return f"has the key of {known.hot}"

    return Dependency("signer", probe, required=False)


def jail_dependency(report: JailReport | None, minimum: int) -> Dependency:
    """What the probe found at the start: neither kernel nor account change while we run."""

    async def probe() -> str:
        if report is None:
            raise NotWorking("it could not be probed at the start")
        if (shortfall := report.shortfall(minimum)) is not None:
            raise NotWorking(shortfall)
        return f"level {report.level} of {max(Level)}, at least {minimum} is asked for"

    return Dependency("jail", probe, required=minimum > 0)
