"""What `tollcast doctor` says about the key of the account that pays."""

import asyncio
import os
import pwd
import socket
from pathlib import Path

from api.data_layout import signer_folder
from api.finding import Finding, Verdict
from api.lockout import trial
from config.limits import DOCTOR_CHILD_SECONDS_MAX
from config.settings import Settings
from metering.signer.entrance import user_of

_SUBJECT = "Signer"
_OWN_SERVICE = (
    "let it be a service of its own, under its own account: tollcast signer, stellar.signer_socket"
)


async def signer_finding(settings: Settings) -> Finding:
    """Whether the server can be kept from the key that pays, as tried just now."""
    if settings.stellar.signer_socket:
        return await asyncio.to_thread(_at_socket, Path(settings.stellar.signer_socket))
    try:
        reason = await asyncio.to_thread(trial)
    except OSError as error:
        reason = str(error)
    return beside_finding(reason, signer_folder(settings.data_directory.absolute()))


def beside_finding(reason: str | None, folder: Path) -> Finding:
    """What a signer beside the server comes to.

    Args:
        reason: why the server cannot lock itself out; None when it can.
        folder: where the key is.
    """
    if reason is not None:
        return Finding(
            Verdict.LESS,
            _SUBJECT,
            "whoever gets hold of the server can read the key that pays",
            [reason],
            [_OWN_SERVICE, "or use Linux 5.19 or newer, with Landlock"],
        )
    return Finding(
        Verdict.OK,
        _SUBJECT,
        "a process of its own; the server shuts itself out of its folder, as tried just now",
        [f"{folder}: keep a copy", *_changeable_program()],
    )


def _changeable_program() -> list[str]:
    if not os.access(Path(__file__).parent, os.W_OK):
        return []
    return ["this account may write to the program that the next start runs: install it as another"]


def _at_socket(path: Path) -> Finding:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(DOCTOR_CHILD_SECONDS_MAX)
            connection.connect(str(path))
            user = user_of(connection)
    except OSError as error:
        advice = ["does it run, and may this account reach the socket?"]
        return Finding(Verdict.BAD, _SUBJECT, f"nobody answers at {path}: {error}", advice=advice)
    return service_finding(user, os.geteuid())


def service_finding(user: int, ours: int) -> Finding:
    """What a signer at a socket comes to.

    Args:
        user: whose process it is.
        ours: whose this is; the server is to run under the same account.
    """
    state = f"a service of its own, as {_name(user)}"
    if ours == 0:
        advice = ["run the server as an ordinary user"]
        return Finding(Verdict.LESS, _SUBJECT, state, ["root can read its key"], advice)
    if user == ours:
        advice = ["run the signer under an account of its own"]
        return Finding(Verdict.LESS, _SUBJECT, state, ["so is the server"], advice)
    return Finding(Verdict.OK, _SUBJECT, f"{state}, whose files this account cannot read")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
