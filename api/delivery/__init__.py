"""Media over HTTP: what a player may have, and two senders of it, a raw protocol and aiohttp."""
