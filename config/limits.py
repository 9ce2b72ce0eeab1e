"""Every bound of the program, with its reason.

When a bound is hit the program drops or refuses, counts, and says so at most once a second.
Units are in the names.
"""

# --- hub -----------------------------------------------------------------------------------------
# Four seconds of 60 fps video with audio; a reader that is further behind skips to a keyframe.
HUB_READER_PACKETS_MAX = 512

# --- api -----------------------------------------------------------------------------------------
# About 300 bytes each; more viewers than this at once means asking Postgres now and then.
BEARER_CACHE_ACCOUNTS_MAX = 20_000
# JSON requests carry a few names and amounts.
API_BODY_BYTES_MAX = 64 * 1024
# A page that lists content shows the newest; older ones are reached by their id.
CONTENT_LIST_MAX = 100
# Longer than any film or shift; a viewer who is still there opens a new session.
PLAYBACK_TOKEN_SECONDS = 12 * 3600
# A client that has not sent its whole request head by then is cut (slowloris).
HTTP_HEAD_SECONDS_MAX = 10
# An idle keep-alive connection costs a socket and about 8 KiB.
HTTP_KEEP_ALIVE_SECONDS = 75
# Bytes are handed to the socket in pieces of this size, so that an abort is seen early.
RESPONSE_PIECE_BYTES = 256 * 1024
# A viewer who does not take a piece for this long has gone; the segment is not billed.
RESPONSE_WRITE_SECONDS_MAX = 30
# Stopping: how long requests under way may still take.
HTTP_SHUTDOWN_SECONDS = 2
# Earnings streams that one process pushes at once; each costs one query a second.
EARNINGS_STREAMS_MAX = 200
# A guest's play-money balance is topped up to this (5 XLM), never above.
SANDBOX_BALANCE_STROOPS = 50_000_000
# Guests that one address may create in a minute: enough for a classroom behind one router.
GUESTS_PER_MINUTE_MAX = 120
# How long each dependency has to answer `/ready`.
READINESS_SECONDS_MAX = 2
# When the server stops: how long encoders may take to hand over their last frames.
BROADCAST_FLUSH_SECONDS_MAX = 2
# Local network: how long its process may take to listen; it imports the Stellar SDK (0.5 s).
LOCAL_NETWORK_START_SECONDS_MAX = 20
# Stopping a child: then it is killed.
CHILD_STOP_SECONDS_MAX = 2
# How long a request of the command line to the running server may take.
COMMAND_SECONDS_MAX = 10
# Demo viewers: where they join a live playlist, counted from its end, like a player.
DEMO_VIEWER_SEGMENTS_MAX = 3
# A demo viewer whose session or stream ended tries again after this.
DEMO_VIEWER_RETRY_SECONDS = 1.0

# --- database ------------------------------------------------------------------------------------
# Two pools of ten and the operator's own sessions; each idle one costs the server some megabytes.
POSTGRES_CONNECTIONS_MAX = 50
# Statements are short and few at a time; more connections only queue inside the server.
DATABASE_POOL_CONNECTIONS = 10
# No statement of ours takes a second; one that takes ten waits for a lock that will not come.
DATABASE_STATEMENT_MS_MAX = 10_000
# As long as a player waits for a segment before it asks again.
DATABASE_ACQUIRE_MS_MAX = 5_000
# A server that does not even accept a connection is reported, not waited for.
DATABASE_CONNECT_MS_MAX = 10_000
# Statements under way at the end may finish; then their connections are cut.
DATABASE_CLOSE_MS_MAX = 3_000
# A migration may rewrite a table of a busy installation.
DATABASE_MIGRATION_MS_MAX = 600_000
# initdb writes 40 MB; on a slow disk and a busy machine that takes its time.
POSTGRES_PREPARE_MS_MAX = 60_000
# Includes the recovery after a crash, at most one checkpoint's worth of writes.
POSTGRES_START_MS_MAX = 60_000
# For each of the three ways to end it, from polite to immediate.
POSTGRES_STOP_MS_MAX = 8_000
# How often its state file is read while it starts.
POSTGRES_POLL_MS = 10
# Its log is put aside at a start when longer; it logs starts, stops and failures only.
POSTGRES_LOG_BYTES_MAX = 4_000_000
