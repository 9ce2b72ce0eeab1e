"""What lies in the data directory, and where earlier versions had it."""

from pathlib import Path

from api.data_layout import lay_out


def test_all_is_made_once_and_what_lay_elsewhere_is_moved(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"
    data.mkdir(parents=True)
    for name in ("localnet.state", "rtmps-certificate.pem", "server"):
        (data / name).write_text(name)
    for _ in range(2):
        lay_out(data)
        assert (data / "localnet" / "localnet.state").read_text() == "localnet.state"
        assert (data / "certificates/rtmps-certificate.pem").read_text() == "rtmps-certificate.pem"
        assert (data / "server").read_text() == "server"
    there = {path.name for path in data.iterdir()}
    assert {"media", "postgres", "secrets", "uploads", "demo.log"} <= there
    assert there.isdisjoint({"localnet.state", "rtmps-certificate.pem", "signer"})
    assert (data / "secrets").stat().st_mode & 0o077 == 0
