"""Accounts, sessions and keys as our JSON has them."""

from collections.abc import Sequence

from api.auth.account import Account
from api.auth.api_key import ApiKey
from api.auth.challenge import pays_to
from api.auth.login import LinkedWallet
from api.auth.sign_in import SignIn
from api.auth.sign_ins import Granted
from api.wire import timestamp
from config.limits import ACCESS_TOKEN_SECONDS

# Of answers with tokens in them (RFC 6749, section 5.1).
NO_STORE = {"Cache-Control": "no-store"}


def user_document(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "kind": account.kind.value,
        "username": account.display_name,
        "payoutAddress": account.stellar_address,
        "createdAt": timestamp(account.created_at),
    }


def profile_document(
    account: Account, email: str | None, wallets: Sequence[LinkedWallet]
) -> dict[str, object]:
    """`payable`: whether a wallet's address is its own, and so may be where payouts go."""
    return {
        **user_document(account),
        "email": email,
        "wallets": [
            {
                "subject": wallet.subject,
                "payable": pays_to(wallet.subject) is not None,
                "linkedAt": timestamp(wallet.linked_at),
            }
            for wallet in wallets
        ],
    }


def granted_document(granted: Granted) -> dict[str, object]:
    """`expiresIn` is about the access token, in seconds (RFC 6749, section 5.1)."""
    return {
        "accessToken": granted.access_token,
        "refreshToken": granted.refresh_token,
        "expiresIn": ACCESS_TOKEN_SECONDS,
        "user": user_document(granted.account),
    }


def session_document(sign_in: SignIn, current: str | None) -> dict[str, object]:
    """`current`: the id of the session that asks."""
    return {
        "id": sign_in.id,
        "subject": sign_in.subject,
        "clientDomain": sign_in.client_domain,
        "device": sign_in.device,
        "beganAt": timestamp(sign_in.began_at),
        "usedAt": timestamp(sign_in.used_at),
        "expiresAt": timestamp(sign_in.expires_at),
        "current": sign_in.id == current,
    }


def key_document(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "hint": key.hint,
        "createdAt": timestamp(key.created_at),
        "expiresAt": None if key.expires_at is None else timestamp(key.expires_at),
        "lastUsedAt": None if key.last_used_at is None else timestamp(key.last_used_at),
    }
