"""The tus protocol as it is written, on a real connection."""

import asyncio
import fcntl
import hashlib
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from config.clock import ManualClock
from config.ids import new_id
from ingest.upload.uploads import UploadRules
from tests.api.half_open import patch_in_part, until_size
from tests.api.upload_server import GUEST_TOKEN, OTHER_TOKEN, RULES, TOKEN, UploadServer
from tests.ingest.upload.made import wav

FILE = wav(10_000)
PIECE = "application/offset+octet-stream"
COLLECTION = "/api/v1/uploads"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[UploadServer]:
    server = UploadServer(tmp_path / "uploads")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(server: UploadServer) -> AsyncIterator["Client"]:
    async with ClientSession(server.url) as http:
        yield Client(http)


class Client:
    """Speaks tus by hand; `code` is of the problem document, if there was one."""

    def __init__(self, http: ClientSession, token: str = TOKEN) -> None:
        self.http = http
        self.headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {token}"}

    async def send(
        self, method: str, path: str, data: Any = None, **headers: str
    ) -> tuple[ClientResponse, str]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with asyncio.timeout(30):
            async with self.http.request(
                method, path, headers={**self.headers, **given}, data=data
            ) as answer:
                body = await answer.read()
        if answer.status >= 400 and method != "HEAD":
            assert answer.content_type == "application/problem+json"
            return answer, str(json.loads(body)["code"])
        return answer, ""

    async def create(self, size: int = len(FILE), **headers: str) -> str:
        answer, code = await self.send("POST", COLLECTION, Upload_Length=str(size), **headers)
        assert answer.status == 201, code
        assert answer.headers["Upload-Offset"] == "0"
        return answer.headers["Location"]

    async def patch(
        self, path: str, offset: int, data: Any, **headers: str
    ) -> tuple[ClientResponse, str]:
        given = {"Content_Type": PIECE, "Upload_Offset": str(offset), **headers}
        return await self.send("PATCH", path, data, **given)


async def test_the_server_says_what_it_can_do(client: Client) -> None:
    async with client.http.options(COLLECTION) as answer:
        assert answer.status == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Max-Size"] == str(RULES.bytes_max)
        assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
        assert set(answer.headers["Tus-Extension"].split(",")) == {
            "creation",
            "creation-with-upload",
            "checksum",
            "expiration",
            "termination",
        }


async def test_an_upload_comes_in_pieces(client: Client, server: UploadServer) -> None:
    metadata = f"title {b64encode('Töne'.encode()).decode()},priceStroops MA==,priceSeconds NjA="
    path = await client.create(Upload_Metadata=metadata)

    answer, _ = await client.patch(path, 0, FILE[:6_000])
    assert answer.status == 204
    assert answer.headers["Upload-Offset"] == "6000"
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert expires.timestamp() * 1000 == pytest.approx(
        server.clock.wall_ms() + 24 * 3_600_000, abs=1000
    )

    answer, _ = await client.send("HEAD", path)
    assert answer.status == 200
    assert answer.headers["Upload-Offset"] == "6000"
    assert answer.headers["Upload-Length"] == str(len(FILE))
    assert answer.headers["Upload-Metadata"] == metadata
    assert answer.headers["Cache-Control"] == "no-store"
    content_id = answer.headers["Tollcast-Content-Id"]

    answer, _ = await client.patch(path, 6_000, FILE[6_000:])
    assert answer.headers["Upload-Offset"] == str(len(FILE))
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert "Upload-Expires" not in answer.headers
    assert answer.headers["Tollcast-Content-Id"] == content_id
    assert server.files == {content_id: FILE}
    (taken,) = server.taken
    assert (taken.title, taken.price_stroops, taken.price_seconds) == ("Töne", 0, 60)


async def test_the_first_bytes_may_come_with_the_creation(
    client: Client, server: UploadServer
) -> None:
    answer, _ = await client.send(
        "POST", COLLECTION, FILE, Upload_Length=str(len(FILE)), Content_Type=PIECE
    )

    assert answer.status == 201
    assert answer.headers["Upload-Offset"] == str(len(FILE))
    assert list(server.files.values()) == [FILE]


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
async def test_bytes_with_a_wrong_checksum_are_thrown_away(
    client: Client, server: UploadServer, algorithm: str
) -> None:
    path = await client.create()
    digest = b64encode(hashlib.new(algorithm, FILE).digest()).decode()
    checksum = f"{algorithm} {digest}"

    answer, code = await client.patch(path, 0, FILE[:-1] + b"?", Upload_Checksum=checksum)
    assert (answer.status, code) == (460, "checksum_mismatch")
    answer, _ = await client.send("HEAD", path)
    assert answer.headers["Upload-Offset"] == "0"
    answer, _ = await client.patch(path, 0, FILE, Upload_Checksum=checksum)
    assert answer.status == 204

    assert list(server.files.values()) == [FILE]


async def test_what_is_wrong_is_said(client: Client, server: UploadServer) -> None:
    """One line of this table for each answer that is not a success."""
    path = await client.create()
    await client.patch(path, 0, FILE[:5_000])
    absent = f"{COLLECTION}/{new_id('upl', 0)}"
    long_name = f"title {b64encode(b'x' * 200).decode()}"
    too_large = str(RULES.bytes_max + 1)
    refusals: list[tuple[int, str, tuple[ClientResponse, str]]] = [
        (412, "tus_version", await client.patch(path, 5_000, b"x", Tus_Resumable="0.2.2")),
        (412, "tus_version", await client.send("POST", COLLECTION, Tus_Resumable="")),
        (401, "unauthorised", await client.patch(path, 5_000, b"x", Authorization="")),
        (400, "invalid_request", await client.send("POST", COLLECTION)),
        (400, "invalid_request", await client.send("POST", COLLECTION, Upload_Length="-1")),
        (400, "invalid_request", await client.send("POST", COLLECTION, Upload_Length="1e3")),
        (
            400,
            "invalid_request",
            await client.send("POST", COLLECTION, Upload_Length="1", Upload_Metadata=long_name),
        ),
        (413, "too_large", await client.send("POST", COLLECTION, Upload_Length=too_large)),
        (415, "empty", await client.send("POST", COLLECTION, Upload_Length="0")),
        (404, "not_found", await client.patch(absent, 0, b"x")),
        (404, "not_found", await client.patch(f"{COLLECTION}/..%2Fsecrets", 0, b"x")),
        (404, "not_found", await client.send("DELETE", f"{COLLECTION}/upl_%00")),
        (409, "offset_mismatch", await client.patch(path, 4_999, FILE[4_999:])),
        (409, "offset_mismatch", await client.patch(path, 5_001, FILE[5_001:])),
        (400, "invalid_request", await client.patch(path, 0, b"x", Upload_Offset="five")),
        (413, "too_large", await client.patch(path, 5_000, FILE[5_000:] + b"x")),
        (415, "content_type", await client.patch(path, 5_000, b"x", Content_Type="text/plain")),
        (415, "content_encoding", await client.patch(path, 5_000, b"x", Content_Encoding="gzip")),
        (400, "invalid_request", await client.patch(path, 5_000, b"x", Upload_Checksum="crc32 A")),
    ]
    for status, code, (answer, said) in refusals:
        assert (answer.status, said) == (status, code)
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    answer, _ = await client.send("HEAD", path)
    assert answer.headers["Upload-Offset"] == "5000"
    assert len(list(server.directory.iterdir())) == 1


async def test_an_upload_is_its_owners_alone(client: Client) -> None:
    path = await client.create()
    other = Client(client.http, OTHER_TOKEN)

    for method in ("HEAD", "PATCH", "DELETE"):
        answer, _ = await other.send(method, path, Content_Type=PIECE, Upload_Offset="0")
        assert answer.status == 404
    answer, code = await Client(client.http, GUEST_TOKEN).send(
        "POST", COLLECTION, Upload_Length="1"
    )
    assert (answer.status, code) == (403, "forbidden")
    answer, _ = await client.send("HEAD", path)
    assert answer.status == 200


async def test_a_file_that_is_no_media_is_refused_before_all_of_it_has_come(
    client: Client, server: UploadServer
) -> None:
    path = await client.create(1 << 29)

    async def body() -> AsyncIterator[bytes]:
        yield b"#EXTM3U\nfile:///etc/passwd\n" * 1_000
        await asyncio.wait_for(refused.wait(), 10)

    refused = asyncio.Event()
    answer, code = await client.patch(path, 0, body())
    refused.set()

    assert (answer.status, code) == (415, "playlist")
    answer, _ = await client.send("HEAD", path)
    assert answer.status == 404
    assert list(server.directory.iterdir()) == []


async def test_an_upload_can_be_given_up(client: Client, server: UploadServer) -> None:
    path = await client.create()
    await client.patch(path, 0, FILE[:5_000])

    answer, _ = await client.send("DELETE", path)

    assert answer.status == 204
    assert (await client.send("HEAD", path))[0].status == 404
    assert list(server.directory.iterdir()) == []


async def test_an_upload_expires(client: Client, server: UploadServer) -> None:
    path = await client.create()
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(24 * 3_600_000)

    answer, code = await client.patch(path, 0, FILE)
    assert (answer.status, code) == (410, "upload_expired")
    await server.uploads.sweep()
    answer, code = await client.patch(path, 0, FILE)
    assert (answer.status, code) == (404, "not_found")


async def test_a_full_disk_is_said_and_the_upload_can_go_on_later(
    client: Client, server: UploadServer
) -> None:
    path = await client.create()
    server.free = (1 << 30) + 100

    answer, code = await client.send("POST", COLLECTION, Upload_Length="1000")
    assert (answer.status, code) == (507, "storage_full")
    answer, code = await client.patch(path, 0, FILE)
    assert (answer.status, code) == (507, "storage_full")

    server.free = 1 << 40
    answer, _ = await client.patch(path, 0, FILE)
    assert answer.status == 204


async def test_fifty_racing_uploads_stay_within_the_quota(tmp_path: Path) -> None:
    """Each with its bytes: nothing beyond the quota is on the disk at any time."""
    rules = UploadRules(bytes_max=1 << 30, quota=105_000, expire_hours=24)
    server = UploadServer(tmp_path / "uploads", rules)
    await server.start()
    try:
        async with ClientSession(server.url) as http:
            client = Client(http)
            answers = await asyncio.gather(
                *(
                    client.send(
                        "POST", COLLECTION, FILE, Upload_Length=str(len(FILE)), Content_Type=PIECE
                    )
                    for _ in range(50)
                )
            )
    finally:
        await server.stop()

    assert sorted(answer.status for answer, _ in answers) == [201] * 10 + [413] * 40
    assert {code for _, code in answers} == {"", "quota_exceeded"}
    assert sum(file.stat().st_size for file in server.directory.iterdir()) == 100_000


async def test_a_client_that_comes_back_is_not_kept_waiting_by_its_old_connection(
    client: Client, server: UploadServer
) -> None:
    """Two half-open connections: one goes when the offset is asked for, one when bytes come."""
    path = await client.create()
    for offset, method in ((0, "HEAD"), (3_000, "PATCH")):
        reader, writer = await patch_in_part(
            server.port,
            path,
            FILE[offset : offset + 3_000],
            offset=offset,
            promised=len(FILE) - offset,
        )
        await until_size(server.directory / path.rpartition("/")[2], offset + 3_000)
        if method == "HEAD":
            answer, _ = await client.send("HEAD", path)
            assert answer.headers["Upload-Offset"] == str(offset + 3_000)
        else:
            answer, code = await client.patch(path, offset + 3_000, FILE[offset + 3_000 :])
            assert answer.status == 204, code
        async with asyncio.timeout(30):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        writer.close()

    assert list(server.files.values()) == [FILE]


async def test_an_upload_that_another_process_works_on_is_locked(
    client: Client, server: UploadServer
) -> None:
    path = await client.create()
    await client.patch(path, 0, FILE[:5_000])
    file = server.directory / path.rpartition("/")[2]

    with file.open("rb") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        answer, code = await client.patch(path, 5_000, FILE[5_000:])
        assert (answer.status, code) == (423, "upload_locked")
        assert (await client.send("HEAD", path))[0].status == 423

    answer, _ = await client.patch(path, 5_000, FILE[5_000:])
    assert answer.status == 204
