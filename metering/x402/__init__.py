"""Money that comes in over HTTP: 402 Payment Required, and what x402 clients answer to it."""
