import itertools

import pytest

from media.wire.rtmp_state import (
    TABLE,
    LocalProtocolError,
    RemoteProtocolError,
    State,
    Step,
    take_ours,
    take_theirs,
)

LEGAL = sorted(TABLE.items(), key=str)
ILLEGAL = [pair for pair in itertools.product(State, Step) if pair not in TABLE]


@pytest.mark.parametrize(("pair", "following"), LEGAL)
def test_both_ends_take_the_same_steps(pair: tuple[State, Step], following: State) -> None:
    assert take_ours(*pair) is take_theirs(*pair) is following


@pytest.mark.parametrize(("state", "step"), ILLEGAL)
def test_a_step_that_is_not_in_the_table_is_the_mistake_of_who_takes_it(
    state: State, step: Step
) -> None:
    with pytest.raises(LocalProtocolError):
        take_ours(state, step)
    with pytest.raises(RemoteProtocolError):
        take_theirs(state, step)


def test_media_is_never_taken_before_a_publisher_has_connected() -> None:
    assert (State.GREETED, Step.MEDIA) not in TABLE
    assert (State.GREETED, Step.PUBLISH) not in TABLE


def test_every_state_can_be_reached() -> None:
    assert {State.HANDSHAKING, *TABLE.values()} == set(State)
