"""Uploaded files: what is taken, what is refused, and what is made of them."""
