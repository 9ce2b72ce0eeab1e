"""Request bodies as uploads take them: in pieces, as they come."""

import asyncio
from collections import deque
from collections.abc import Callable
from email.message import Message

from aiohttp import web

from api.errors import Problem, invalid
from api.form import FormEnded, FormEvent, FormParser, MalformedForm, PartBegun, PartData, PartEnded
from config.limits import UPLOAD_FORM_FIELD_BYTES_MAX, UPLOAD_PACE_MS, UPLOAD_PIECE_BYTES
from ingest.upload.upload import BodyTooSlow


class RequestBody:
    """A request's body. Its size is nowhere limited: whoever reads it has to."""

    def __init__(self, request: web.Request) -> None:
        """Raises: Problem: 415 for a compressed one, which says nothing of what comes out of it."""
        coding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if coding != "identity":
            raise Problem(415, "content_encoding", "The body is compressed", "send it as it is")
        self._content = request.content
        # Bytes come in while others are written; then they are taken together.
        self._content.set_read_chunk_size(UPLOAD_PIECE_BYTES)

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


class FormBody:
    """A form read part by part; `read` gives the part's bytes, like a body of its own."""

    def __init__(self, request: web.Request) -> None:
        """Raises: Problem: 415 when the request has no form."""
        if request.content_type != "multipart/form-data":
            raise Problem(
                415, "not_a_form", "The body has to be a form", "send multipart/form-data"
            )
        self._body = RequestBody(request)
        self._events: deque[FormEvent] = deque()
        try:
            self._parser = FormParser(_boundary(request))
        except MalformedForm as error:
            raise invalid(str(error)) from None

    async def next_part(self) -> PartBegun | None:
        """The head of the next part; None at the end. What is unread of the last one is skipped.

        Raises:
            Problem: 400 for what is no form.
            BodyTooSlow: it does not come.
        """
        while True:
            match await self._within_pace():
                case PartBegun() as part:
                    return part
                case FormEnded():
                    return None
                case PartData() | PartEnded():
                    continue

    async def read(self) -> bytes:
        """Some bytes of the part; nothing at its end.

        Raises:
            Problem: 400 for what is no form.
        """
        match await self._next():
            case PartData(data):
                return data
            case event:
                assert isinstance(event, PartEnded), "a part ends before another begins"
                return b""

    async def text(self) -> str:
        """The part as text.

        Raises:
            Problem: 400 when it is too long for a field, or not UTF-8.
            BodyTooSlow: it does not come.
        """
        data = b""
        while not isinstance(event := await self._within_pace(), PartEnded):
            assert isinstance(event, PartData), "a part ends before another begins"
            data += event.data
            if len(data) > UPLOAD_FORM_FIELD_BYTES_MAX:
                raise invalid(f"a field is longer than {UPLOAD_FORM_FIELD_BYTES_MAX} bytes")
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise invalid("a field is not UTF-8") from None

    async def _within_pace(self) -> FormEvent:
        try:
            async with asyncio.timeout(UPLOAD_PACE_MS / 1000):
                return await self._next()
        except TimeoutError:
            raise BodyTooSlow from None

    async def _next(self) -> FormEvent:
        while not self._events:
            data = await self._body.read()
            if not data:
                raise invalid("the form is cut off")
            try:
                self._events.extend(self._parser.feed(data))
            except MalformedForm as error:
                raise invalid(str(error)) from None
        return self._events.popleft()


def _boundary(request: web.Request) -> str:
    boundary = Message()
    boundary["Content-Type"] = request.headers["Content-Type"]
    return boundary.get_boundary(failobj="")


def cut(request: web.Request) -> Callable[[], None]:
    """Ends the request's connection at once, and with it whoever waits for its body."""
    transport = request.transport

    def abort() -> None:
        if transport is not None:
            transport.abort()

    return abort
