"""Which process may meter."""
