"""What can be watched: assets, their state and their price."""
