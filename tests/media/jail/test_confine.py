"""What a process can and cannot do once it has locked itself in."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.limits import JAIL_THREADS_MAX
from media.jail.level import Level, Parts, parts_from_json
from tests.media.jail.children import (
    LANDLOCK,
    NOBODY,
    ROOT,
    SECCOMP,
    SETUID,
    UNSHARE,
    command,
    run,
)

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this jail"),
]

_CONFINE = """
import json, os, signal, sys, threading, time
from media.jail.confine import build_jail, confine
from media.jail.level import Confinement
from tests.media.jail.children import become_nobody, refuse

def lock(memory=512 << 20, cpu=20, descriptors=16):
    return build_jail(Confinement(memory, cpu, descriptors))

"""


def _parts(code: str) -> Parts:
    done = run(_CONFINE + code + "\nprint(json.dumps(lock().as_json()))")
    assert done.returncode == 0, done.stderr
    return parts_from_json(json.loads(done.stdout))


def _lacking(parts: Parts) -> set[str]:
    return {name for name, there in parts.as_json().items() if not there}


@pytest.mark.parametrize("account", ["", "become_nobody()"])
def test_nothing_lacks_here_for_root_and_for_others(account: str) -> None:
    parts = _parts(account)
    assert _lacking(parts) == set()
    assert parts.level is Level.FULL


@pytest.mark.parametrize(
    ("calls", "lacking", "level"),
    [
        ([LANDLOCK], {"landlock"}, Level.STRONG),
        ([UNSHARE], {"network"}, Level.STRONG),
        ([LANDLOCK, UNSHARE], {"landlock", "network"}, Level.STRONG),
        ([SECCOMP], {"seccomp"}, Level.BASIC),
    ],
)
@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_that_refuses_a_part_gives_the_rest(
    calls: list[tuple[int, int]], lacking: set[str], level: Level, error: int
) -> None:
    parts = _parts(f"refuse({calls}, {error})")
    assert _lacking(parts) == lacking
    assert parts.level is level


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to leave")
def test_root_that_may_not_change_its_account_is_told_so() -> None:
    parts = _parts(f"refuse([{SETUID}], {errno.EPERM})")
    assert _lacking(parts) == {"account"}
    assert parts.level is Level.STRONG


_STATUS = """
with open("/proc/self/status") as status, open("/proc/self/limits") as limits:
    lock()
    print(status.read(), *limits.read().split())
"""


def test_the_kernel_itself_says_so() -> None:
    """Files of /proc that were opened before tell how it is when they are read."""
    said = run(_CONFINE + _STATUS).stdout
    fields = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    if os.geteuid() == 0:
        # In its own user namespace no account has a name; the kernel then says 65534 as well.
        assert fields["Uid"].split() == [str(NOBODY)] * 4
        assert fields["Groups"].split() == []
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[name], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"
    assert fields["Seccomp"].strip() == "2"
    for limit in ("Max file size 0 0", "Max core file size 0 0", "Max cpu time 20 21"):
        assert limit in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into what others may not dump")
def test_from_outside_it_is_somewhere_else() -> None:
    code = "lock(); print('locked', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        command(_CONFINE + code), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        seen = Path("/proc", str(child.pid))
        owner = seen.joinpath("status").read_text()
        directory, root = (str((seen / name).readlink()) for name in ("cwd", "root"))
        networks = {(one / "ns" / "net").readlink() for one in (seen, Path("/proc/self"))}
        child.communicate(timeout=60)
    assert f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}" in owner
    assert directory.endswith(" (deleted)")
    assert root == directory
    assert len(networks) == 2


def test_a_worker_that_cannot_be_jailed_as_asked_does_not_work() -> None:
    code = """
from media.jail.minimum import enter_jail
refuse([%r])
enter_jail(Confinement(512 << 20, 20, 16), ["--jail-minimum=3"])
print("works")
"""
    done = run(_CONFINE + code % (LANDLOCK,))
    assert (done.stdout, done.returncode) == ("", 1)
    assert "jail has level 2, and at least 3 is asked for" in done.stderr


# Two rungs of x264 with threads of its own, then a decoder with threads, then a descriptor.
_WORK = """
import io
import av
import av.subtitles.stream  # PyAV loads it with the first stream, whatever that is
descriptor = int(sys.argv[1])
lock()
os.environ.clear()
made = io.BytesIO()
with av.open(made, "w", format="mpegts") as output:
    stream = output.add_stream("libx264", rate=25)
    stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
    stream.codec_context.options = {"threads": "4", "preset": "veryfast"}
    for number in range(50):
        frame = av.VideoFrame(640, 360, "yuv420p")
        frame.pts = number
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
made.seek(0)
with av.open(made, format="mpegts") as again:
    again.streams.video[0].thread_type = "AUTO"
    again.streams.video[0].codec_context.thread_count = 4
    pictures = sum(1 for _ in again.decode(video=0))
results = []
workers = [threading.Thread(target=lambda: results.append(os.getrandom(1))) for _ in range(8)]
[one.start() for one in workers]; [one.join() for one in workers]
with open(descriptor, "rb") as file:
    file.seek(4)
    text = file.read().decode() + os.pread(file.fileno(), 4, 0).decode()
time.sleep(0.001)
print(pictures, len(results), text, os.fstat(1).st_size, flush=True)
"""


def test_encoders_decoders_threads_and_open_files_go_on_working(tmp_path: Path) -> None:
    file = tmp_path / "upload"
    file.write_text("headtail")
    with file.open("rb") as opened:
        opened_as = opened.fileno()
        done = run(_CONFINE + _WORK, str(opened_as), open_files=[opened_as])
    assert done.stderr == ""
    assert done.stdout == "50 8 tailhead 0\n"
    assert done.returncode == 0


def test_last_words_are_heard_from_any_thread() -> None:
    code = """
lock()
def fails(): raise ValueError("in a thread")
other = threading.Thread(target=fails)
other.start(); other.join()
raise LookupError("in the end")
"""
    done = run(_CONFINE + code)
    assert done.returncode == 1
    assert "ValueError: in a thread" in done.stderr
    assert "LookupError: in the end" in done.stderr


def test_no_file_grows_and_pipes_take_anything(tmp_path: Path) -> None:
    code = """
lock()
try:
    os.write(int(sys.argv[1]), b"x")
except OSError as error:
    print(error.errno)
os.write(1, b"y" * 100_000)
"""
    with (tmp_path / "open").open("wb") as opened:
        done = run(_CONFINE + code, str(opened.fileno()), open_files=[opened.fileno()])
    assert done.stdout.endswith("y" * 100_000)
    assert done.stdout.startswith(f"{errno.EFBIG}\n")


def test_who_is_in_a_jail_is_told_so() -> None:
    code = """
from media.jail.confine import AlreadyConfined
lock()
try:
    lock()
except AlreadyConfined as error:
    print(error)
"""
    done = run(_CONFINE + code)
    assert done.stdout == "This process is in a jail, which cannot be changed any more.\n"


def test_an_endless_loop_is_told_then_killed() -> None:
    code = """
signal.signal(signal.SIGXCPU, lambda *_: print("told", flush=True))
lock(cpu=1)
while True: pass
"""
    done = run(_CONFINE + code)
    assert done.stdout == "told\n"
    assert done.returncode == -signal.SIGKILL


def test_a_bomb_of_threads_fizzles_out() -> None:
    code = """
lock(memory=4 << 30)
threading.stack_size(64 << 10)
hold = threading.Event()
threads = 0
try:
    while threads < 2000:
        threading.Thread(target=hold.wait).start()
        threads += 1
except RuntimeError:
    print(threads)
hold.set()
"""
    done = run(_CONFINE + code)
    assert 100 < int(done.stdout) < JAIL_THREADS_MAX


_PARENT = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1]])
sys.stdin.read()
"""


def test_it_ends_with_its_parent_although_its_account_changed() -> None:
    code = """
from config.child import die_with_parent
die_with_parent(signal.SIGKILL)
lock()
print("locked", flush=True)
time.sleep(40)
print("survived", flush=True)
"""
    with subprocess.Popen(
        command(_PARENT, _CONFINE + code), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"locked\n"
        parent.kill()
        assert parent.stdout.read() == b""
