"""Why a payment is not taken just now; whoever asks does not need the Stellar SDK to know."""


class NobodyPaysFees(Exception):
    """The account that pays for transactions is missing, or has paid enough for a day. Its text
    is its address.
    """


class StillUnderWay(Exception):
    """No ledger has taken the payment yet: presented again, it is looked for again."""
