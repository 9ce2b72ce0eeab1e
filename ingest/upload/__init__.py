"""Files on their way in: reserved, received in pieces, looked at, handed on once."""
