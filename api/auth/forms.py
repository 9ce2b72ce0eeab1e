"""What the routes of signing in are sent."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.auth.scopes import Scope
from config.limits import (
    API_KEY_SECONDS_MAX,
    CHALLENGE_CHARACTERS_MAX,
    EMAIL_CHARACTERS_MAX,
    PASSWORD_CHARACTERS_MAX,
)

# Whether it is somebody's is not looked at: nothing is sent there.
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")


def _email(text: str) -> str:
    """In lower case, so that one person is one account whatever the keyboard makes of it."""
    plain = text.strip().lower()
    if _EMAIL.fullmatch(plain) is None:
        raise ValueError("should be an e-mail address")
    return plain


def _name(text: str) -> str:
    plain = " ".join(text.split())
    if not plain or not plain.isprintable():
        raise ValueError("should be a name")
    return plain


type _Email = Annotated[str, Field(max_length=EMAIL_CHARACTERS_MAX), AfterValidator(_email)]
type _Name = Annotated[str, Field(max_length=60), AfterValidator(_name)]
type _Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_CHARACTERS_MAX)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class AnswerChallenge(_Form):
    """A signed challenge, in base 64."""

    transaction: Annotated[str, Field(min_length=1, max_length=CHALLENGE_CHARACTERS_MAX)]


class Register(_Form):
    email: _Email
    password: _Password
    username: _Name


class LogIn(_Form):
    email: _Email
    password: _Password


class ChangePassword(_Form):
    currentPassword: _Password  # noqa: N815 - wire name
    newPassword: _Password  # noqa: N815 - wire name


class Refresh(_Form):
    refreshToken: Annotated[str, Field(min_length=1, max_length=256)]  # noqa: N815 - wire name


class LogOut(_Form):
    """`everywhere` ends all sessions of the account."""

    everywhere: bool = False


class ChangeProfile(_Form):
    """What is left out stays as it is. The address has to be that of a wallet of the account."""

    username: _Name | None = None
    payoutAddress: Annotated[str, Field(max_length=56)] | None = None  # noqa: N815 - wire name


class CreateApiKey(_Form):
    """Without `expiresInSeconds` it is good until it is revoked."""

    label: Annotated[str, Field(min_length=1, max_length=60)]
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1)]
    expiresInSeconds: (  # noqa: N815 - wire name
        Annotated[int, Field(ge=1, le=API_KEY_SECONDS_MAX)] | None
    ) = None
