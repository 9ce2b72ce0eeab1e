"""The command `tollcast verify`: checks receipts and reports, with nothing but a public key."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.receipt_key import ReceiptKey, public_name, verify
from api.secret_names import RECEIPT_KEY, SECRETS_DIRECTORY
from config.limits import KEY_SET_BYTES_MAX, RECEIPT_BYTES_MAX
from config.secret_files import SecretExposed, SecretFiles
from ingest.key_set import MalformedKeySet, read_key_set
from metering.money import format_amount
from metering.receipts.check import Checked, Fault, check_receipt, series_faults
from metering.reconciliation.report import FORMAT as REPORT
from metering.reconciliation.report_check import check_report, is_report

type Say = Callable[[str], None]


class CannotVerify(Exception):
    """Nothing was checked: a file is not there, or the keys are none."""


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """Public keys that are the server's, and who says so; None when nobody does."""

    names: frozenset[str] | None
    origin: str


def verify_files(paths: Sequence[Path], keys: KnownKeys, say: Say) -> bool:
    """Check receipts and days' reports, of folders all that are in them and whether a receipt is
    missing in between; say what came out, a line for each fault. True when there is none.

    Raises:
        CannotVerify: a file cannot be read, or there is none.
    """
    checked = {str(file): _check(file, keys) for path in paths for file in _files(path)}
    if not checked:
        raise CannotVerify("there is no receipt (*.json) in it")
    receipts = {name: each for name, each in checked.items() if not _is_read_report(each)}
    between = series_faults(receipts) if len(receipts) > 1 else {}
    sound = True
    for name, each in checked.items():
        faults = [*each.faults, *between.get(name, ())]
        for fault in faults:
            say(f"{name}: {fault}")
        if not faults:
            say(f"{name}: sound: {_summary(each)}")
        sound = sound and not faults
    if keys.names is None:
        say(f"(whose key it is, nothing here tells: {keys.origin})")
    return sound


def _is_read_report(checked: Checked) -> bool:
    return checked.document is not None and checked.document["format"] == REPORT


def known_keys(key_set: Path | None, data: Path) -> KnownKeys:
    """The keys of a JWKS file; without one, the key of the server whose data directory it is.

    Raises:
        CannotVerify: the file is no key set.
    """
    if key_set is not None:
        return KnownKeys(_key_set(key_set), str(key_set))
    try:
        secret = SecretFiles(data / SECRETS_DIRECTORY).read(RECEIPT_KEY)
    except (SecretExposed, PermissionError):
        secret = None
    if secret is None:
        return KnownKeys(None, "compare it with the server's /.well-known/jwks.json, --key FILE")
    return KnownKeys(frozenset([ReceiptKey.of_text(secret).name]), "this server")


def _key_set(path: Path) -> frozenset[str]:
    try:
        keys = read_key_set(read_file(path, KEY_SET_BYTES_MAX))
    except MalformedKeySet as error:
        raise CannotVerify(f"{path}: {error}") from None
    return frozenset(map(public_name, keys.values()))


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _check(path: Path, keys: KnownKeys) -> Checked:
    data = read_file(path)
    checked = check_report(data, verify) if is_report(data) else check_receipt(data, verify)
    if checked.document is None or keys.names is None or checked.document["key"] in keys.names:
        return checked
    stranger = Fault("key", f"is not one of {keys.origin}")
    return Checked((*checked.faults, stranger), checked.document)


def read_file(path: Path, bytes_max: int = RECEIPT_BYTES_MAX) -> bytes:
    """What is in a file.

    Raises:
        CannotVerify: it cannot be read, or is longer.
    """
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise CannotVerify(f"{path}: {error.strerror}") from None
    if len(data) > bytes_max:
        raise CannotVerify(f"{path}: is longer than any receipt")
    return data


def _summary(checked: Checked) -> str:
    assert checked.document is not None, "what is sound was read"
    document: Mapping[str, Any] = checked.document
    if _is_read_report(checked):
        return _report_summary(document)
    paid = format_amount(int(document["totals"]["paid"]))
    return (
        f"{paid} {document['asset']} for {document['totals']['seconds']} s of"
        f" {document['content']}, session {document['session']}, closed {document['closedAt']}"
    )


def _report_summary(document: Mapping[str, Any]) -> str:
    ledgers = document["ledgers"]
    return (
        f"report of {document['date']} ({document['state']}), ledgers {ledgers['after'] + 1} to"
        f" {ledgers['until']}: chain and books {document['verdict']}; made {document['madeAt']},"
        f" signed with {document['key']}"
    )
