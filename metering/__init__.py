"""Who owes whom, exactly.

Belongs here: money, tariffs, the meter, the ledger, settlement on Stellar.
Nouns: playback session, tick, hold, transfer, payout. It knows no video, only
(session, sequence, [start, end) in media time).
Imports `config` only.
"""
