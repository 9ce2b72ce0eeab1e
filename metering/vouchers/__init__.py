"""Viewers who pay from payment channels of their own, by vouchers that only ever grow."""
