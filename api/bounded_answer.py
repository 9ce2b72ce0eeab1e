"""Reads what another server answers, up to a bound."""

import aiohttp

IDENTITY = {"Accept-Encoding": "identity"}
"""Headers of a request whose answer is read here: what is not compressed cannot grow."""


class AnswerTooLarge(Exception):
    """The answer's body is longer than was said."""


async def read_at_most(answer: aiohttp.ClientResponse, size: int) -> bytes:
    """The body.

    Raises:
        AnswerTooLarge: it has more than `size` bytes; the rest is not read.
    """
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > size:
            answer.close()
            raise AnswerTooLarge(f"the answer has more than {size} bytes")
    return bytes(body)
