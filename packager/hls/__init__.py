"""CMAF segments and the playlists that name them."""
