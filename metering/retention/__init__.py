"""The tables of the books in parts: made ahead, closed, exported."""
