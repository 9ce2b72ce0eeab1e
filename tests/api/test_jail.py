"""A server starts only where its workers can be locked in as well as it is told."""

import pytest

from api.jail import JailTooWeak, check_jail
from media.jail.level import Level

pytestmark = pytest.mark.process


async def test_a_jail_that_is_strong_enough_is_reported() -> None:
    report = await check_jail(Level.NONE)
    assert report is not None
    assert report.level >= Level.NONE


async def test_a_jail_that_is_too_weak_is_told_with_what_to_do() -> None:
    with pytest.raises(JailTooWeak, match="tollcast doctor"):
        await check_jail(max(Level) + 1)
