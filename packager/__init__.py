"""How streams go out.

Belongs here: segments, playlists and the archive they are kept in.
Nouns: asset, rendition, segment, playlist.
Imports `media` and `config`.
"""
