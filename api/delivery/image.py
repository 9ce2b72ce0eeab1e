"""Answers that many get in one second, in files whose pages the kernel sends as they are.

What is written to a socket is copied into memory that the kernel has to find for it, and that is
most of what a part of a live costs. `sendfile` has it send the pages of a file. So an answer that
is asked for often is put into a file in memory once, head and all: with the head in another call,
half of the gain would be lost. The head tells the time, so the file is good for a second. What is
still on its way then is not lost: pages live for as long as somebody has to send them.
"""

import os
from collections.abc import Sequence

from api.delivery.answer import Answer, Shared, head_of
from config.limits import IMAGE_BYTES_MAX, IMAGE_TIMES_MIN, IMAGES_BYTES_MAX, IMAGES_MAX


class Image:
    """One answer. `descriptor` is of a file that has no name and is closed by `Images`."""

    __slots__ = ("_body", "_head", "descriptor", "size")

    def __init__(self, head: bytes, body: bytes | memoryview) -> None:
        """Raises: OSError: there are no such files here, or no more of them."""
        self._head = head
        self._body = body
        self.size = len(head) + len(body)
        self.descriptor = os.memfd_create("answer", os.MFD_CLOEXEC)
        try:
            written = os.writev(self.descriptor, (head, body))
            if written != self.size:
                raise OSError(f"only {written} of {self.size} bytes were written")
        except OSError:
            os.close(self.descriptor)
            raise

    def send(self, connection: int) -> int:
        """How many bytes a socket took, given its descriptor; 0 also when it takes no more at all:
        whoever sends it the rest is told why.
        """
        try:
            return os.sendfile(connection, self.descriptor, 0, self.size)
        except OSError:
            return 0

    def rest(self, sent: int) -> Sequence[bytes | memoryview]:
        """What follows the first `sent` bytes."""
        in_body = sent - len(self._head)
        if in_body >= 0:
            return (memoryview(self._body)[in_body:],)
        return (self._head[sent:], self._body)


class Images:
    """Those of one second. `bytes_max`: together."""

    def __init__(self, bytes_max: int = IMAGES_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._date_line = b""
        self._made: list[tuple[Shared, Image]] = []

    def __len__(self) -> int:
        return len(self._made)

    def of(self, answer: Answer, shared: Shared, date_line: bytes) -> Image | None:
        """An answer's image. `date_line` is the same object for as long as a second lasts.

        Returns:
            None for one that is not asked for often enough to be worth it, or when there is none.
        """
        if shared.date_line is not date_line:
            shared.date_line, shared.times, shared.image = date_line, 1, None
            return None
        image = shared.image
        if isinstance(image, Image):
            return image
        shared.times += 1
        return self._make(answer, shared, date_line) if shared.times == IMAGE_TIMES_MIN else None

    def close(self) -> None:
        """Let go of all of them; what is being sent is sent."""
        for shared, image in self._made:
            os.close(image.descriptor)
            if shared.image is image:
                shared.image = None
        self._made.clear()
        self._bytes = 0

    def _make(self, answer: Answer, shared: Shared, date_line: bytes) -> Image | None:
        if self._date_line is not date_line:
            self.close()
            self._date_line = date_line
        size = len(answer.body)
        if size > IMAGE_BYTES_MAX or self._bytes + size > self._bytes_max:
            return None
        if len(self._made) >= IMAGES_MAX:
            return None
        try:
            image = Image(head_of(answer, date_line, closes=False), answer.body)
        except OSError:
            return None  # it is sent as it would be without
        self._bytes += size
        self._made.append((shared, image))
        shared.image = image
        return image
