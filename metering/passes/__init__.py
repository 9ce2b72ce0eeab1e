"""Passes: a price that is paid once, and nothing by the second until their time is over."""
