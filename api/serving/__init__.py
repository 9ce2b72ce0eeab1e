"""Processes beside the main one that answer requests for media on the same port."""
