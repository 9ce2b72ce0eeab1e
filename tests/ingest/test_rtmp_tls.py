"""Publishers over TLS, on real sockets; those of other makes are in `test_rtmps_peers`."""

import asyncio
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
import uvloop

from api.certificate import own_certificate
from config.clock import SystemClock
from config.limits import RTMP_HANDSHAKE_MS_MAX
from ingest.rtmp_server import RtmpLimits
from ingest.rtmp_tls import CertificateUnusable, ServerTls
from media.hub import PacketReceived
from media.wire.rtmp_event import PublishAccepted
from tests.ingest.encoder import Encoder
from tests.ingest.footage import Footage
from tests.ingest.rig import Rig

DEADLINE_S = 20


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return own_certificate(tmp_path_factory.mktemp("tls"), SystemClock())


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def connect(rig: Rig, certificate: Path) -> Encoder:
    streams = await asyncio.open_connection(
        "127.0.0.1", rig.tls_port, ssl=trusting(certificate), server_hostname="localhost"
    )
    encoder = Encoder(*streams, "right")
    encoder.flush()
    rig.keep(encoder)
    return encoder


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_both_listeners_share_their_limits_and_no_stranger_stays_in_a_tls_handshake(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    footage: Footage,
    files: tuple[Path, Path],
) -> None:
    """Method: one publisher over TLS, beside more strangers than may be there half open."""

    async def publish() -> None:
        rig = Rig(RtmpLimits(idle=4, refusal_ms=1), tls=ServerTls(*files))
        await rig.server.start()
        encoder = await connect(rig, files[0])
        assert await encoder.answer() == PublishAccepted()
        strangers = [await rig.stranger(port) for port in rig.server.ports * 4]
        await asyncio.gather(*(stranger.closed() for stranger in strangers[:4]))
        garbage, leaver = await rig.stranger(rig.tls_port), await rig.stranger(rig.tls_port)
        await garbage.exchange_raw(b"\3" + bytes(1536), 0)
        leaver.abort()
        await garbage.closed()
        encoder.send(footage)
        encoder.core.end_publish()
        encoder.flush()

        events = await rig.events()

        assert sum(isinstance(event, PacketReceived) for event in events) == 50 + len(footage.audio)
        assert rig.keys.asked[0].secure
        await encoder.close()
        rig.clock.advance(RTMP_HANDSHAKE_MS_MAX + 1)
        await asyncio.gather(*(stranger.closed() for stranger in strangers))
        last = await rig.stranger(rig.tls_port)
        await rig.stop()
        await last.closed()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(publish(), DEADLINE_S))


async def test_renewed_files_are_taken_up_and_broken_ones_are_not(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    """Method: who trusts only the old certificate, or only the new one, gets in."""
    new_files = own_certificate(tmp_path / "new", SystemClock())
    used = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for target, file in zip(used, files, strict=True):
        shutil.copy(file, target)
    tls = ServerTls(*used)
    rig = Rig(RtmpLimits(refusal_ms=1), tls=tls)
    await rig.server.start()

    with structlog.testing.capture_logs() as logs:
        shutil.copy(new_files[0], used[0])  # half of the renewal: its key is the old one
        tls.refresh()
        tls.refresh()
        used[1].unlink()
        tls.refresh()
        await connect(rig, files[0])
        shutil.copy(new_files[1], used[1])
        tls.refresh()
        tls.refresh()

    assert [line["log_level"] for line in logs if "certificate" in line["event"]] == [
        *("error", "error", "info"),
    ]
    encoder = await connect(rig, new_files[0])
    assert await encoder.answer() == PublishAccepted()
    with pytest.raises(ssl.SSLError):
        await connect(rig, files[0])
    await rig.stop()


def test_a_certificate_has_to_be_usable_from_the_start(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    (tmp_path / "broken").write_text("no certificate")
    for certificate, key in [
        (tmp_path / "none", files[1]),
        (tmp_path / "broken", files[1]),
        (files[0], files[0]),
    ]:
        with pytest.raises(CertificateUnusable):
            ServerTls(certificate, key)
