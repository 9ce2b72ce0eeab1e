"""Makes a Postgres cluster on disk: one database, its owner, and a role that owns nothing."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from config.disk_sync import sync_entry, sync_tree
from config.unprivileged import give_away, unprivileged_command

SUPERUSER = "postgres"

# Nothing of ours is inherited: neither secrets nor variables that change what Postgres does.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}


class EmbeddedPostgresFailed(Exception):
    """The embedded Postgres did not do what it was asked; carries what it said last."""


def password_file(directory: Path, role: str) -> Path:
    """Where the password of a role is kept, mode 0600."""
    return directory / f"{role}.password"


async def make_cluster(
    programs: Path, directory: Path, owner: str, others: Sequence[str], *, sync: bool
) -> None:
    """Make `directory/data` with a database named for `owner`, who owns it, and other roles.

    It is made aside and named last, so that an interrupted one is made anew. With `sync` it is on
    the disk before it has its name.

    Raises:
        EmbeddedPostgresFailed: a program ended with an error.
        OSError: the disk refused.
    """
    fresh = directory / "data.unfinished"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    give_away(fresh, 0o700)
    _new_password(directory, SUPERUSER)
    await _run(
        [
            str(programs / "initdb"),
            f"--pgdata={fresh}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file(directory, SUPERUSER)}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            "--no-sync",
        ],
        directory,
    )
    await _tell(
        programs,
        directory,
        fresh,
        f"CREATE ROLE {owner} LOGIN PASSWORD '{_new_password(directory, owner)}'",
        *(
            f"CREATE ROLE {role} LOGIN PASSWORD '{_new_password(directory, role)}'"
            for role in others
        ),
        f"CREATE DATABASE {owner} OWNER {owner}",
        durable=False,
    )
    if sync:
        # All at once: a program that syncs each of its thousand files takes ten times as long.
        await asyncio.to_thread(sync_tree, directory)
    fresh.rename(directory / "data")
    if sync:
        # What is committed from here on must not be taken for unfinished.
        await asyncio.to_thread(sync_entry, directory)


async def add_role(programs: Path, directory: Path, role: str) -> None:
    """Make a role in a cluster that does not run; one that was made by half gets a new password.

    Raises:
        EmbeddedPostgresFailed: the program ended with an error.
    """
    unfinished = f"{role}.unfinished"
    password = _new_password(directory, unfinished)
    await _tell(
        programs,
        directory,
        directory / "data",
        f"DO $$BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END$$",
        f"ALTER ROLE {role} LOGIN PASSWORD '{password}'",
        durable=True,
    )
    password_file(directory, unfinished).rename(password_file(directory, role))


def _new_password(directory: Path, role: str) -> str:
    path = password_file(directory, role)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    password = secrets.token_urlsafe(24)
    path.write_text(password)
    give_away(path, 0o600)
    return password


async def _tell(
    programs: Path, directory: Path, data: Path, *statements: str, durable: bool
) -> None:
    # A single-user server needs neither password nor socket. It takes one statement a line.
    options = ["-D", str(data), "-c", f"fsync={'on' if durable else 'off'}"]
    await _run(
        [str(programs / "postgres"), "--single", *options, SUPERUSER],
        directory,
        "".join(f"{statement}\n" for statement in statements),
    )


async def _run(command: Sequence[str], directory: Path, statements: str = "") -> None:
    process = await asyncio.create_subprocess_exec(
        *unprivileged_command(command, (Path(command[0]), directory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate(statements.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or b"ERROR:" in said:
        name = Path(command[0]).name
        raise EmbeddedPostgresFailed(f"{name} failed:\n{said.decode(errors='replace')[-2000:]}")
