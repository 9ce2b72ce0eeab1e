"""One connection: requests for media are answered here, and all others by whom it is lent to."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol, cast

from api.auth.client import Clients, Sender
from api.delivery.answer import Answer, head_end, head_of
from api.delivery.failure import failure
from api.delivery.head import OtherHead, read_head
from api.delivery.image import Images
from api.delivery.pieces import write_pieces
from api.delivery.playback import Outcome, Playback, Promised, Waiting
from api.delivery.request import MediaRequest
from api.delivery.tally import TALLY
from api.delivery.unsent import Progress, acked_bytes, taken_permille, unsent_bytes
from api.delivery.watch import Watch
from api.failures import EXPECTED
from config.limits import (
    HTTP_HEAD_BYTES_MAX,
    HTTP_PIPELINE_BYTES_MAX,
    HTTP_PIPELINE_TURN_MAX,
    RESPONSE_JOINED_BYTES_MAX,
)
from config.tasks import spawn
from metering.intake import Delivery
from metering.waiting import Saved

# States; plain integers, since every request compares them several times.
_READING = 0
"""A request is awaited, or the rest of its head."""
_WAITING = 1
"""A playlist or part is."""
_WORKING = 2
"""A task makes the answer, or it is there and the meter saves it."""
_WRITING = 3
"""The socket does not take all of the answer yet."""
_LENT = 4
_RESTING = 5
"""Others have their turn."""
_CLOSING = 6


class Borrowing(Protocol):
    """What is lent a connection, a request at a time; `api.delivery.lending.Borrower` is one."""

    def begin(self, data: bytes, head: OtherHead) -> bytes: ...
    def feed(self, data: bytes) -> bytes: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def connection_lost(self, error: Exception | None) -> None: ...
    def overdue(self, watch: Watch) -> bool: ...


class Others(Protocol):
    """Who answers what is not plainly a request for media."""

    def borrow(self, connection: "Connection") -> Borrowing | None:
        """Somebody to lend the connection to; None when it is not lent but given away, with what
        `connection.unread` has.
        """


@dataclass(frozen=True, slots=True)
class Site:
    """What all connections of a server share. Without `playback` everything is for the others."""

    playback: Playback | None
    others: Others
    watch: Watch
    clients: Clients = field(default_factory=Clients)
    images: Images = field(default_factory=Images)


class Connection(asyncio.Protocol):
    """One request at a time, in their order. What is sent is not counted as delivered before the
    socket has taken its last byte.
    """

    __slots__ = (
        "_body",
        "_borrowing",
        "_client",
        "_closes",
        "_delivery",
        "_held",
        "_progress",
        "_promised",
        "_request",
        "_sender",
        "_sent_bytes",
        "_site",
        "_socket",
        "_state",
        "_task",
        "_unsent_bytes",
        "_waiting",
        "blocked",
        "due_ms",
        "transport",
        "unread",
    )

    def __init__(self, site: Site) -> None:
        self._site = site
        self._state = _READING
        self._body: bytes | memoryview = b""
        self._borrowing: Borrowing | None = None
        self._client = 0
        self._closes = False
        self._delivery: Delivery | None = None
        self._held = False
        self._progress: Progress | None = None
        self._promised: Promised | None = None
        self._request: MediaRequest | None = None
        self._sender: Sender | None = None
        self._sent_bytes = 0
        self._socket = -1
        self._task: asyncio.Task[None] | None = None
        self._unsent_bytes = 0
        self._waiting: Waiting | None = None
        self.blocked = False
        self.due_ms = 0
        self.transport: asyncio.Transport
        self.unread = b""

    # --- asyncio.Protocol ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # Then `pause_writing` tells at once whether anything was not taken.
        self.transport.set_write_buffer_limits(high=0)
        self.due_ms = self._site.watch.head_due_ms
        self._site.watch.add(self)

    def data_received(self, data: bytes) -> None:
        state = self._state
        if state == _READING:
            if not self.unread and self._answer_known(data):
                return
            if self.unread:
                self.unread += data
            else:
                self.unread = data
                self.due_ms = self._site.watch.head_due_ms
            self._go_on()
        elif state == _LENT:
            assert self._borrowing is not None, "it is lent to somebody"
            self._keep(self._borrowing.feed(data))
        elif state != _CLOSING:
            self._keep(data)

    def pause_writing(self) -> None:
        self.blocked = True
        if self._state == _LENT and self._borrowing is not None:
            self._borrowing.pause_writing()

    def resume_writing(self) -> None:
        self.blocked = False
        if self._state == _LENT and self._borrowing is not None:
            self._borrowing.resume_writing()
        elif self._state == _WRITING:
            self._taken(complete=True)
            self._ready()
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._site.watch.discard(self)
        self._state = _CLOSING
        if self._waiting is not None:
            self._waiting.arrival.forget(self._arrived)
        if self._task is not None:
            self._task.cancel()
        if self._promised is not None:
            self._promised.saved.remove_done_callback(self._saved)
            self._delivery, self._promised = self._promised.answer.delivery, None
        if self._borrowing is not None:
            self._borrowing.connection_lost(exc)
        self._taken(complete=False)

    # --- reading ---------------------------------------------------------------------------------

    def _answer_known(self, data: bytes) -> bool:
        """The shortest way, for what nearly all of them send: one request for media, whole."""
        request, playback = read_head(data), self._site.playback
        if type(request) is not MediaRequest or request.end != len(data) or playback is None:
            return False
        self._closes = request.closes
        self._answer(request, playback)
        return True

    def _go_on(self) -> None:
        """Answer what was read, as far as nothing has to be waited for."""
        turns, playback = HTTP_PIPELINE_TURN_MAX, self._site.playback
        while self.unread and self._state == _READING:
            head = read_head(self.unread)
            if turns == 0:
                self._rest()
            elif isinstance(head, MediaRequest) and playback is not None:
                self.unread = self.unread[head.end :]
                self._closes = head.closes
                self._answer(head, playback)
            elif head is not None or len(self.unread) > HTTP_HEAD_BYTES_MAX:
                self._lend(head)
            else:
                break
            turns -= 1
        if self._held and self._state == _READING:
            self._held = False
            self.transport.resume_reading()

    def _keep(self, data: bytes) -> None:
        """For when its turn comes; who sends more than that is not read from meanwhile."""
        self.unread += data
        if len(self.unread) > HTTP_PIPELINE_BYTES_MAX:
            self._held = True
            self.transport.pause_reading()

    def _rest(self) -> None:
        self._state = _RESTING
        asyncio.get_running_loop().call_soon(self._rested)

    def _rested(self) -> None:
        if self._state == _RESTING:
            self._ready()
            self._go_on()

    def _ready(self) -> None:
        """For the next request, which may have begun."""
        if self._closes:
            self.close()
            return
        self._state = _READING
        watch = self._site.watch
        self.due_ms = watch.head_due_ms if self.unread else watch.next_due_ms

    # --- lending ---------------------------------------------------------------------------------

    def _lend(self, head: MediaRequest | OtherHead | None) -> None:
        """Have a request answered by others; the whole connection, where it is not even clear
        where the request ends.
        """
        if isinstance(head, MediaRequest):
            head = OtherHead(head.end, 0)
        borrowing = self._site.others.borrow(self)
        if borrowing is None:
            self._state = _CLOSING
            return
        self._state = _LENT
        self._borrowing = borrowing
        self.due_ms = 0  # at each look
        data, self.unread = self.unread, b""
        self._keep(borrowing.begin(data, head or OtherHead(len(data), None)))

    def returned(self) -> None:
        if self._state != _LENT:
            return
        assert self._borrowing is not None, "it was lent to somebody"
        self._borrowing.connection_lost(None)
        self._borrowing = None
        self._closes = False
        if self.blocked:
            self._state = _WRITING
            self._unsent_bytes = unsent_bytes(self.transport)
            self.due_ms = self._site.watch.write_due_ms
        else:
            self._ready()
            self._go_on()

    def close(self) -> None:
        """Send what is still to be sent, and end."""
        self._state = _CLOSING
        self.due_ms = self._site.watch.write_due_ms
        self._unsent_bytes = unsent_bytes(self.transport)
        self.transport.close()

    def end(self) -> None:
        """Answer what is under way, and no more; whoever it is lent to is told by others."""
        self._closes = True
        if self._state in (_READING, _WAITING, _RESTING):
            self.close()

    def abort(self) -> None:
        """Cut it, which is none of its client's doing."""
        self._progress = None
        self.transport.abort()

    # --- answering -------------------------------------------------------------------------------

    def client(self, sender: Sender) -> int:
        """The client that sends this; a connection's own client sends the same each time."""
        if sender is not self._sender and sender != self._sender:
            peer = self.transport.get_extra_info("peername")
            self._client = self._site.clients.client(peer[0] if peer else "", sender)
            self._sender = sender
        return self._client

    def _answer(self, request: MediaRequest, playback: Playback) -> None:
        answer: Outcome
        try:
            answer = playback.at_once(request, self)
        except EXPECTED as error:
            answer = failure(error, request.method)
        if isinstance(answer, Answer):
            self._send(answer, request)
        else:
            self._begin(answer, request, playback)

    def _begin(
        self, answer: Waiting | Promised | None, request: MediaRequest, playback: Playback
    ) -> None:
        """What is not answered at once."""
        if answer is None:
            self._state = _WORKING
            self._task = spawn(self._work(request, playback), name="media request")
        elif isinstance(answer, Promised):
            # Its deadline is the meter's. No task: that costs as much as the rest of the answer.
            self._state = _WORKING
            self._request, self._promised = request, answer
            answer.saved.add_done_callback(self._saved)
        else:
            self._wait(answer, request, playback)

    def _wait(self, waiting: Waiting, request: MediaRequest, playback: Playback) -> None:
        self._state = _WAITING
        self.due_ms = self._site.watch.now_ms + playback.patience_ms
        self._request = request
        self._waiting = waiting
        waiting.arrival.then(self._arrived)

    def _arrived(self) -> None:
        request, playback, waiting = self._request, self._site.playback, self._waiting
        assert request is not None, "it waits for a request"
        assert playback is not None, "it waits for media"
        assert waiting is not None, "it waits for something"
        self._request = self._waiting = None
        answer: Outcome | bytes
        try:
            answer = waiting.again(self._site.watch.date_line)
        except EXPECTED as error:
            answer = failure(error, request.method)
        if isinstance(answer, bytes):
            self._send_copy(answer)
        elif isinstance(answer, Answer):
            self._send(answer, request)
        else:
            self._begin(answer, request, playback)
        if self.unread or self._held:
            self._go_on()

    def _saved(self, saved: Saved) -> None:
        request, promised = self._request, self._promised
        if request is None or promised is None:
            return  # the viewer left when this was about to be called
        self._request = self._promised = None
        answer, error = promised.answer, saved.exception()
        if error is not None:
            self._delivery = answer.delivery
            self._taken(complete=False)
            if not isinstance(error, EXPECTED):
                self.transport.abort()
                raise error
            answer = failure(error, request.method)
        self._send(answer, request)
        self._go_on()

    async def _work(self, request: MediaRequest, playback: Playback) -> None:
        has_answer = False
        try:
            try:
                answer = await playback.later(request, self)
            except EXPECTED as error:
                answer = failure(error, request.method)
            has_answer = True
        finally:
            self._task = None
            if not has_answer:
                self.transport.abort()
        self._send(answer, request)
        self._go_on()

    def _send(self, answer: Answer, request: MediaRequest) -> None:
        kind, length, body, delivery, fields, _ = answer
        transport, site = self.transport, self._site
        watch, size = site.watch, len(body)
        if size > RESPONSE_JOINED_BYTES_MAX:
            self._send_large(answer, watch.date_line)
        else:
            end = head_end(length, closes=self._closes)
            transport.write(b"".join((kind.text, fields, watch.date_line, end, body)))
        is_public = request.token is None
        (TALLY.public_statuses if is_public else TALLY.statuses)[kind.status] += 1
        sent_bytes = size if delivery is not None or is_public else 0
        if self.blocked or transport.is_closing():
            self._delivery, self._sent_bytes, self._body = delivery, sent_bytes, body
            self._linger()
            return
        if sent_bytes:
            TALLY.taken(sent_bytes, complete=True)
            if delivery is not None and site.playback is not None:
                site.playback.finish(delivery, complete=True)
        if self._closes:
            self.close()
            return
        self._state = _READING
        self.due_ms = watch.head_due_ms if self.unread else watch.next_due_ms

    def _send_copy(self, answer: bytes) -> None:
        """Like `_send`, for a playlist of a viewer who keeps the connection."""
        transport, watch = self.transport, self._site.watch
        transport.write(answer)
        TALLY.statuses[200] += 1
        if self.blocked or transport.is_closing():
            self._linger()
            return
        self._state = _READING
        self.due_ms = watch.head_due_ms if self.unread else watch.next_due_ms

    def _linger(self) -> None:
        """The socket did not take all of it, or is gone."""
        if self.blocked:
            self._state = _WRITING
            self._progress = Progress(self.transport)
            self._unsent_bytes = self._progress.unsent_bytes
            self.due_ms = self._site.watch.write_due_ms
        else:
            self._taken(complete=False)
            self._ready()

    def _send_large(self, answer: Answer, date_line: bytes) -> None:
        shared = None if self._closes else answer.shared
        image = None if shared is None else self._site.images.of(answer, shared, date_line)
        if image is None:
            head = head_of(answer, date_line, closes=self._closes)
            write_pieces(self, (head, answer.body))
        elif not self.transport.is_closing():  # then the descriptor may be another's
            known = self._socket
            sent = image.send(known if known >= 0 else self._descriptor())
            if sent < image.size:
                write_pieces(self, image.rest(sent))

    def _descriptor(self) -> int:
        if self._socket < 0:
            self._socket = self.transport.get_extra_info("socket").fileno()
        return self._socket

    def _taken(self, *, complete: bool) -> None:
        """The socket has taken the answer, or it never will."""
        sent_bytes, self._sent_bytes = self._sent_bytes, 0
        body, self._body = self._body, b""
        progress, self._progress = self._progress, None
        taken_bytes = sent_bytes
        if sent_bytes and not complete:
            beyond = -sent_bytes
            if progress is not None:
                beyond = progress.beyond(acked_bytes(self.transport))
            taken_bytes = max(0, sent_bytes + min(0, beyond))
        if sent_bytes:
            TALLY.taken(taken_bytes, complete=complete)
        delivery, self._delivery = self._delivery, None
        if delivery is not None and self._site.playback is not None:
            taken = 0 if complete else taken_permille(taken_bytes, body)
            self._site.playback.finish(delivery, complete, taken)

    # --- deadlines -------------------------------------------------------------------------------

    def overdue(self) -> None:
        if self._state == _WAITING:
            self._give_up_waiting()
        elif self._state in (_WRITING, _CLOSING):
            self._require_progress()
        elif self._state == _READING or (
            self._borrowing is not None and self._borrowing.overdue(self._site.watch)
        ):
            self.transport.abort()

    def _give_up_waiting(self) -> None:
        request, waiting, playback = self._request, self._waiting, self._site.playback
        assert request is not None, "it waits for a request"
        assert waiting is not None, "it waits for something"
        assert playback is not None, "it waits for media"
        waiting.arrival.forget(self._arrived)
        self._request = self._waiting = None
        self._send(failure(playback.too_late(), request.method), request)
        self._go_on()

    def _require_progress(self) -> None:
        unsent = unsent_bytes(self.transport)
        if self._unsent_bytes - unsent < self._site.watch.deadlines.pace_bytes:
            self.transport.abort()
        self._unsent_bytes = unsent
        self.due_ms = self._site.watch.write_due_ms
