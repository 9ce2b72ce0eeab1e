"""The page that checks receipts, and its check beside the server's, on the same damaged files."""

import asyncio
import base64
import json
import random
from pathlib import Path

import pytest

from api.receipt_key import ReceiptKey, verify
from ingest.key_set import write_key_set
from metering.receipts.chain import elements
from metering.receipts.check import check_receipt
from metering.receipts.receipt import Settled
from tests.metering.receipts import KEY, file_of, random_file, random_session, receipt_of
from tests.metering.test_receipt import FORGERIES, forged, plain_session
from tests.programs import program
from tests.web.conftest import WEB
from tests.web.fake_server import FakeServer
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

DAMAGED = 250
NODE_SECONDS_MAX = 60
# One answer a line: what is wrong with the receipt of that line.
PROGRAM = """
import { createInterface } from "node:readline";
import { checkReceipt } from "./check.mjs";
for await (const line of createInterface({ input: process.stdin })) {
  const { faults } = await checkReceipt(Buffer.from(line, "base64"));
  console.log(JSON.stringify(faults.map(({ path, reason }) => `${path}: ${reason}`)));
}
"""


def keys_of(*keys: ReceiptKey) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = json.loads(
        json.dumps(write_key_set([key.public for key in keys]))
    )["keys"]
    return entries


def damaged(draw: random.Random) -> bytes:
    """A receipt with one bit flipped, one byte changed, some left out, or one digit another."""
    file = bytearray(random_file(draw))
    place = draw.randrange(len(file))
    match draw.randrange(4):
        case 0:
            file[place] ^= 1 << draw.randrange(8)
        case 1:
            file[place] = draw.randrange(256)
        case 2:
            del file[place : place + draw.randrange(1, 4)]
        case _:
            digits = [at for at, byte in enumerate(file) if 0x30 <= byte <= 0x39]
            file[draw.choice(digits)] = draw.randrange(0x30, 0x3A)
    return bytes(file)


@pytest.mark.usefixtures("dist")
async def test_the_page_and_the_server_say_the_same_of_damaged_receipts(tmp_path: Path) -> None:
    draw = random.Random(11)
    files = [*(forged(edit) for edit, _ in FORGERIES), *(damaged(draw) for _ in range(DAMAGED))]
    bundle = await asyncio.create_subprocess_exec(
        str(WEB / "node_modules" / ".bin" / "rolldown"),
        *(str(WEB / "src" / "verify" / "check.ts"), "--format", "esm"),
        *("--file", str(tmp_path / "check.mjs")),
        stdout=asyncio.subprocess.DEVNULL,
        cwd=WEB,
    )
    async with asyncio.timeout(NODE_SECONDS_MAX):
        assert await bundle.wait() == 0
    (tmp_path / "main.mjs").write_text(PROGRAM)
    node = await asyncio.create_subprocess_exec(
        program("node"),
        str(tmp_path / "main.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    lines = b"".join(base64.b64encode(file) + b"\n" for file in files)
    async with asyncio.timeout(NODE_SECONDS_MAX):
        output, _ = await node.communicate(lines)
    theirs = [json.loads(line) for line in output.splitlines()]
    ours = [[str(fault) for fault in check_receipt(file, verify).faults] for file in files]
    assert theirs == ours
    assert sum(not faults for faults in ours) < DAMAGED // 10  # a digit may be what it was


async def test_a_sound_receipt_is_told_with_all_that_was_checked(
    visitor: Visitor, server: FakeServer, tmp_path: Path
) -> None:
    server.receipt_keys = keys_of(KEY)
    receipt = receipt_of(random_session(random.Random(5), runs=5))
    file = tmp_path / "receipt.json"
    file.write_bytes(file_of(receipt, Settled("acc_creator", "pay_1", "applied", "cd" * 32)))
    await visitor.open("/verify")
    await visitor.page.set_input_files("input[type=file]", str(file))
    await visitor.reads(".verdict[data-verdict=sound] h2", "text.includes('is sound')")
    told = await visitor.text(".verdict")
    for words in (
        "This server signed it.",
        f"{len(elements(receipt.document))} linked hashes fit",
        receipt.hash,
        "cd" * 32,
    ):
        assert words in told


async def test_the_first_wrong_element_is_named(
    visitor: Visitor, server: FakeServer, tmp_path: Path
) -> None:
    server.receipt_keys = keys_of(ReceiptKey(bytes(32)))
    sound = file_of(receipt_of(plain_session()))
    changed, foreign = tmp_path / "changed.json", tmp_path / "foreign.json"
    changed.write_bytes(sound.replace(b'"2778"', b'"2777"', 1))
    foreign.write_bytes(sound)
    await visitor.open("/verify")
    await visitor.page.set_input_files("input[type=file]", [str(changed), str(foreign)])
    await visitor.until("document.querySelectorAll('.verdict').length === 2")
    assert await visitor.text(".fault-first code") == "ticks[1].amount"
    told = await visitor.text(".fault-first")
    assert "the chain breaks here: the tariff says 2778, the file says 2777" in told
    assert "not from this server" in await visitor.text(".verdict[data-verdict=stranger]")


async def test_an_address_can_name_a_receipt_of_the_server(
    visitor: Visitor, server: FakeServer
) -> None:
    server.receipt_keys = keys_of(KEY)
    server.receipts["ses_1"] = file_of(receipt_of(random_session(random.Random(6))))
    visitor.expected.add(404)
    await visitor.open("/verify#session=ses_1")
    await visitor.reads(".verdict[data-verdict=sound] h2", "text.includes('is sound')")
    await visitor.open("/")
    await visitor.open("/verify#session=ses_2")
    await visitor.reads("[data-notice=gone]", "text.includes('no such receipt')")


async def test_a_browser_without_ed25519_is_told_so(visitor: Visitor) -> None:
    await visitor.page.add_init_script(
        "crypto.subtle.importKey = () => Promise.reject(new DOMException('no such algorithm'))"
    )
    await visitor.open("/verify")
    await visitor.reads("[data-notice=unsupported]", "text.includes('cannot check signatures')")
