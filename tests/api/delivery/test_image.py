"""Images of answers: the same bytes as without, and none is kept for longer than it is good."""

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from api.delivery.answer import Answer, Shared, head_of
from api.delivery.file_answer import file_answer
from api.delivery.image import Image, Images
from api.delivery.request import UNCONDITIONAL
from config.limits import IMAGE_BYTES_MAX, IMAGE_TIMES_MIN, IMAGES_MAX
from packager.naming import MP4
from packager.package import Charge, MediaFile
from tests.api.delivery.open_images import open_images

SIZE = 100_000
FIRST, SECOND = b"Date: 1\r\n", b"Date: 2\r\n"


def answer(size: int = SIZE) -> tuple[Answer, Shared]:
    file = MediaFile(os.urandom(size), MP4, Charge(0, 0, 90_000))
    found = file_answer(file, "GET", UNCONDITIONAL)
    assert found.shared is not None
    return found, found.shared


def asked(images: Images, one: tuple[Answer, Shared], date: bytes, times: int) -> Image | None:
    """What there is for the last one who asks."""
    found = [images.of(*one, date) for _ in range(times)]
    return found[-1]


@pytest.fixture
def images() -> Iterator[Images]:
    with contextlib.closing(Images(bytes_max=2 * SIZE)) as images:
        yield images


def test_an_image_is_made_for_what_is_asked_for_often_within_a_second(images: Images) -> None:
    often, seldom = answer(), answer()
    assert asked(images, seldom, FIRST, IMAGE_TIMES_MIN - 1) is None
    assert asked(images, often, FIRST, IMAGE_TIMES_MIN - 1) is None
    image = asked(images, often, FIRST, 1)
    assert image is not None
    assert asked(images, often, FIRST, 9) is image
    # The next second begins from nothing, and what was made before is let go of.
    assert asked(images, often, SECOND, IMAGE_TIMES_MIN - 1) is None
    assert asked(images, often, SECOND, 1) not in (None, image)
    assert (len(images), open_images()) == (1, 1)
    images.close()
    assert (len(images), open_images(), often[1].image) == (0, 0, None)


def test_what_there_is_no_room_for_is_sent_without(images: Images) -> None:
    answers = [answer() for _ in range(3)]
    found = [asked(images, each, FIRST, IMAGE_TIMES_MIN + 1) for each in answers]
    assert [each is None for each in found] == [False, False, True]
    with contextlib.closing(Images(bytes_max=4 * IMAGE_BYTES_MAX)) as roomy:
        assert asked(roomy, answer(IMAGE_BYTES_MAX + 1), FIRST, IMAGE_TIMES_MIN + 1) is None
        for _ in range(IMAGES_MAX + 2):
            asked(roomy, answer(1), FIRST, IMAGE_TIMES_MIN)
        assert len(roomy) == IMAGES_MAX


@pytest.mark.parametrize("room", [0, 4_096, 1 << 20])
def test_a_socket_gets_head_and_body_however_little_it_takes(images: Images, room: int) -> None:
    one = answer()
    image = asked(images, one, FIRST, IMAGE_TIMES_MIN)
    assert image is not None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        if room:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        else:
            with contextlib.suppress(BlockingIOError):
                while True:  # until it takes nothing
                    ours.send(b"-" * 65_536)
        sent = image.send(ours.fileno())
        images.close()  # what is on its way is sent nevertheless
        ours.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: theirs.recv(65_536), b"")).lstrip(b"-")
    expected = head_of(one[0], FIRST, closes=False) + one[0].body
    assert received == expected[:sent]
    assert b"".join(image.rest(sent)) == expected[sent:]
    assert (sent == 0, sent == len(expected)) == (room == 0, room == 1 << 20)


def test_a_socket_that_is_gone_takes_nothing(images: Images) -> None:
    image = asked(images, answer(), FIRST, IMAGE_TIMES_MIN)
    assert image is not None
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert image.send(ours.fileno()) == 0
    assert [len(each) for each in image.rest(image.size - 1)] == [1]
