"""What a wallet asks for and proves with a challenge (SEP-10), without the SDK that reads it."""

from dataclasses import dataclass


class ChallengeRefused(Exception):
    """A challenge is not answered as SEP-10 wants it; the text says why."""


@dataclass(frozen=True, slots=True)
class ClientDomain:
    """Where a wallet says that it is from, and the key that has to sign for that."""

    domain: str
    signing_key: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A challenge that somebody wants to sign.

    Attributes:
        account: G... or M...
        memo: tells the users of a shared account apart; None of one that nobody shares.
    """

    account: str
    memo: int | None = None
    client: ClientDomain | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a challenge of ours says that came back, before its signatures were weighed.

    Attributes:
        address: G..., whose signers have to have signed.
        subject: who it is: G..., M..., or G...:memo, as `sub` of SEP-10's tokens.
        hash: of the transaction, whatever its signatures and its encoding: a challenge has one.
        until_s: Unix seconds after which it is refused for its time.
    """

    address: str
    subject: str
    hash: bytes
    until_s: int
    client_domain: str | None = None


def pays_to(subject: str) -> str | None:
    """The address that is a subject's own; None where others have it as well."""
    return subject if subject.startswith("G") and ":" not in subject else None
