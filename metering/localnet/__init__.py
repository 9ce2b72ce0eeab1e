"""A local Stellar network with play money, spoken to over HTTP."""

PASSPHRASE = "Tollcast Local Network ; play money"
"""Names the network: a signature for it is worth nothing on any other."""
