"""What developers and machines of the project run; nothing of it is shipped."""
