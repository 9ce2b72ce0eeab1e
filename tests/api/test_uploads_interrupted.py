"""However often it is interrupted, what arrives is what was sent."""

import asyncio
import hashlib
import io
import json
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader.uploader import Uploader

from api.auth.account import hash_token
from config.postgres import Database
from ingest.upload.store_postgres import PostgresUploadStore
from ingest.upload.upload import UploadState
from tests.api.cutting_proxy import CuttingProxy, at_random
from tests.api.half_open import patch_in_part, until_size
from tests.api.upload_server import TOKEN, Accounts, UploadServer
from tests.ingest.upload.made import wav

FILE = wav(8_000_000)
PATH = "/api/v1/uploads"
TRIES_MAX = 500
CHILD_SECONDS_MAX = 60


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[UploadServer]:
    server = UploadServer(tmp_path / "uploads")
    await server.start()
    yield server
    await server.stop()


def uploader(port: int, *, checksum: bool = False, chunk: int = 1 << 40) -> Uploader:
    client = TusClient(
        f"http://127.0.0.1:{port}{PATH}", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return client.uploader(
        file_stream=io.BytesIO(FILE),
        metadata={"filename": "film.wav"},
        chunk_size=chunk,
        upload_checksum=checksum,
    )


def send(sender: Uploader) -> int:
    """As a person would who presses "try again" after each failure; returns how often."""
    for tries in range(TRIES_MAX):
        try:
            url: object = sender.url
            if tries and url is not None:
                sender.offset = sender.get_offset()
            sender.upload()
        except TusCommunicationError:
            continue
        return tries
    pytest.fail("it never got through")


@pytest.mark.parametrize(("checksum", "chunk"), [(False, 1 << 40), (True, 200_000)])
async def test_a_file_arrives_over_a_connection_that_is_cut_at_random(
    server: UploadServer, checksum: bool, chunk: int
) -> None:
    """tuspy through a proxy; with checksums only whole chunks count, so they are smaller."""
    proxy = CuttingProxy(server.port, at_random(seed=3, most=800_000))
    await proxy.start()
    sender = uploader(proxy.port, checksum=checksum, chunk=chunk)

    async with asyncio.timeout(60):
        tries = await asyncio.to_thread(send, sender)
    await proxy.stop()

    assert min(tries, proxy.cuts) >= 5
    (arrived,) = server.files.values()
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(FILE).digest()
    (upload,) = server.taken
    assert upload.filename == "film.wav"


@pytest.mark.process
async def test_an_upload_goes_on_after_its_server_was_killed(
    tmp_path: Path, database: Database, postgres_url: str
) -> None:
    """`kill -9` in the middle of a request, then tuspy; unchecked bytes do not count."""
    await add_creator(database)
    checksum = f"sha1 {b64encode(hashlib.sha1(FILE).digest()).decode()}"
    directory = tmp_path / "uploads"
    paths = []
    for given in ("", checksum):
        async with serving(directory, postgres_url) as port:
            paths.append(urlsplit(await asyncio.to_thread(uploader(port).create_url)).path)
            _, writer = await patch_in_part(
                *(port, paths[-1], FILE[:6_000_000]),
                offset=0,
                promised=len(FILE),
                checksum=given,
            )
            await until_size(directory / paths[-1].rpartition("/")[2], 6_000_000)
        writer.close()

    async with serving(directory, postgres_url) as port:
        for path, expected in zip(paths, (6_000_000, 0), strict=True):
            sender = uploader(port)
            sender.set_url(f"http://127.0.0.1:{port}{path}")
            sender.offset = await asyncio.to_thread(sender.get_offset)
            assert sender.offset == expected
            await asyncio.to_thread(sender.upload)

    accepted = await PostgresUploadStore(database).in_state(UploadState.ACCEPTED)
    assert len(accepted) == 2
    for upload in accepted:
        arrived = (directory / upload.id).read_bytes()
        assert hashlib.sha256(arrived).digest() == hashlib.sha256(FILE).digest()


@asynccontextmanager
async def serving(directory: Path, database_url: str) -> AsyncIterator[int]:
    """The upload server as a process of its own, which is killed at the end; its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.api.upload_server", str(directory), database_url),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(CHILD_SECONDS_MAX):
            line = await process.stdout.readline()
        yield json.loads(line)["port"]
    finally:
        process.kill()
        await process.communicate()


async def add_creator(database: Database) -> None:
    creator = await Accounts().by_token_hash(hash_token(TOKEN))
    assert creator is not None
    await database.execute(
        "insert into account (id, kind, display_name, token_hash, created_at)"
        " values ($1, 'creator', 'Ada', $2, now())",
        creator.id,
        hash_token(TOKEN),
    )
