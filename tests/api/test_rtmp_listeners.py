"""Which addresses the settings give to publishers."""

from pathlib import Path

import pytest

from api.certificate import own_certificate
from api.rtmp_listeners import rtmp_listeners
from config.clock import SystemClock
from config.settings import load
from ingest.rtmp_tls import CertificateUnusable


def test_alone_the_server_listens_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    plain, secure = rtmp_listeners(load([], {}, None), tmp_path, SystemClock())

    assert (plain.host, plain.port, plain.tls) == ("127.0.0.1", 1935, None)
    assert (secure.host, secure.port) == ("127.0.0.1", 1936)
    assert secure.tls is not None


def test_a_certificate_that_is_set_is_the_one_that_is_used(tmp_path: Path) -> None:
    certificate, key = own_certificate(tmp_path, SystemClock())
    public = ["--http.public_url=https://a.b", f"--rtmps.key_file={key}"]

    listeners = rtmp_listeners(
        load([*public, f"--rtmps.certificate_file={certificate}"], {}, None),
        tmp_path / "elsewhere",
        SystemClock(),
    )

    assert len(listeners) == 2
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(CertificateUnusable):
        rtmp_listeners(
            load([*public, "--rtmps.certificate_file=/none"], {}, None), tmp_path, SystemClock()
        )


def test_tls_can_be_turned_off(tmp_path: Path) -> None:
    assert len(rtmp_listeners(load(["--rtmps.port=off"], {}, None), tmp_path, SystemClock())) == 1
