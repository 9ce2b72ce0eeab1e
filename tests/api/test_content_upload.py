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
BOUNDARY = "x-Boundary.1-as-long-as-those-of-browsers"
RAW = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
FILE_HEAD = 'Content-Disposition: form-data; name="file"; filename="f.wav"'


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


def raw_form(*parts: tuple[str | bytes, bytes]) -> bytes:
    """Heads and contents as they go over the wire."""
    delimiter = f"--{BOUNDARY}\r\n".encode()
    pieces = [
        delimiter
        + (head.encode() if isinstance(head, str) else head)
        + b"\r\n\r\n"
        + data
        + b"\r\n"
        for head, data in parts
    ]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


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


@pytest.mark.parametrize("size", [1, 7, 61, 1 << 20])
async def test_a_form_comes_apart_wherever_it_is_cut(server: UploadServer, size: int) -> None:
    delimiter = f"\r\n--{BOUNDARY}".encode()
    file = wav(600) + delimiter[:-1] + b"\r\n\r\n" + delimiter[:9] + b"\r\n-\x00\xff\r\n"
    file_head = f"content-type: audio/wav\r\ncontent-length: {len(file)}\r\n{FILE_HEAD}"
    title = 'Content-Disposition: form-data; name="title"'
    body = raw_form((file_head, file), (title, "Töne".encode())) + b"an epilogue\r\n" + delimiter
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        f"Authorization: {SIGNED['Authorization']}\r\nContent-Type: {RAW['Content-Type']}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head.encode())

    for start in range(0, len(body), size):
        writer.write(body[start : start + size])
        await asyncio.sleep(0)  # the server, on the same loop, may take each by itself
    async with asyncio.timeout(30):
        answer = await reader.read()

    writer.close()
    assert answer.startswith(b"HTTP/1.1 201 ")
    assert list(server.files.values()) == [file]
    assert server.taken[0].title == "Töne"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (b'name=file; filename="C:\\a\\fi\\"lm.wav"', 'fi"lm.wav'),
        (b'filename="a; b; c=d;.wav"; name="file"', "a; b; c=d;.wav"),
        (b'name="file"; filename="T\xf6ne.wav"', "T\ufffdne.wav"),
        (b"name=file; filename*=utf-8''f.wav", ""),  # RFC 7578, 4.2 forbids it
    ],
)
async def test_names_of_files_are_taken_as_browsers_write_them(
    server: UploadServer, http: ClientSession, written: bytes, taken: str
) -> None:
    body = raw_form((b"Content-Disposition: form-data; " + written, wav(600)))

    async with http.post(URL, data=body, headers=RAW) as answer:
        assert answer.status == 201

    assert server.taken[0].filename == taken


async def test_what_is_no_form_is_refused(server: UploadServer, http: ClientSession) -> None:
    file = wav(600)
    whole = raw_form((FILE_HEAD, file))
    bodies = {
        "nothing": b"",
        "another boundary first": b"--a\r\n" + whole,
        "a preamble": b"\n" * 500_000 + whole,
        "a boundary that goes on": whole.replace(b"--\r\n", b"-and-more\r\n"),
        "no disposition": raw_form(("Content-Type: text/plain", file)),
        "no name": raw_form(("Content-Disposition: form-data", file)),
        "no form-data": raw_form(("Content-Disposition: attachment; name=file", file)),
        "mixed up": raw_form((f"{FILE_HEAD}; filename*0*=a; filename*=b", file)),
        "many headers": raw_form(("X: y\r\n" * 20 + FILE_HEAD, file)),
        "a long header": raw_form((f"X: {'y' * 5_000}\r\n{FILE_HEAD}", file)),
        "no header": raw_form((f"X\r\n{FILE_HEAD}", file)),
        "compressed": raw_form((f"Content-Encoding: gzip\r\n{FILE_HEAD}", file)),
        "base64": raw_form((f"Content-Transfer-Encoding: base64\r\n{FILE_HEAD}", file)),
        "nested": raw_form((f"Content-Type: multipart/mixed; boundary=n\r\n{FILE_HEAD}", file)),
        "nested badly": raw_form((f"Content-Type: multipart/mixed\r\n{FILE_HEAD}", file)),
        "a charset": raw_form(("Content-Disposition: form-data; name=_charset_", b"utf-8")),
        "too short": raw_form((f"Content-Length: 5\r\n{FILE_HEAD}", file)),
        "too long": raw_form((f"Content-Length: 999\r\n{FILE_HEAD}", file)),
        "many parts": raw_form(*((FILE_HEAD.replace("file", f"f{n}"), b"") for n in range(99))),
    }
    # Behind the last boundary but for its end nothing more is needed.
    cuts = range(1, len(whole) - len("--\r\n"), 23)
    bodies |= {f"cut off at {cut}": whole[:cut] for cut in cuts}
    for what, body in bodies.items():
        async with http.post(URL, data=body, headers=RAW) as answer:
            assert answer.status == 400, what
            assert (await answer.json())["code"] == "invalid_request", what
    for boundary in ("", "x" * 71, "ü", "b/\\", '"b;b"'):
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        async with http.post(URL, data=whole, headers=headers) as answer:
            assert answer.status == 400, boundary

    assert server.taken == []
    assert list(server.directory.iterdir()) == []


async def test_a_form_that_is_cut_off_leaves_nothing(server: UploadServer) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    writer.write(head.encode() + FILE[:500_000])  # aiohttp holds a piece back
    await writer.drain()
    async with asyncio.timeout(30):
        while not any(file.stat().st_size for file in server.directory.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)

        writer.transport.abort()

        while any(server.directory.iterdir()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
