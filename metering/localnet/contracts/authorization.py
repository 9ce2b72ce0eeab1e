"""Who authorized which calls of contracts (CAP-46-11): the rules of Soroban's host.

An authorization is a tree of calls that one address agreed to. As contracts call each other, each
tree follows along: a call that an address has to agree to is looked for below the last call in
the stack that its tree knows, or at its root.
"""

from dataclasses import dataclass, field

from stellar_sdk import xdr as stellar_xdr

Authorized = stellar_xdr.SorobanAuthorizedFunction


@dataclass(slots=True)
class Node:
    """A call in a tree; `used` once it was made."""

    function: Authorized
    children: list["Node"] = field(default_factory=list)
    used: bool = False

    def xdr(self) -> stellar_xdr.SorobanAuthorizedInvocation:
        return stellar_xdr.SorobanAuthorizedInvocation(
            self.function, [child.xdr() for child in self.children]
        )


def node_of(invocation: stellar_xdr.SorobanAuthorizedInvocation) -> Node:
    """The tree that an authorization entry describes."""
    return Node(invocation.function, [node_of(child) for child in invocation.sub_invocations])


class Tree:
    """One address's authorization, and how far the calls have come in it.

    Args:
        address: G... or C...
        root: the call that everything else is below of.
        depth: how many frames the stack has when this begins.
    """

    def __init__(self, address: str, root: Node, depth: int = 0) -> None:
        self.address = address
        self.root = root
        self._matches: list[Node | None] = [None] * depth
        self._root_depth: int | None = None
        self._over = False

    def push(self) -> None:
        self._matches.append(None)

    def pop(self) -> None:
        self._matches.pop()
        if self._root_depth is not None and self._root_depth >= len(self._matches):
            self._over = True

    @property
    def is_active(self) -> bool:
        """True between the root's call and its end, while the frame on top is not matched yet."""
        return self.root.used and not self._over and self._matches[-1] is None

    @property
    def is_matched(self) -> bool:
        """True when the frame on top is one that this address agreed to."""
        return self._matches[-1] is not None

    def match(self, function: Authorized, with_root: bool) -> bool:
        """Find the call of the frame on top in the tree; False when it is not there."""
        if self.is_matched:
            return False
        above = self._last()
        if above is not None:
            candidates = above.children
        elif with_root:
            candidates = [self.root]
        else:
            candidates = []
        for node in candidates:
            if not node.used and node.function == function:
                self._take(node)
                return True
        return False

    def grow(self, function: Authorized) -> None:
        """Add the call of the frame on top to the tree, below the last that is part of it."""
        above = self._last()
        assert above is not None, "a tree grows only while it is active"
        node = Node(function)
        above.children.append(node)
        self._take(node)

    def begin(self) -> None:
        """The frame on top is the root's call."""
        self._take(self.root)

    def _take(self, node: Node) -> None:
        node.used = True
        self._matches[-1] = node
        if node is self.root:
            self._root_depth = len(self._matches) - 1

    def _last(self) -> Node | None:
        return next((node for node in reversed(self._matches) if node is not None), None)
