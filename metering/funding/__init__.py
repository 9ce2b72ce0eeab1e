"""Prepaid money: deposits that the chain shows, withdrawals, and what belongs to nobody known."""
