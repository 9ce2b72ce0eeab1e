"""What a session's owner may be told instead of getting media."""

from metering.money import Stroops


class InsufficientFunds(Exception):
    """The viewer's balance does not pay for what was asked."""

    def __init__(self, needed: Stroops, available: Stroops) -> None:
        super().__init__(f"{needed} stroops are needed and {available} are there")
        self.needed = needed
        self.available = available


class SessionClosed(Exception):
    """The session is over: stopped, idle for too long, or too scattered to go on."""


class UnknownSession(Exception):
    """There never was such a session."""


class Paced(Exception):
    """The session is as far ahead of what could be watched as it may be."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"ask again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Overloaded(Exception):
    """As many requests or sessions as this process takes are waiting already."""


class MeterUnavailable(Exception):
    """The books cannot be written, so nothing may be served that costs something."""


class BooksDisagree(Exception):
    """A session's rows are not what this process wrote last: another process went on with it."""
