"""Stellar's own JavaScript SDK as a peer: an independent reader of every byte that we send."""

import json
import subprocess
from pathlib import Path

import pytest

from metering.localnet import CHANNEL_WASM_HASH
from tests.metering.localnet.running import running_network
from tests.npm import NPM_TIMEOUT, npm_packages

_PACKAGE = "@stellar/stellar-sdk"
_VERSION = "17.2.0"
_RUN_SECONDS_MAX = 90

pytestmark = [pytest.mark.peer, NPM_TIMEOUT]


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The entry file of the JavaScript SDK."""
    modules = npm_packages(f"stellar-sdk-{_VERSION}", f"{_PACKAGE}@{_VERSION}")
    return modules / _PACKAGE / "lib" / "esm" / "index.js"


def run(script: str, *arguments: str | Path) -> dict[str, object]:
    """What a script of ours tells."""
    ended = subprocess.run(
        ["node", Path(__file__).parent / script, *arguments],
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS_MAX,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told: dict[str, object] = json.loads(ended.stdout)
    return told


def test_the_javascript_sdk_opens_a_payment_channel_and_pays(sdk: Path, tmp_path: Path) -> None:
    with running_network(tmp_path / "state", close_ms=50) as network:
        told = run("contracts/peer.mjs", network.url, sdk, CHANNEL_WASM_HASH)
    assert told == {
        "deposited": "500000000",
        "withdrawn": "200000000",
        "paidFor": True,
        "events": ["open", "withdraw"],
        "signers": 1,
        "alive": True,
    }


def test_the_javascript_sdk_reads_pays_and_reads_back(sdk: Path, tmp_path: Path) -> None:
    with running_network(tmp_path / "state") as network:
        told = run("peer.mjs", network.url, sdk)
    assert told == {
        "passphrase": network.passphrase,
        "sameSequence": True,
        "entryBalance": "100000000000",
        "sentStatus": "PENDING",
        "foundStatus": "SUCCESS",
        "foundHash": True,
        "foundFee": "100",
        "metaOperations": 1,
        "submittedHash": True,
        "readSuccessful": True,
        "bumpedSuccessful": True,
        "codes": {"transaction": "tx_failed", "operations": ["op_no_destination"]},
        "refusedStatus": "ERROR",
        # The three payments and the deposit, less what was laid by and two fees.
        "balance": "10013.3456489",
        "latest": True,
        "fees": "100",
        "health": "healthy",
        "eventTopics": [len("transfer"), 56, 56, len("native")],
        "eventValue": {"amount": "40000000", "to_muxed_id": "18446744073709551615"},
        "eventPlace": True,
        "oldest": 1,
        "payments": ["create_account", *["payment"] * 3],
        "toMuxedId": "18446744073709551615",
        "memo": "none",
        "pastHashes": [True],
        "ledgerOrder": 1,
        "balanceId": True,
        "claimed": True,
    }
