"""Plans with a flat fee: who has one, when it is paid, and what it includes."""
