"""Request bodies as uploads take them: in pieces, as they come."""

import asyncio
import re
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http import HttpProcessingError

from api.errors import Problem, invalid
from config.limits import (
    UPLOAD_FORM_FIELD_BYTES_MAX,
    UPLOAD_FORM_HEADER_BYTES_MAX,
    UPLOAD_FORM_HEADERS_MAX,
    UPLOAD_PACE_MS,
    UPLOAD_PIECE_BYTES,
)
from ingest.upload.upload import BodyTooSlow

# aiohttp holds one of these back and joins it with the next: together they are a piece.
_CHUNK_BYTES = UPLOAD_PIECE_BYTES // 2
# RFC 2046, 5.1.1, without the blanks that nobody uses.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=?]{1,70}")
_CODINGS = ("Content-Encoding", "Content-Transfer-Encoding")
_PLAIN_CODINGS = frozenset({"identity", "binary", "8bit", "7bit"})


class RequestBody:
    """A request's body. Its size is nowhere limited: whoever reads it has to."""

    def __init__(self, request: web.Request) -> None:
        """Raises: Problem: 415 for a compressed one, which says nothing of what comes out of it."""
        self._content = _content(request)

    async def read(self) -> bytes:
        """What has come, at least one byte; nothing at the end.

        Raises:
            ConnectionError: the connection was lost.
            Problem: 400 for a body that breaks the rules of HTTP.
        """
        try:
            return await self._content.readany()
        except web.RequestPayloadError:
            raise invalid("the body is not well-formed, or was cut off") from None


@dataclass(frozen=True, slots=True)
class FormPart:
    """A field or file of a form. `filename` is as the client wrote it; None for a field."""

    name: str
    filename: str | None


class FormBody:
    """A form read part by part; `read` gives the part's bytes, like a body of its own."""

    def __init__(self, request: web.Request) -> None:
        """Raises: Problem: 415 when the request has no form, 400 when it has no boundary."""
        if request.content_type != "multipart/form-data":
            raise Problem(
                415, "not_a_form", "The body has to be a form", "send multipart/form-data"
            )
        self._content = _content(request)
        self._boundary = _boundary(request)
        # Of form-data aiohttp looks for a part `_charset_`, with an assertion that browsers'
        # boundaries fail, and warns of file names, which keeps them for ever. Mixed parts are
        # taken as they are; the only difference is that a part's Content-Length has to be true.
        self._form = MultipartReader(
            {"Content-Type": f'multipart/mixed; boundary="{self._boundary}"'},
            self._content,
            max_field_size=UPLOAD_FORM_HEADER_BYTES_MAX,
            max_headers=UPLOAD_FORM_HEADERS_MAX,
        )
        self._part: BodyPartReader | None = None
        self._begun = False

    async def next_part(self) -> FormPart | None:
        """The head of the next part; None at the end. What is unread of the last one is skipped.

        Raises:
            Problem: 400 for what is no form.
            BodyTooSlow: it does not come.
        """
        with _well_formed():
            async with _in_time():
                if not self._begun:
                    await self._begin()
                part = await self._form.next()
        if isinstance(part, MultipartReader):
            raise invalid("a part of the form is made of parts itself")
        self._part = part
        return None if part is None else _head(part)

    async def read(self) -> bytes:
        """Some bytes of the part; nothing at its end.

        Raises:
            Problem: 400 for what is no form.
        """
        assert self._part is not None, "a part begins before it is read"
        with _well_formed():
            data = await self._part.read_chunk(_CHUNK_BYTES)
        if not data and not self._part.at_eof():
            raise invalid("the form is cut off")
        return data

    async def text(self) -> str:
        """The part as text.

        Raises:
            Problem: 400 when it is too long for a field, or not UTF-8.
            BodyTooSlow: it does not come.
        """
        data = b""
        async with _in_time():
            while more := await self.read():
                data += more
                if len(data) > UPLOAD_FORM_FIELD_BYTES_MAX:
                    raise invalid(f"a field is longer than {UPLOAD_FORM_FIELD_BYTES_MAX} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise invalid("a field is not UTF-8") from None

    async def _begin(self) -> None:
        """Take no preamble: aiohttp reads one line by line, and nothing else gets a turn."""
        self._begun = True
        line = await self._content.readline(max_line_length=UPLOAD_FORM_HEADER_BYTES_MAX)
        if line.rstrip(b"\r\n") != f"--{self._boundary}".encode():
            raise invalid("the form does not begin with its boundary")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            self._content.unread_data(line)


def _content(request: web.Request) -> StreamReader:
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding != "identity":
        raise Problem(415, "content_encoding", "The body is compressed", "send it as it is")
    # Bytes come in while others are written; then they are taken together.
    request.content.set_read_chunk_size(UPLOAD_PIECE_BYTES)
    return request.content


def _boundary(request: web.Request) -> str:
    head = Message()
    head["Content-Type"] = request.headers["Content-Type"]
    boundary = head.get_boundary(failobj="")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise invalid("the form's boundary is missing or not one")
    return boundary


def _head(part: BodyPartReader) -> FormPart:
    for coding in _CODINGS:
        if part.headers.get(coding, "binary").strip().lower() not in _PLAIN_CODINGS:
            raise invalid(f"a part of the form has a {coding}; send it as it is")
    # aiohttp's own reader of this line refuses names with several semicolons.
    disposition = Message()
    raw = part.headers.get("Content-Disposition", "").encode("utf-8", "surrogateescape")
    disposition["Content-Disposition"] = raw.decode("utf-8", "replace")
    name = _parameter(disposition, "name")
    if disposition.get_content_disposition() != "form-data" or name is None:
        raise invalid("a part of the form has no name")
    return FormPart(name, _parameter(disposition, "filename"))


def _parameter(disposition: Message, name: str) -> str | None:
    """None also for what is written as RFC 2231 has it, which RFC 7578, 4.2 forbids."""
    try:
        value = disposition.get_param(name, header="content-disposition")
    except TypeError:  # the standard library cannot sort all that RFC 2231 forbids
        return None
    return value if isinstance(value, str) else None


@contextmanager
def _well_formed() -> Iterator[None]:
    try:
        yield
    except (ValueError, HttpProcessingError, web.RequestPayloadError):
        raise invalid("the form is not well-formed, or is cut off") from None


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(UPLOAD_PACE_MS / 1000):
            yield
    except TimeoutError:
        raise BodyTooSlow from None


def cut(request: web.Request) -> Callable[[], None]:
    """Ends the request's connection at once, and with it whoever waits for its body."""
    transport = request.transport

    def abort() -> None:
        if transport is not None:
            transport.abort()

    return abort
