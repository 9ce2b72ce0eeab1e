"""Children and the end of their parent."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.process

# The child tells its number and then waits for ever; the grandparent reads it through one pipe.
_PARENT = textwrap.dedent(
    """
    import subprocess, sys, signal
    from config.child import die_with_parent
    child = subprocess.Popen(
        [sys.executable, "-c", "import signal, os; print(os.getpid(), flush=True); signal.pause()"],
        preexec_fn=lambda: die_with_parent(signal.SIGTERM),
    )
    signal.pause()
    """
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can")
def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    # The pipe's end is reached when the last holder of its other side, the child, has ended.
    assert parent.stdout.read() == b""
    parent.stdout.close()


def test_a_child_whose_parent_was_gone_before_it_asked_ends_at_once() -> None:
    code = "from config.child import die_with_parent; die_with_parent(15, parent=1); print('on')"
    done = subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.PIPE)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == b""
