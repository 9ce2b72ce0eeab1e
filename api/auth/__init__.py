"""Who is asking: bearer tokens of accounts and signed tokens of playback sessions."""
