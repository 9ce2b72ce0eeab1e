"""One form makes content: streamed to the disk, whatever the order of its fields."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, FormData

from ingest.upload.uploads import UploadRules
from tests.api.upload_server import TOKEN, UploadServer
from tests.ingest.upload.made import wav
from tests.programs import program

URL = "/api/v1/content"
FILE = wav(3_000_000)  # far beyond what other requests may have
SIGNED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[UploadServer]:
    rules = UploadRules(bytes_max=4_000_000, quota=10_000_000, expire_hours=24)
    server = UploadServer(tmp_path / "uploads", rules)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http(server: UploadServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(server.url, headers=SIGNED) as http:
        yield http


def form(*fields: tuple[str, str | bytes]) -> FormData:
    data = FormData(default_to_multipart=True, quote_fields=False)  # as browsers do
    for name, value in fields:
        if isinstance(value, bytes):
            data.add_field(name, io.BytesIO(value), filename="fiłm.wav")
        else:
            data.add_field(name, value)
    return data


@pytest.mark.parametrize("file_first", [True, False])
async def test_fields_may_stand_on_either_side_of_the_file(
    server: UploadServer, http: ClientSession, file_first: bool
) -> None:
    fields: list[tuple[str, str | bytes]] = [
        ("title", "Töne"),
        ("priceStroops", "7"),
        ("priceSeconds", "60"),
    ]
    fields.insert(0 if file_first else 3, ("file", FILE))

    async with http.post(URL, data=form(*fields)) as answer:
        assert answer.status == 201
        document = await answer.json()

    (taken,) = server.taken
    assert answer.headers["Location"] == f"{URL}/{taken.asset_id}"
    assert document == {"id": taken.asset_id, "state": "processing"}
    assert server.files == {taken.asset_id: FILE}
    assert (taken.size, taken.title, taken.filename) == (len(FILE), "Töne", "fiłm.wav")
    assert (taken.price_stroops, taken.price_seconds) == (7, 60)


@pytest.mark.peer
async def test_curl_needs_no_more_than_a_file_and_a_token(
    server: UploadServer, tmp_path: Path
) -> None:
    (tmp_path / "holiday.wav").write_bytes(FILE)

    process = await asyncio.create_subprocess_exec(
        *(program("curl"), "--silent", "--fail", "--max-time", "20", "--header"),
        *(f"Authorization: Bearer {TOKEN}", "--form", f"file=@{tmp_path / 'holiday.wav'}"),
        server.url + URL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output
    assert list(server.files.values()) == [FILE]
    assert server.taken[0].title == "holiday"


async def test_what_is_wrong_is_said_and_leaves_nothing(
    server: UploadServer, http: ClientSession
) -> None:
    text = b"#EXTM3U\n/etc/passwd\n" * 1_000
    cases: list[tuple[int, str, FormData]] = [
        (415, "playlist", form(("file", text))),
        (415, "empty", form(("file", b""))),
        (400, "invalid_request", form(("title", "no file"))),
        (400, "invalid_request", form(("file", FILE[:9_000]), ("priceStroops", "-1"))),
        (400, "invalid_request", form(("file", FILE[:9_000]), ("file", FILE[:9_000]))),
        (400, "invalid_request", form(("file", FILE[:9_000]), ("colour", "red"))),
        (400, "invalid_request", form(("file", FILE[:9_000]), ("title", "x" * 5_000))),
        (413, "too_large", form(("file", FILE + FILE))),
    ]
    for status, code, data in cases:
        async with http.post(URL, data=data) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)
    others: list[tuple[int, str, bytes, dict[str, str]]] = [
        (415, "not_a_form", b"{}", {"Content-Type": "application/json"}),
        (400, "invalid_request", b"--b\r\n", {"Content-Type": "multipart/form-data"}),
        (400, "invalid_request", b"--c--", {"Content-Type": "multipart/form-data; boundary=b"}),
        (401, "unauthorised", b"", {"Authorization": ""}),
    ]
    for status, code, body, headers in others:
        async with http.post(URL, data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)

    async def unknown_length() -> AsyncIterator[bytes]:
        yield b"--b--"

    multipart = {"Content-Type": "multipart/form-data; boundary=b"}
    async with http.post(URL, data=unknown_length(), headers=multipart) as answer:
        assert answer.status == 411

    assert server.taken == []
    assert list(server.directory.iterdir()) == []


async def test_a_form_that_is_cut_off_leaves_nothing(server: UploadServer) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    writer.write(head.encode() + FILE[:20_000])
    await writer.drain()
    async with asyncio.timeout(5):
        while not any(file.stat().st_size for file in server.directory.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

        writer.transport.abort()

        while any(server.directory.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
