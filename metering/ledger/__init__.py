"""The books: transfers, the chain that seals them, and where both are kept."""
