"""How streams come in.

Belongs here: publish protocols' sockets, stream keys, admission.
Nouns: source, stream key, publisher.
Imports `media` and `config`.
"""
