"""How a contract call fails."""


class Trapped(Exception):
    """A contract call ended with an error: whatever it changed is dropped.

    Args:
        kind: `SCErrorType`, as the network writes it: `Contract`, `Auth`, `Storage`, ...
        code: `SCErrorCode` (`InvalidAction`), or `#` and the number of the contract's own error.
        detail: what a person is told.
    """

    def __init__(self, kind: str, code: str, detail: str) -> None:
        # Clients look for this form (both SDKs parse `Error(Contract, #n)`).
        super().__init__(f"HostError: Error({kind}, {code})")
        self.detail = detail


def refused(number: int, detail: str) -> Trapped:
    """A contract's own error, by its number."""
    return Trapped("Contract", f"#{number}", detail)
