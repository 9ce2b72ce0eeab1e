"""The jail of every process that touches libav: it locks itself in, then reads hostile media."""
