"""Measurements that are held against a bar: `python -m scripts.bench NAME...`."""
