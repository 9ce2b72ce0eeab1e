"""Whatever a player does, its viewer pays for the media that there was time to watch.

Real players with habits of all kinds, at once. `python -m tests.end_to_end.paid_seconds` prints
what they show and what they pay.
"""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import StartServer
from tests.end_to_end.habits import HABITS, habitual, stage_of

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]


async def test_players_of_all_habits_pay_for_what_they_had_time_to_watch(
    start: StartServer, tmp_path: Path
) -> None:
    async with stage_of(await start(), tmp_path) as stage:
        lived = await habitual(stage, *HABITS)
    wrong = [each for each in lived if not each.is_right]
    assert not wrong, "\n".join(map(str, wrong))
