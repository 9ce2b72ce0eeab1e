"""Lets a call pass when the addresses that it concerns agreed to it, or notes what they must."""

import secrets
from collections.abc import Sequence
from typing import Protocol

from stellar_sdk import Address
from stellar_sdk import xdr as stellar_xdr

from metering.localnet.contracts.authorization import Authorized, Node, Tree, node_of
from metering.localnet.contracts.credentials import authenticate, nonce_key
from metering.localnet.contracts.storage import Storage
from metering.localnet.contracts.trap import Trapped

_CREDENTIALS = stellar_xdr.SorobanCredentialsType
_NONCE_BITS = 63
_NOT_ROOT = (
    "[recording authorization only] encountered authorization not tied to the root contract "
    "invocation for an address. Use `require_auth()` in the top invocation or enable non-root "
    "authorization."
)


class Calls:
    """The stack of calls, and the trees that follow along."""

    def __init__(self, trees: Sequence[Tree] = ()) -> None:
        self._stack: list[Authorized] = []
        self._trees = list(trees)

    def __len__(self) -> int:
        return len(self._stack)

    @property
    def top(self) -> Authorized:
        return self._stack[-1]

    def push(self, function: Authorized) -> None:
        """A call begins."""
        self._stack.append(function)
        for tree in self._trees:
            tree.push()

    def pop(self) -> None:
        """It ended, well or not."""
        self._stack.pop()
        for tree in self._trees:
            tree.pop()

    def root(self, address: str) -> Tree:
        """A new tree, whose root is the call on top."""
        tree = Tree(address, Node(self.top), len(self._stack))
        tree.begin()
        self._trees.append(tree)
        return tree


class Gate(Protocol):
    """Knows who agreed to what."""

    @property
    def calls(self) -> Calls:
        """Which it is told of."""

    def require(self, address: str, storage: Storage) -> None:
        """Ask for the agreement of an address to the call on top.

        Raises:
            Trapped: there is none, or its signature is not good.
        """


class Enforcing:
    """Holds calls against the authorization entries of a transaction.

    Args:
        entries: the operation's.
        source: the operation's source account; it signed the transaction.
        passphrase: the network's.
    """

    def __init__(
        self,
        entries: Sequence[stellar_xdr.SorobanAuthorizationEntry],
        source: str,
        passphrase: str,
    ) -> None:
        self._passphrase = passphrase
        self._trees = [(_tree(entry, source), entry) for entry in entries]
        self.calls = Calls([tree for tree, _ in self._trees])

    def require(self, address: str, storage: Storage) -> None:
        mine = [(tree, entry) for tree, entry in self._trees if tree.address == address]
        may_begin = not any(tree.is_active for tree, _ in mine)
        for tree, entry in mine:
            begun = tree.root.used
            if not tree.match(self.calls.top, with_root=may_begin):
                continue
            if not begun and entry.credentials.type == _CREDENTIALS.SOROBAN_CREDENTIALS_ADDRESS:
                authenticate(entry, storage, self._passphrase)
            return
        raise Trapped("Auth", "InvalidAction", f"Unauthorized function call for address {address}")


class Recording:
    """Notes who has to agree to what; nobody signed anything yet.

    Args:
        source: the operation's source account, which agrees by signing the transaction.
        beyond_root: also note agreements that do not begin with the first call.
    """

    def __init__(self, source: str, beyond_root: bool) -> None:
        self._source = source
        self._beyond_root = beyond_root
        self._trees: list[tuple[Tree, int | None]] = []
        self.calls = Calls()

    def require(self, address: str, storage: Storage) -> None:
        for tree, _ in self._trees:
            if tree.address == address and tree.is_active:
                tree.grow(self.calls.top)
                return
        if len(self.calls) > 1 and not self._beyond_root:
            raise Trapped("Auth", "InvalidAction", f"{_NOT_ROOT} {address}")
        self._trees.append((self.calls.root(address), self._nonce(address, storage)))

    def entries(self) -> list[stellar_xdr.SorobanAuthorizationEntry]:
        """What has to be signed, in the order in which it was asked for."""
        return [
            stellar_xdr.SorobanAuthorizationEntry(
                _source_credentials() if nonce is None else _unsigned(tree.address, nonce),
                tree.root.xdr(),
            )
            for tree, nonce in self._trees
        ]

    def _nonce(self, address: str, storage: Storage) -> int | None:
        """A new nonce; what checking the signature will touch is counted as touched."""
        if address == self._source:
            return None
        nonce = secrets.randbits(_NONCE_BITS)
        storage.expect_write(address, nonce_key(nonce))
        if address.startswith("G"):
            storage.account(address)
        return nonce


def _tree(entry: stellar_xdr.SorobanAuthorizationEntry, source: str) -> Tree:
    credentials = entry.credentials
    if credentials.type == _CREDENTIALS.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT:
        return Tree(source, node_of(entry.root_invocation))
    if credentials.address is None:
        # The other kinds came with protocol 27 (CAP-71); this network speaks an earlier one.
        raise Trapped("Auth", "InvalidInput", "this network has no such credentials")
    address = Address.from_xdr_sc_address(credentials.address.address).address
    return Tree(address, node_of(entry.root_invocation))


def _source_credentials() -> stellar_xdr.SorobanCredentials:
    return stellar_xdr.SorobanCredentials(_CREDENTIALS.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT)


def _unsigned(address: str, nonce: int) -> stellar_xdr.SorobanCredentials:
    return stellar_xdr.SorobanCredentials(
        _CREDENTIALS.SOROBAN_CREDENTIALS_ADDRESS,
        address=stellar_xdr.SorobanAddressCredentials(
            address=Address(address).to_xdr_sc_address(),
            nonce=stellar_xdr.Int64(nonce),
            signature_expiration_ledger=stellar_xdr.Uint32(0),
            signature=stellar_xdr.SCVal(stellar_xdr.SCValType.SCV_VOID),
        ),
    )
