"""What a stream is made of and everything that turns one picture into another.

Belongs here: tracks and packets, the hub, time repair, the ladder, wire formats, workers on libav.
Nouns: Track, Packet, Stream, Rendition.
Imports `config` only.
"""
