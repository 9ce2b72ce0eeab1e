"""Challenges of SEP-10 as transactions: made, read and checked with the Stellar SDK.

All of it takes milliseconds of the processor and belongs on another thread than the loop's. The
SDK's own reading leaves these to its caller, or gets them wrong (16.1.1):

* it has no memory: one challenge is accepted as often as it is shown;
* it takes a challenge without `web_auth_domain`, of any length in time, and five minutes early;
* a memo or a muxed id of 0 counts as none;
* a signer of weight 0 is enough where the threshold is 0;
* what is no transaction at all raises whatever its parser does.
"""

import base64
import secrets
from collections.abc import Mapping

from stellar_sdk import (
    Account,
    Keypair,
    ManageData,
    MuxedAccount,
    StrKey,
    TransactionBuilder,
    TransactionEnvelope,
)
from stellar_sdk.exceptions import SdkError
from stellar_sdk.sep.ed25519_public_key_signer import Ed25519PublicKeySigner
from stellar_sdk.sep.stellar_web_authentication import (
    ChallengeTransaction,
    read_challenge_transaction,
    verify_challenge_transaction_threshold,
)

from api.auth.challenge import ChallengeRefused, Claim, Wish
from config.limits import (
    ACCESS_TOKEN_LEEWAY_SECONDS,
    CHALLENGE_CHARACTERS_MAX,
    CHALLENGE_SECONDS,
)

_NONCE_BYTES = 48
_FEE = 100
_MEMO_MAX = 2**64 - 1
_DOMAIN = "web_auth_domain"
_CLIENT = "client_domain"
# The number 5 in 32 bits, ENVELOPE_TYPE_TX_FEE_BUMP, in base 64.
_FEE_BUMP = "AAAABQ"
# What the SDK's parsers raise for what is none of it: found by fuzzing, see the tests.
_UNREADABLE = (SdkError, ValueError, EOFError)


class Challenges:
    """Challenges of one server on one network.

    Args:
        seed: of the key that signs them, which signs for no account whatsoever.
        passphrase: of the network.
        domain: where the server is, with its port if that is an unusual one: both the home domain
            and the domain of the endpoint.
    """

    def __init__(self, seed: str, passphrase: str, domain: str) -> None:
        self._key = Keypair.from_secret(seed)
        self._passphrase = passphrase
        self._domain = domain

    @property
    def address(self) -> str:
        """The public key, SIGNING_KEY of the stellar.toml (SEP-1)."""
        return self._key.public_key

    def make(self, wish: Wish, now_s: int) -> str:
        """A challenge, signed by this server, in base 64.

        Raises:
            ChallengeRefused: for no such account or memo.
        """
        account = self._account(wish.account)
        if wish.memo is not None and account.account_muxed is not None:
            raise ChallengeRefused("a muxed account has no memo")
        if wish.memo is not None and not 0 <= wish.memo <= _MEMO_MAX:
            raise ChallengeRefused("a memo is a number of 64 bits")
        # The builder counts one up, to the number 0 that no account can ever use.
        builder = TransactionBuilder(Account(self.address, -1), self._passphrase, _FEE)
        builder.add_time_bounds(now_s, now_s + CHALLENGE_SECONDS)
        nonce = base64.b64encode(secrets.token_bytes(_NONCE_BYTES))
        builder.append_manage_data_op(self._name, nonce, source=account)
        builder.append_manage_data_op(_DOMAIN, self._domain, source=self.address)
        if wish.client is not None:
            builder.append_manage_data_op(
                _CLIENT, wish.client.domain, source=wish.client.signing_key
            )
        if wish.memo is not None:
            builder.add_id_memo(wish.memo)
        envelope = builder.build()
        envelope.sign(self._key)
        return envelope.to_xdr()

    def read(self, text: str, now_s: int) -> Claim:
        """What a challenge says that came back; of its signatures only ours was looked at.

        Raises:
            ChallengeRefused: it is not one of ours, or not of now.
        """
        challenge = self._parsed(text)
        envelope = challenge.transaction
        operations = [
            each for each in envelope.transaction.operations if isinstance(each, ManageData)
        ]
        if [each.data_name for each in operations].count(_DOMAIN) != 1:
            raise ChallengeRefused("the challenge does not name the domain of its endpoint")
        account = operations[0].source
        assert account is not None, "the SDK has looked"
        if account.account_muxed is not None and challenge.memo is not None:
            raise ChallengeRefused("a muxed account has no memo")
        client = [each.data_value for each in operations if each.data_name == _CLIENT]
        return Claim(
            address=account.account_id,
            subject=_subject(account, challenge.memo),
            hash=envelope.hash(),
            until_s=_until(envelope, now_s),
            client_domain=client[0].decode() if client and client[0] is not None else None,
        )

    def check(self, text: str, signers: Mapping[str, int], threshold: int) -> None:
        """Weigh the signatures of a challenge that was read.

        Args:
            signers: of the account, by key and weight (SEP-23: G..., others are left out).
            threshold: its medium one.

        Raises:
            ChallengeRefused: they are of others, or weigh too little.
        """
        heavy = [
            Ed25519PublicKeySigner(key, weight)
            for key, weight in signers.items()
            if weight > 0 and key != self.address and StrKey.is_valid_ed25519_public_key(key)
        ]
        if not heavy:
            raise ChallengeRefused("no key signs for this account")
        try:
            verify_challenge_transaction_threshold(
                text, self.address, self._domain, self._domain, self._passphrase, threshold, heavy
            )
        except _UNREADABLE as error:
            raise ChallengeRefused(_reason(error)) from None

    @property
    def _name(self) -> str:
        return f"{self._domain} auth"

    def _account(self, text: str) -> MuxedAccount:
        try:
            account = MuxedAccount.from_account(text)
        except _UNREADABLE:
            raise ChallengeRefused("an account is G... or M... (SEP-23)") from None
        if account.account_id == self.address:
            raise ChallengeRefused("this server does not sign in to itself")
        return account

    def _parsed(self, text: str) -> ChallengeTransaction:
        if len(text) > CHALLENGE_CHARACTERS_MAX:
            raise ChallengeRefused("a challenge is shorter")
        if text.startswith(_FEE_BUMP):
            raise ChallengeRefused("a fee bump is no challenge")
        try:
            return read_challenge_transaction(
                text, self.address, self._domain, self._domain, self._passphrase
            )
        except _UNREADABLE as error:
            raise ChallengeRefused(_reason(error)) from None


def _subject(account: MuxedAccount, memo: int | None) -> str:
    if account.account_muxed is not None:
        return account.account_muxed
    return account.account_id if memo is None else f"{account.account_id}:{memo}"


def _until(envelope: TransactionEnvelope, now_s: int) -> int:
    preconditions = envelope.transaction.preconditions
    bounds = None if preconditions is None else preconditions.time_bounds
    assert bounds is not None, "the SDK has looked"
    if bounds.max_time - bounds.min_time > CHALLENGE_SECONDS:
        raise ChallengeRefused("the challenge is good for too long")
    if not bounds.min_time - ACCESS_TOKEN_LEEWAY_SECONDS <= now_s <= bounds.max_time:
        raise ChallengeRefused("the challenge is not of now")
    return bounds.max_time


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, SdkError) else "this is no transaction in base 64"
