"""The live worker in its jail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from media.jail.level import Level
from media.transcode.plan import plan_to_bytes
from media.transcode.protocol import (
    Configure,
    Finish,
    Finished,
    Message,
    MessageReader,
    encode_message,
)
from media.transcode.worker_process import worker_command
from tests.media.jail.children import ROOT
from tests.media.transcode.synthetic import video_source
from tests.media.transcode.test_av_worker import encoded, of_source, plan_for

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has this jail"),
]


def test_a_worker_works_in_a_full_jail_also_from_a_folder_closed_to_it(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for package in ("config", "media"):
        shutil.copytree(ROOT / package, checkout / package)
    tmp_path.chmod(0o700)
    source = video_source(320, 180)
    messages: list[Message] = [
        Configure(plan_to_bytes(plan_for(source))),
        *(of_source(one) for one in source.packets),
        Finish(),
    ]
    done = subprocess.run(
        worker_command(Level.FULL),
        input=b"".join(encode_message(one) for one in messages),
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == (b"", 0)
    said = MessageReader().feed(done.stdout)
    assert said[-1] == Finished()
    for rung in range(2):
        assert len(encoded(said, rung)) == len(source.packets)
