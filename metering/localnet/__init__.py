"""A local Stellar network with play money, spoken to over HTTP."""
