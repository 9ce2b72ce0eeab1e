"""The signer's process: started before the server shuts itself out of its folder, ended with it."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import structlog

from api.data_layout import signer_folder
from api.lockout import CannotLockOut, lock_out
from api.secret_names import FORMER_HOT_SEED, SECRETS_DIRECTORY
from config.limits import (
    CHILD_STOP_SECONDS_MAX,
    SIGNER_ANSWER_BYTES_MAX,
    SIGNER_RETRY_SECONDS,
)
from config.settings import Settings
from metering.localnet import PASSPHRASE
from metering.settlement.signer import SignerAway
from metering.signer.brief import Brief, write_brief
from metering.signer.remote_signer import RemoteSigner

log = structlog.get_logger(__name__)


class SignerProcess:
    """`python -m metering.signer` beside us, or one of its own service at a socket's path.

    For each question a connection is opened: one end of a new pair of sockets is handed down to the
    process, or its socket is connected to. While it is started again, questions wait.
    """

    def __init__(self, path: Path) -> None:
        """One that somebody else runs, at the path of its socket."""
        self._path = path
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls, brief: Brief) -> "SignerProcess":
        """Start our own. Does not wait until it answers.

        Raises:
            OSError: the system refused.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "metering.signer", str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C in the terminal is for us alone, we end our children.
                start_new_session=True,
            )
        assert process.stdin is not None
        with process.stdin:
            process.stdin.write(write_brief(brief))
        signer = cls(Path())
        signer._control, signer._process = ours, process
        return signer

    async def meet(self) -> RemoteSigner:
        """The signer, once it has said whose keys it has; asked until then.

        Raises:
            SignerAway: our own has ended for good.
        """
        while True:
            try:
                return await RemoteSigner.meet(self.connect)
            except SignerAway as away:
                if self._process is not None and self._process.poll() is not None:
                    raise SignerAway("the signer has ended for good; the log says why") from away
                log.warning("the signer does not answer, payouts wait", reason=str(away))
            await asyncio.sleep(SIGNER_RETRY_SECONDS)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Implements `remote_signer.Door`."""
        if self._control is None:
            return await asyncio.open_unix_connection(self._path, limit=SIGNER_ANSWER_BYTES_MAX)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # At most some bytes wait there: this cannot block for long.
                socket.send_fds(self._control, [b"\0"], [theirs.fileno()], socket.MSG_DONTWAIT)
        except OSError:
            ours.close()
            raise
        return await asyncio.open_connection(sock=ours, limit=SIGNER_ANSWER_BYTES_MAX)

    async def stop(self) -> None:
        """End our own, after the order that it is at; returns when it has ended."""
        if self._control is None or self._process is None:
            return
        self._control.close()
        try:
            await asyncio.to_thread(self._process.wait, CHILD_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)


def open_signer(settings: Settings, data: Path) -> SignerProcess:
    """Start the signer, or find the one that somebody else runs, and shut this process out of its
    folder. To be called while this process has one thread.

    Args:
        settings: all of them.
        data: the data directory, absolute; laid out.

    Raises:
        OSError: the signer cannot be started.
    """
    elsewhere = settings.stellar.signer_socket
    if elsewhere:
        signer = SignerProcess(Path(elsewhere))
    else:
        signer = SignerProcess.start(brief_of(settings, data))
    stay_out(data)
    return signer


def stay_out(data: Path) -> None:
    """Shut this process out of the signer's folder, or say that it cannot be. It has one thread."""
    try:
        lock_out(signer_folder(data))
    except CannotLockOut as reason:
        log.warning("this process could read the key that pays", reason=str(reason))


def brief_of(settings: Settings, data: Path) -> Brief:
    """What a signer with these settings is told.

    Args:
        settings: all of them.
        data: the data directory, absolute.
    """
    database = settings.database
    url = database.signer_url.get_secret_value() or database.url.get_secret_value()
    return Brief(
        folder=str(signer_folder(data)),
        former_seed=str(data / SECRETS_DIRECTORY / FORMER_HOT_SEED),
        passphrase=settings.stellar.network_passphrase or PASSPHRASE,
        daily_caps=dict.fromkeys(settings.stellar.assets, settings.settlement.daily_cap_stroops),
        daily_fees=settings.settlement.daily_fees_stroops,
        database_url=url,
        postgres=str(data / "postgres"),
        log_level=settings.log.level,
        log_format=settings.log.format,
    )
