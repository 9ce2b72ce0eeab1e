"""Who gets which part of what a session earns."""
