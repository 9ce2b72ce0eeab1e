"""Whether the books are right: every rule of them, looked at in the database."""
