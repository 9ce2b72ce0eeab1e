"""Signs what pays out of the hot account: in a process of its own, which alone has the keys."""
