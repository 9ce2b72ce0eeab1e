"""The process itself: HTTP at the rim, the command line, and the wiring.

Belongs here: routes, authorisation, pages, and `main` with `composition`, where all parts meet.
"""
