from datetime import UTC, datetime

import pytest

from config.postgres import UNAVAILABLE
from ingest.admission import Admitted, KeyAdmission, PublishRefused, PublishRequest
from ingest.source import Source
from ingest.source_store import MemorySourceStore
from ingest.stream_key import hash_key, new_key

KEY = new_key(entropy=1 << 159)  # fixed, so that every worker of the suite names the tests alike


@pytest.fixture
async def admission() -> KeyAdmission:
    store = MemorySourceStore()
    await store.create(
        Source(
            id="src_1",
            owner="acc_1",
            name="camera",
            title="Camera",
            price_stroops=1,
            price_seconds=1,
            price_asset="XLM",
            key_hash=hash_key(KEY),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    return KeyAdmission(store)


@pytest.mark.parametrize("stream_key", [KEY, f"{KEY}?token=abc"])
async def test_who_knows_the_key_publishes_to_its_source(
    admission: KeyAdmission, stream_key: str
) -> None:
    request = PublishRequest("live", stream_key, "127.0.0.1")

    assert await admission.admit(request) == Admitted("src_1")


@pytest.mark.parametrize("stream_key", ["", "camera", KEY.upper(), KEY[:-1], f"?{KEY}"])
async def test_who_does_not_is_refused_without_seeing_the_key_again(
    admission: KeyAdmission, stream_key: str
) -> None:
    with pytest.raises(PublishRefused) as refused:
        await admission.admit(PublishRequest("live", stream_key, "127.0.0.1"))

    assert refused.value.description == "unknown stream key"
    assert refused.value.is_mistake


@pytest.mark.parametrize("app", ["", "other", "live/camera"])
async def test_another_app_is_refused(admission: KeyAdmission, app: str) -> None:
    with pytest.raises(PublishRefused):
        await admission.admit(PublishRequest(app, KEY, "127.0.0.1"))


class UnreachableStore(MemorySourceStore):
    async def by_key_hash(self, key_hash: bytes) -> Source | None:
        raise UNAVAILABLE[0]("no database")


async def test_nobody_is_let_in_when_keys_cannot_be_checked() -> None:
    with pytest.raises(PublishRefused) as refused:
        await KeyAdmission(UnreachableStore()).admit(PublishRequest("live", KEY, "127.0.0.1"))

    assert not refused.value.is_mistake
