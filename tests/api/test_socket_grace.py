"""Whose grace is over."""

from api.socket_grace import SocketGrace
from config.limits import SOCKET_GRACE_SECONDS

GRACE_MS = SOCKET_GRACE_SECONDS * 1000


def test_a_session_is_due_some_time_after_the_last_of_its_sockets_left() -> None:
    grace = SocketGrace()
    grace.began("one")
    grace.follow("one")
    grace.follow("one")
    grace.leave("one", 0)
    assert grace.due(GRACE_MS) == []
    grace.leave("one", 1_000)
    assert grace.due(1_000 + GRACE_MS - 1) == []
    assert grace.due(1_000 + GRACE_MS) == ["one"]
    assert grace.due(1_000 + GRACE_MS) == ["one"], "until it has ended"
    grace.ended("one")
    assert grace.due(1_000 + GRACE_MS) == []


def test_one_that_is_followed_again_is_not_due() -> None:
    grace = SocketGrace()
    grace.began("one")
    grace.follow("one")
    grace.leave("one", 0)
    grace.follow("one")
    assert grace.due(GRACE_MS) == []


def test_one_that_was_begun_without_a_socket_is_nobodys_here() -> None:
    grace = SocketGrace()
    grace.follow("plain")
    grace.leave("plain", 0)
    assert grace.due(GRACE_MS) == []
