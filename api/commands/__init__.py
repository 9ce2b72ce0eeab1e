"""A module for each command: its flags, what it prints and how it ends. Its work is elsewhere."""
