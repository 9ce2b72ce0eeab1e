"""One decode, many encodes, in a child process."""
