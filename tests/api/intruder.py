"""A server's process in strange hands: starts as `tollcast up` does, then steals.

Run as a program: LOCKED|OPEN and settings. Says as JSON what it could read, do and steal.
"""

import asyncio
import ctypes
import errno
import json
import os
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from api.data_layout import lay_out, signer_folder
from api.signer_process import SignerProcess, brief_of, open_signer
from config import logs
from config.clock import SystemClock
from config.postgres import Database
from config.settings import Settings, load
from metering.settlement.outbox import Settlement
from metering.settlement.outbox_postgres import _insert
from metering.settlement.signer import Refused
from metering.signer.brief import write_brief
from metering.signer.remote_signer import RemoteSigner
from tests.end_to_end.process_memory import memory
from tests.end_to_end.running_server import descendants
from tests.metering.signer.plans import ALICE, SEED, order, pay, plan

# The key as text and as bytes; not together, so that they are not found in what is looked for.
_NEEDLES = (SEED.encode(), b"0123456789abcdef" * 2)
_BYTES_MAX = 1 << 24
_PTRACE_ATTACH = 16
_MS_BIND = 4096
_LIBC = ctypes.CDLL(None, use_errno=True)


def readable(places: Iterator[Path]) -> list[str]:
    """Which of these show the key."""
    return [str(path) for path in places if _shows_key(path)]


def _shows_key(path: Path) -> bool:
    try:
        pieces = memory(int(path.parent.name)) if path.name == "mem" else _file(path)
        return any(needle in piece for piece in pieces for needle in _NEEDLES)
    except OSError:
        return False


def _file(path: Path) -> Iterator[bytes]:
    if not stat.S_ISFIFO(path.stat().st_mode):
        with path.open("rb") as file:
            yield file.read(_BYTES_MAX)


def places(data: Path, processes: list[int]) -> Iterator[Path]:
    """All files of the server, and all that the system tells of the signer's processes."""
    for folder, _, names in os.walk(data):
        yield from (Path(folder) / name for name in names)
    yield signer_folder(data) / "stellar-hot-seed"
    for process in processes:
        about = Path("/proc") / str(process)
        yield from (about / name for name in ("mem", "environ", "cmdline", "stack", "auxv"))
        for link in ("root", "cwd"):
            yield about / link / "stellar-hot-seed"
            yield Path(f"{about}/{link}{signer_folder(data)}/stellar-hot-seed")
        yield from (about / "fd" / str(number) for number in range(20))


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _read_memory(process: int) -> None:
    """EFAULT would say that we may, and that nothing is there."""
    there = _Piece(1 << 20, 8)
    here = _Piece(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    result = _LIBC.process_vm_readv(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    if result < 0 and ctypes.get_errno() == errno.EPERM:
        raise OSError("refused")


class _Piece(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("at", ctypes.c_void_p), ("bytes", ctypes.c_size_t))


def _mount(what: Path, where: Path) -> None:
    os.unshare(os.CLONE_NEWNS)
    _checked(_LIBC.mount(str(what).encode(), str(where).encode(), None, _MS_BIND, None))
    (where / "stellar-hot-seed").read_bytes()


def _as_nobody(seed: Path) -> None:
    code = f"import os; os.setuid(65534); open({str(seed)!r}).read()"
    if subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode:
        raise OSError("refused")


def _disk(data: Path) -> None:
    """The disk that all lies on, as a device of our own making."""
    device = data / "media" / "disk"
    os.mknod(device, 0o600 | stat.S_IFBLK, data.stat().st_dev)
    device.open("rb").close()


def _any_disk() -> None:
    for device in Path("/dev").iterdir():
        if stat.S_ISBLK(device.stat().st_mode):
            with suppress(OSError):
                device.open("rb").close()
                return
    raise OSError("refused")


def _another_signer(settings: Settings, data: Path) -> None:
    """A signer that we start may do what we may."""
    brief = replace(brief_of(settings, data), daily_caps={"XLM": 10**18})
    done = subprocess.run(
        [sys.executable, "-P", "-m", "metering.signer", "0"],
        input=write_brief(brief), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    if b"is ready" not in done.stderr:
        raise OSError("refused")


def attempts(settings: Settings, data: Path, worker: int) -> dict[str, Callable[[], object]]:
    """What else one may try; each raises an OSError when it fails."""
    folder, media = signer_folder(data), data / "media"
    seed = folder / "stellar-hot-seed"
    return {
        "move the folder": lambda: folder.rename(media / "moved"),
        "rename the folder": lambda: folder.rename(data / "moved"),
        "link the key": lambda: (media / "linked").hardlink_to(seed),
        "overwrite the key": lambda: seed.write_text("mine"),
        "forget what was signed": (folder / "signed.jsonl").unlink,
        "show it elsewhere": lambda: _mount(folder, media),
        "trace the signer": lambda: _checked(_LIBC.ptrace(_PTRACE_ATTACH, worker, 0, 0)),
        "read its memory": lambda: _read_memory(worker),
        "be its account": lambda: _as_nobody(seed),
        "make a disk": lambda: _disk(data),
        "open a disk": _any_disk,
        "start another signer": lambda: _another_signer(settings, data),
    }


def done(attempts: dict[str, Callable[[], object]]) -> list[str]:
    """Which of them succeeded."""
    succeeded = []
    for name, attempt in attempts.items():
        with suppress(OSError):
            attempt()
            succeeded.append(name)
    return succeeded


async def steal(signer: RemoteSigner, database: Database, cap: int) -> tuple[int, Counter[str]]:
    """Plan and order whatever might be paid to us; what was signed, and what was refused."""
    stolen, refused = 0, Counter[str]()

    async def ordered(settlement: Settlement, **changes: object) -> None:
        nonlocal stolen
        soon = order(settlement, max_time=SystemClock().wall_ms() // 1000 + 60)
        try:
            signed = await signer.sign(replace(soon, **changes))  # type: ignore[arg-type]
            stolen += settlement.total if signed.hash not in seen else 0
            seen.add(signed.hash)
        except Refused as no:
            refused[no.reason.value] += 1

    async def planned(number: int, amount: int) -> Settlement:
        payment = replace(pay(amount, ALICE), id=f"pay_{number}")
        settlement = plan(f"set_{number}", payment, source=signer.hot)
        async with database.transaction() as connection:
            await _insert(connection, settlement)
        return settlement

    seen: set[str] = set()
    end = "UPDATE payout_batch SET state = 'dead', code = 'refused' WHERE id = $1"
    settlement = plan("set_unknown", pay(1), source=signer.hot)
    await ordered(settlement)
    for number in range(20):
        settlement = await planned(number, cap // 8)
        await ordered(settlement)
        await ordered(settlement, sequence=100 + number)
        await database.execute(end, settlement.id)
    await ordered(settlement)
    await ordered(await planned(99, 1), max_time=2**40)
    return stolen, refused


def main(arguments: list[str]) -> None:
    logs.set_up("info", "json")
    settings = load(arguments[1:], {}, None)
    data = settings.data_directory.absolute()
    lay_out(data)
    if arguments[0] == "LOCKED":
        process = open_signer(settings, data)
    else:
        process = SignerProcess.start(brief_of(settings, data))
    found = asyncio.run(_found(settings, data, process, arguments[0] == "LOCKED"))
    print(json.dumps(found))  # noqa: T201


async def _found(
    settings: Settings, data: Path, process: SignerProcess, trying: bool
) -> dict[str, object]:
    signer = await process.meet()
    assert process._process is not None
    guard = process._process.pid
    [worker] = descendants(guard)
    found: dict[str, object] = {"hot": signer.hot, "read": readable(places(data, [guard, worker]))}
    if trying:
        database = await Database.connect(settings.database.url.get_secret_value())
        cap = settings.settlement.daily_cap_stroops
        found["stolen"], found["refused"] = await steal(signer, database, cap)
        await database.close()
        found["done"] = done(attempts(settings, data, worker))
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
