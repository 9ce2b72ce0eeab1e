"""Two smart contracts as this network runs them: not as WebAssembly, but as native models."""
