"""`tollcast verify`: what it says of receipts in files, and how it ends."""

import json
import random
from pathlib import Path

import pytest

from api.cli import main
from api.receipt_key import ReceiptKey, open_receipt_key
from config.secret_files import SecretFiles
from ingest.key_set import write_key_set
from tests.metering.receipts import KEY, file_of, random_session, receipt_of
from tests.metering.reconciliation.test_report import MISSING, UNSIGNED, report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five receipts of one viewer, and the key that they were signed with."""
    draw, previous = random.Random(3), None
    folder = tmp_path / "receipts"
    folder.mkdir()
    for number in range(1, 6):
        receipt = receipt_of(random_session(draw, str(number), runs=4), previous)
        (folder / f"{number}.json").write_bytes(file_of(receipt))
        previous = receipt.hash
    (tmp_path / "jwks.json").write_text(json.dumps(write_key_set([KEY.public])))
    return folder


def verify(*arguments: Path | str) -> int:
    return main(["verify", *map(str, arguments)])


def test_sound_receipts_are_told_with_what_they_are_about(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(folder, "--key", folder.parent / "jwks.json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(" XLM for " in line and ": sound: " in line for line in lines)
    assert "session ses_1, closed 2026-11-21T04:06:06.000Z" in lines[0]


def test_what_is_wrong_is_named_with_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "2.json"
    broken.write_bytes(broken.read_bytes().replace(b'"acc_viewer"', b'"acc_vjewer"'))
    assert verify(broken, folder / "1.json") == 1
    told = capsys.readouterr().out
    assert f"{broken}: viewer: the chain breaks here\n" in told
    assert "1.json: sound" in told


def test_a_receipt_that_is_missing_between_others_is_noticed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "1.json").unlink()
    (folder / "4.json").unlink()
    assert verify(folder) == 1
    told = capsys.readouterr().out
    assert "5.json: previous: the receipt before this one" in told
    assert "2.json: sound" in told


def test_whose_key_it_is_is_asked_of_the_key_set_or_of_the_server_itself(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, data = folder / "1.json", tmp_path / "data"
    assert verify(one, f"--data_directory={data}") == 0
    assert "nothing here tells" in capsys.readouterr().out
    open_receipt_key(SecretFiles(data / "secrets"))
    assert verify(one, f"--data_directory={data}") == 1
    assert "1.json: key: is not one of this server" in capsys.readouterr().out
    others = tmp_path / "others.json"
    others.write_text(json.dumps(write_key_set([ReceiptKey(bytes(32)).public])))
    assert verify(one, "--key", others) == 1
    assert f"key: is not one of {others}" in capsys.readouterr().out


def test_days_reports_are_checked_beside_receipts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "day.json").write_bytes(report(MISSING))
    (folder / "old.json").write_text(json.dumps(UNSIGNED))
    assert verify(folder, "--key", folder.parent / "jwks.json") == 1
    told = capsys.readouterr().out
    assert (
        "day.json: sound: report of 2026-11-30 (over), ledgers 11 to 99: chain and books differ;"
        f" made 2026-11-30T12:00:00.000Z, signed with {KEY.name}\n"
    ) in told
    assert "old.json: signature: there is none: the report was stored by an older version" in told
    assert told.count("sound") == 6
    flipped = report(MISSING).replace(b'"count":3,', b'"count":2,')
    (folder / "day.json").write_bytes(flipped)
    assert verify(folder / "day.json") == 1
    assert "day.json: payments: the chain breaks here\n" in capsys.readouterr().out
    (folder / "day.json").write_bytes(flipped.replace(b"tollcast-report-1", b"tollcast-report-2"))
    assert verify(folder / "day.json") == 1
    assert "day.json: format: is not tollcast-report-1\n" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{}", "no keys"])
def test_without_a_file_or_keys_nothing_is_checked(
    folder: Path, tmp_path: Path, content: str | None
) -> None:
    keys = tmp_path / "keys.json"
    if content is not None:
        keys.write_text(content)
    assert verify(folder, "--key", keys) == 2
    assert verify(tmp_path / "nothing.json") == 2
    (tmp_path / "empty").mkdir()
    assert verify(tmp_path / "empty") == 2
