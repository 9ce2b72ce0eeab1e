"""A local Stellar network with play money, spoken to over HTTP."""

PASSPHRASE = "Tollcast Local Network ; play money"
"""Names the network: a signature for it is worth nothing on any other."""

CHANNEL_WASM_HASH = "203c72199e9e4791dab388e2c6355ebeb03417ef6b65827f82a9c1046e56137c"
"""What a payment channel's contract runs here, in place of the hash of its WebAssembly.

SHA-256 of `stellar-experimental/one-way-channel 4b2fce5`, the source that the model follows.
"""
