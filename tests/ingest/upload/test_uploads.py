"""An upload becomes content once, or leaves nothing behind."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from config.clock import ManualClock
from config.tasks import spawn
from ingest.upload.checksum import parse_checksum
from ingest.upload.description import Description
from ingest.upload.disk import UploadDisk
from ingest.upload.reception import Piece
from ingest.upload.store import MemoryUploadStore
from ingest.upload.upload import (
    BodyTooSlow,
    ChecksumMismatch,
    QuotaExceeded,
    StorageFull,
    TooManyBodies,
    UnknownUpload,
    Upload,
    UploadComplete,
    UploadExpired,
    UploadState,
    UploadTooLarge,
)
from ingest.upload.uploads import NewUpload, UploadRules, Uploads
from media.file.container import Container
from media.file.refusal import RefusalCode, Refused
from tests.ingest.upload.made import wav

HOUR_MS = 3_600_000
FILE = wav(10_000)


class Taker:
    """Takes on complete uploads, and notes which; can be told to fail, or to be slow."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, Container]] = []
        self.fails = False
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.called = asyncio.Event()

    async def __call__(self, upload: Upload, file: Path, container: Container) -> None:
        self.called.set()
        await self.go_on.wait()
        if self.fails:
            raise OSError("the database is gone")
        self.taken.append((upload.asset_id, file.read_bytes(), container))


class Bytes:
    """A body of given pieces; `None` is where the connection breaks."""

    def __init__(self, *pieces: bytes | None) -> None:
        self._pieces = list(pieces)

    async def read(self) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if piece is None:
            raise ConnectionResetError
        return piece


class Silence:
    """A body that never comes."""

    def __init__(self) -> None:
        self.read_once = asyncio.Event()
        self.cut = asyncio.Event()

    async def read(self) -> bytes:
        self.read_once.set()
        await self.cut.wait()
        raise ConnectionResetError


class Rig:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = MemoryUploadStore()
        self.clock = ManualClock()
        self.taker = Taker()
        self.free = 1 << 50
        self.rules = UploadRules(
            bytes_max=1 << 40, quota=1 << 50, expire_hours=24, receiving_max=1, pace_ms=50
        )
        self._running: list[Uploads] = []

    async def process(self) -> Uploads:
        """A process that begins with what the last one left, be it ever so dead."""
        disk = UploadDisk(self.directory, lambda: self.free)
        uploads = Uploads(self.store, disk, self.taker, self.clock, self.rules)
        await uploads.start()
        self._running.append(uploads)
        return uploads

    async def stop(self) -> None:
        for uploads in self._running:
            await uploads.stop()

    def files(self) -> Sequence[str]:
        return [path.name for path in self.directory.iterdir()]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "uploads")
    yield rig
    await rig.stop()


def new(size: int = len(FILE)) -> NewUpload:
    return NewUpload("acc_one", size, Description("Film", "film.wav", 5, 60), "XLM")


def piece(offset: int, *pieces: bytes | None, size: int | None = None) -> Piece:
    return Piece(offset, Bytes(*pieces), lambda: None, size)


def checked(data: bytes, of: bytes) -> Piece:
    """The first piece, with the checksum of some bytes."""
    digest = base64.b64encode(hashlib.sha256(of).digest()).decode()
    return Piece(0, Bytes(data), lambda: None, len(data), parse_checksum(f"sha256 {digest}"))


async def test_the_last_byte_hands_it_on_once(rig: Rig) -> None:
    uploads = await rig.process()
    upload = await uploads.create(new())

    first = await uploads.receive(upload, piece(0, FILE[:100], FILE[100:7_000]))
    last = await uploads.receive(upload, piece(7_000, FILE[7_000:]))
    again = await uploads.receive(upload, piece(len(FILE)))

    assert (first.offset, last.offset, again.offset) == (7_000, len(FILE), len(FILE))
    assert rig.taker.taken == [(upload.asset_id, FILE, Container.WAV)]
    await rig.process()
    assert len(rig.taker.taken) == 1


async def test_it_is_handed_on_again_when_nobody_could_take_it(rig: Rig) -> None:
    rig.taker.fails = True
    uploads = await rig.process()
    upload = await uploads.create(new())
    with pytest.raises(OSError, match="database"):
        await uploads.receive(upload, piece(0, FILE))
    assert (await uploads.progress(upload)).offset == len(FILE)

    rig.taker.fails = False
    await rig.process()

    assert rig.taker.taken == [(upload.asset_id, FILE, Container.WAV)]


async def test_last_bytes_that_nobody_waited_for_count(rig: Rig) -> None:
    uploads = await rig.process()
    asked, forgotten = await uploads.create(new()), await uploads.create(new())
    for upload in (asked, forgotten):
        with pytest.raises(ConnectionResetError):
            await uploads.receive(upload, piece(0, FILE, None))
    assert rig.taker.taken == []

    assert (await uploads.progress(asked)).offset == len(FILE)
    assert [taken[0] for taken in rig.taker.taken] == [asked.asset_id]

    await uploads.sweep()
    assert [taken[0] for taken in rig.taker.taken] == [asked.asset_id, forgotten.asset_id]


async def test_it_is_handed_on_though_the_client_has_gone(rig: Rig) -> None:
    uploads = await rig.process()
    upload = await uploads.create(new())
    rig.taker.go_on.clear()
    request = spawn(uploads.receive(upload, piece(0, FILE)), name="request")
    await rig.taker.called.wait()
    request.cancel()
    await asyncio.wait([request])
    assert request.cancelled()

    rig.taker.go_on.set()

    assert (await uploads.progress(upload)).upload.state is UploadState.ACCEPTED
    assert len(rig.taker.taken) == 1


async def test_what_is_no_media_is_gone_after_its_first_bytes(rig: Rig) -> None:
    uploads = await rig.process()
    text = b"#EXTM3U\nfile:///etc/passwd\n" * 1_000
    long, short = await uploads.create(new(len(text))), await uploads.create(new(100))

    with pytest.raises(Refused) as caught:
        await uploads.receive(long, piece(0, text[:4_000], text[4_000:5_000], None))
    assert caught.value.code is RefusalCode.PLAYLIST
    with pytest.raises(Refused):
        await uploads.receive(short, piece(0, text[:100]))

    assert rig.files() == []
    for upload in (long, short):
        with pytest.raises(UnknownUpload):
            await uploads.find("acc_one", upload.id)
    assert rig.taker.taken == []


async def test_checked_bytes_are_looked_at_once_they_are_known_to_be_right(rig: Rig) -> None:
    uploads = await rig.process()
    text = b"#EXTM3U\nfile:///etc/passwd\n" * 1_000
    upload = await uploads.create(new(len(text)))

    with pytest.raises(ChecksumMismatch):
        await uploads.receive(upload, checked(text[:5_000], of=b"other"))
    with pytest.raises(Refused):
        await uploads.receive(upload, checked(text[:5_000], of=text[:5_000]))


async def test_unchecked_bytes_are_never_handed_on(rig: Rig) -> None:
    """A process was killed when all bytes had come and their checksum was still to be compared."""
    uploads = await rig.process()
    upload = await uploads.create(new())
    (rig.directory / upload.id).write_bytes(FILE)
    (rig.directory / f"{upload.id}.unchecked").write_text("5000")

    after = await rig.process()

    assert rig.taker.taken == []
    assert (await after.progress(upload)).offset == 5_000


async def test_more_than_was_declared_is_thrown_away(rig: Rig) -> None:
    uploads = await rig.process()
    upload = await uploads.create(new())
    await uploads.receive(upload, piece(0, FILE[:5_000]))

    with pytest.raises(UploadTooLarge):
        await uploads.receive(upload, piece(5_000, FILE[5_000:], b"and more"))
    with pytest.raises(UploadTooLarge):
        await uploads.receive(upload, piece(5_000, None, size=5_001))

    assert (await uploads.progress(upload)).offset == 5_000


async def test_the_disk_keeps_what_fitted(rig: Rig) -> None:
    uploads = await rig.process()
    upload = await uploads.create(new())
    rig.free = (1 << 30) + 5_500

    with pytest.raises(StorageFull):
        await uploads.create(new(5_501))
    await uploads.receive(upload, piece(0, FILE[:5_000]))
    rig.free -= 5_000
    with pytest.raises(StorageFull):
        await uploads.receive(upload, piece(5_000, FILE[5_000:]))

    assert (await uploads.progress(upload)).offset == 5_000


async def test_an_unfinished_upload_waits_a_day_for_its_next_bytes(rig: Rig) -> None:
    uploads = await rig.process()
    kept, given_up = await uploads.create(new()), await uploads.create(new())
    rig.clock.advance(23 * HOUR_MS)
    await uploads.receive(kept, piece(0, FILE[:5_000]))
    await uploads.receive(given_up, piece(0))  # nothing came
    rig.clock.advance(HOUR_MS)

    with pytest.raises(UploadExpired):
        await uploads.find("acc_one", given_up.id)
    await uploads.sweep()

    with pytest.raises(UnknownUpload):
        await uploads.find("acc_one", given_up.id)
    assert rig.files() == [kept.id]
    assert (await uploads.find("acc_one", kept.id)).state is UploadState.RECEIVING


async def test_a_form_is_gone_with_its_request_or_its_process(rig: Rig) -> None:
    uploads = await rig.process()
    with pytest.raises(ConnectionResetError):
        async with uploads.at_once(new()) as upload:
            await uploads.receive(upload, piece(0, FILE[:5_000], None))
    assert rig.files() == []

    left = uploads.at_once(new())  # its process is killed in the middle
    upload = await left.__aenter__()
    await uploads.receive(upload, piece(0, FILE[:5_000]))
    after = await rig.process()

    assert rig.files() == []
    with pytest.raises(UnknownUpload):
        await after.find("acc_one", upload.id)


async def test_a_form_gives_back_what_it_reserved_too_much(rig: Rig) -> None:
    rig.rules = UploadRules(bytes_max=1 << 40, quota=20_000, expire_hours=24)
    uploads = await rig.process()

    async with uploads.at_once(new(19_000)) as upload:
        with pytest.raises(QuotaExceeded):
            await uploads.create(new(10_000))
        await uploads.receive(upload, piece(0, FILE))
        await uploads.settle(upload, Description("Other", "o.wav", 1, 2))
    await uploads.hand_on(upload)

    assert rig.taker.taken == [(upload.asset_id, FILE, Container.WAV)]
    await uploads.create(new(10_000))


async def test_a_discarded_file_frees_the_quota_and_is_remembered(rig: Rig) -> None:
    rig.rules = UploadRules(bytes_max=1 << 40, quota=len(FILE), expire_hours=24)
    uploads = await rig.process()
    upload = await uploads.create(new())
    await uploads.receive(upload, piece(0, FILE))
    with pytest.raises(UploadComplete):
        await uploads.terminate(upload)
    with pytest.raises(QuotaExceeded):
        await uploads.create(new())

    await uploads.discard(upload.id)
    await uploads.discard(upload.id)

    await uploads.terminate(await uploads.create(new()))
    assert rig.files() == []
    assert (await uploads.progress(upload)).offset == len(FILE)
    rig.clock.advance(24 * HOUR_MS)
    await uploads.sweep()
    with pytest.raises(UnknownUpload):
        await uploads.find("acc_one", upload.id)


async def test_bodies_that_do_not_come_are_ended_and_are_few(rig: Rig) -> None:
    uploads = await rig.process()
    first, second = await uploads.create(new()), await uploads.create(new())
    silence = Silence()
    request = spawn(uploads.receive(first, Piece(0, silence, silence.cut.set)), name="silent")
    await silence.read_once.wait()

    with pytest.raises(TooManyBodies):
        await uploads.receive(second, piece(0, FILE))
    await asyncio.wait([request], timeout=30)

    assert isinstance(request.exception(), BodyTooSlow)
    await uploads.receive(second, piece(0, FILE))


async def test_a_newer_request_takes_over_at_once(rig: Rig) -> None:
    rig.rules = UploadRules(bytes_max=1 << 40, quota=1 << 50, expire_hours=24)
    uploads = await rig.process()
    upload = await uploads.create(new())
    silence = Silence()
    old = spawn(uploads.receive(upload, Piece(0, silence, silence.cut.set)), name="half-open")
    await silence.read_once.wait()

    await uploads.receive(upload, piece(0, FILE))

    assert isinstance(old.exception(), ConnectionResetError)
    assert len(rig.taker.taken) == 1
