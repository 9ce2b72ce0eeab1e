"""What a session's owner may be told instead of getting media."""

from metering.money import NATIVE, Stroops, asset_code, format_amount


class InsufficientFunds(Exception):
    """The viewer's balance in an asset does not pay for what was asked."""

    def __init__(self, needed: Stroops, available: Stroops, asset: str = NATIVE) -> None:
        need, have = format_amount(needed), format_amount(available)
        super().__init__(f"{need} {asset} is needed and {have} {asset_code(asset)} is there")
        self.needed = needed
        self.available = available
        self.asset = asset


class SessionClosed(Exception):
    """The session is over: stopped, idle for too long, or too scattered to go on."""


class NotHere(SessionClosed):
    """The session is not in memory: it is over, or another process's. `Intake.locate` tells."""


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


class LeaseLost(Exception):
    """This process does not meter any more: another one took its sessions over."""

    def __init__(self, fence: int) -> None:
        super().__init__(f"lease {fence} is not held any more")
        self.fence = fence


class MeteredElsewhere(Exception):
    """Another server meters the session, or will in a moment. Its text is the URL at which viewers
    reach that server, where that is known.
    """
