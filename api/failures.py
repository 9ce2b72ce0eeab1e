"""The one table from domain errors to what HTTP says about them."""

from collections.abc import Callable

from api.auth.sharing import PlayedElsewhere
from api.errors import Problem, not_found, payment_required, unavailable
from config.connection_pool import DatabaseAway
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    NotHere,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.money import format_amount
from metering.repricing import NoSuchChange
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.vouchers.channel_terms import ContractRefused
from metering.vouchers.payment_channel import (
    AlreadyTaken,
    BadVoucher,
    DeltaTooSmall,
    ExceedsDeposit,
    LastDoesNotFit,
    NoLongerOpen,
    NotSeenLately,
    UnknownChannel,
)
from packager.package import (
    BadReload,
    NotReady,
    UnknownAsset,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)

_PROBLEMS: dict[type[Exception], Callable[[Exception], Problem]] = {
    InsufficientFunds: lambda error: payment_required(str(error)),
    SessionClosed: lambda _: _session_over(),
    NotHere: lambda _: _session_over(),  # it was, until its player waited for something here
    PlayedElsewhere: lambda _: Problem(
        403,
        "session_shared",
        "This session is played by somebody else",
        "start one of your own, or ask about this one where you are now, and try again",
    ),
    NoSuchChange: lambda error: Problem(
        409, "price_changed", "That is not the new price", str(error)
    ),
    UnknownSession: lambda _: not_found("no such session"),
    Paced: lambda error: unavailable(
        "this session is far enough ahead of what it had time to play",
        retry_after_s=getattr(error, "retry_after_s", 1),
    ),
    Overloaded: lambda _: unavailable("too much at once", retry_after_s=2),
    MeterUnavailable: lambda _: unavailable("nothing is served that cannot be billed", 2),
    # Media is redirected where that is possible (`api.delivery.elsewhere`).
    MeteredElsewhere: lambda error: unavailable(
        f"this session goes on at {error}" if str(error) else "this session is about to go on", 2
    ),
    ChainUnreachable: lambda _: unavailable("the Stellar network does not answer", 5),
    WrongNetwork: lambda _: unavailable("the Stellar node is on another network", 60),
    AlreadyTaken: lambda _: Problem(409, "channel_taken", "Another account has registered it"),
    BadVoucher: lambda error: Problem(400, "invalid_signature", "Not a good voucher", str(error)),
    ContractRefused: lambda error: Problem(
        422,
        "contract_refused",
        "This contract is not taken",
        str(error),
        extra={"reason": getattr(error, "reason", "")},
    ),
    DeltaTooSmall: lambda error: Problem(
        409,
        "delta_too_small",
        "The voucher adds too little",
        str(error),
        extra={"accepted": format_amount(getattr(error, "accepted", 0))},
    ),
    ExceedsDeposit: lambda error: Problem(
        409,
        "amount_exceeds_deposit",
        "The payment channel holds less",
        str(error),
        extra={"deposited": format_amount(getattr(error, "deposited", 0))},
    ),
    LastDoesNotFit: lambda error: Problem(
        409,
        "last_voucher_out_of_range",
        "That is no voucher to close with",
        str(error),
        extra={
            "collected": format_amount(getattr(error, "collected", 0)),
            "accepted": format_amount(getattr(error, "accepted", 0)),
        },
    ),
    NoLongerOpen: lambda _: Problem(409, "channel_closing", "This payment channel is being closed"),
    NotSeenLately: lambda _: unavailable("the contract could not be looked at for too long", 10),
    UnknownChannel: lambda _: not_found("no such payment channel"),
    DatabaseAway: lambda _: unavailable("the database does not answer", 2),
    BadReload: lambda error: Problem(400, "bad_reload", str(error)),
    NotReady: lambda _: unavailable("the first segment is still being made", retry_after_s=1),
    UnknownAsset: lambda _: not_found("nothing is packaged under this id"),
    UnknownRendition: lambda _: not_found("no such rendition"),
    UnknownSegment: lambda _: not_found("no such segment"),
    UnknownPicture: lambda _: not_found("no such picture"),
}

EXPECTED: tuple[type[Exception], ...] = (Problem, *_PROBLEMS)
"""What is answered with a problem; anything else is our fault."""


def _session_over() -> Problem:
    return Problem(
        403, "session_closed", "This session is over", "start a new one to go on watching"
    )


def problem_of(error: Exception) -> Problem | None:
    """What to answer for an error; None for one that nobody expected."""
    if isinstance(error, Problem):
        return error
    make = _PROBLEMS.get(type(error))
    return _of_aiohttp(error) if make is None else make(error)


def _of_aiohttp(error: Exception) -> Problem | None:
    # See `Problem.response`.
    from aiohttp import web

    if isinstance(error, web.HTTPException):
        return Problem(error.status, error.reason.lower().replace(" ", "_"), error.reason)
    return None
