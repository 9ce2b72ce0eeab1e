"""Whether chain, journal and outbox say the same."""
