"""Every bound of the program, with its reason.

When a bound is hit the program drops or refuses, counts, and says so at most once a second.
Units are in the names.
"""

# --- hub -----------------------------------------------------------------------------------------
# Four seconds of 60 fps video with audio; a reader that is further behind skips to a keyframe.
HUB_READER_PACKETS_MAX = 512
# How long a stream outlives its publisher's connection when its source does not say: a router that
# restarts, or an encoder that is started again by hand.
RECONNECT_WINDOW_MS = 60_000
# One segment of nothing: a link that stalls for less comes back by itself.
HUB_STANDBY_SILENCE_MS = 2_000

# --- api -----------------------------------------------------------------------------------------
# About 300 bytes each; more viewers than this at once means asking Postgres now and then.
BEARER_CACHE_ACCOUNTS_MAX = 20_000
# JSON requests carry a few names and amounts.
API_BODY_BYTES_MAX = 64 * 1024
# A page that lists content shows the newest; older ones are reached by their id.
CONTENT_LIST_MAX = 100
# Longer than any film or shift; a viewer who is still there opens a new session.
PLAYBACK_TOKEN_SECONDS = 12 * 3600
# Tokens whose signature was checked: a viewer shows a session token and one or two media tokens at
# a time. About 400 bytes each, with a media token; a forgotten one costs a signature (3 us) again.
PLAYBACK_TOKENS_READ_MAX = 65_536
# Media tokens that were made besides each viewer's newest one: playlists that reach back for long
# hold one for each minute, a film's 112. About 300 bytes each.
PLAYBACK_TOKENS_MADE_MAX = 65_536
# Clients of a session that are remembered: those of a person with some devices, and a NAT with some
# networks. Sessions: twice as many as a process meters, 300 bytes each.
CLIENTS_OF_SESSION_MAX = 8
CLIENT_SESSIONS_KNOWN_MAX = 40_000
# Between two requests of a player that plays there are at most 20 s of buffer; see
# `SESSION_WATCHING_MS_MAX`.
CLIENT_IDLE_MS = 30_000
# Media (1/90000 s) that clients of a session get of what another one was given: a person who moves
# takes a segment twice. Ten sharers have these together, and so none a second. They come back in so
# long a time, when nobody tries to have more.
CLIENT_COPIES_UNITS_MAX = 6 * 90_000
CLIENT_COPIES_MS = 600_000
# How often all clients of a session may be taken for one that seeks back.
CLIENT_REWIND_MS_MIN = 30_000
# How long a client may play that has nothing in common with those before it: what a URL is worth to
# whoever finds it. A page whose owner is elsewhere now has said so long before.
CLIENT_STRANGER_MS_MAX = 120_000
# How often a session's owner may be somewhere else: nobody who travels is, and those who share an
# account would lose more of a stream than they see.
CLIENT_PROOF_MS_MIN = 30_000
# Of shared sessions the log tells once a second.
CLIENT_REFUSALS_TOLD_MS = 1_000
# Addresses whose place was found before, and what proxies said of them: about 300 bytes each.
CLIENT_PLACES_KNOWN_MAX = 16_384
# How often connections are looked at that may be overdue: what a deadline may be late by.
HTTP_WATCH_MS = 500
# Connections that the kernel accepts for us: a herd of viewers comes within one turn of the loop.
HTTP_BACKLOG = 4_096
# A client that has not sent its whole request head by then is cut (slowloris).
HTTP_HEAD_SECONDS_MAX = 10
# A longer head is left to aiohttp, which refuses a line of more than 8 KiB.
HTTP_HEAD_BYTES_MAX = 16 * 1024
# Browsers send 20 fields of 1 KiB; requests with more are left to aiohttp.
HTTP_FIELDS_MAX = 64
HTTP_MEDIA_FIELDS_BYTES_MAX = 8_000
# Blocks of fields that were read before: one for each kind of player, of about 1 KiB each.
HTTP_FIELD_BLOCKS_KNOWN_MAX = 1_024
# What was read before of whole heads, behind the viewer's own piece: as many as there are paths at
# a live edge of ten renditions, times kinds of players. A longer head is read each time.
HTTP_HEADS_KNOWN_MAX = 2_048
HTTP_HEAD_KNOWN_BYTES_MAX = 2_048
# Paths and queries that were read before: a live edge of a thousand renditions, 400 bytes each.
MEDIA_TARGETS_KNOWN_MAX = 8_192
# Files of a live that were asked for last: of five renditions a segment and two parts each, twice.
# They are in memory anyway, but for parts of complete segments (100 KB) and what has just left it.
LIVE_FILES_KNOWN_MAX = 32
# Requests of one connection that are answered in one turn; then others have theirs.
HTTP_PIPELINE_TURN_MAX = 16
# What a client may send before it has its answer: no player sends any; then it is not read from.
HTTP_PIPELINE_BYTES_MAX = 32 * 1024
# An idle keep-alive connection costs a socket and about 2 KiB.
HTTP_KEEP_ALIVE_SECONDS = 75
# A body has to bring so much in so long, about 1 KiB/s, and so has an answer to be taken. Uploads
# refuse a slow body themselves, a little earlier and in words.
HTTP_BODY_MS_MAX = 40_000
HTTP_PACE_BYTES_MIN = 30 * 1024
# An answer whose reader does not keep this pace, in such windows, is cut: its reader has left.
RESPONSE_WRITE_SECONDS_MAX = 30
# Up to this a body is copied behind its head, which costs less than telling the kernel of both.
RESPONSE_JOINED_BYTES_MAX = 16 * 1024
# An answer is put into a file that sockets take without a copy when it is sent this often within a
# second: making that costs four times as much as it saves once.
IMAGE_TIMES_MIN = 4
# What it may hold; a segment of 1080p has 1.5 MB. Copying more would hold up the others.
IMAGE_BYTES_MAX = 4 * 1024 * 1024
# All of one second: of five renditions two segments and a few parts each.
IMAGES_BYTES_MAX = 32 * 1024 * 1024
# Each has a descriptor; that many small ones are not asked for often in one second.
IMAGES_MAX = 128
# Stopping: how long requests under way may still take.
HTTP_SHUTDOWN_SECONDS = 2
# Earnings streams that one process pushes at once; each costs one query a second.
EARNINGS_STREAMS_MAX = 200
# A quiet event stream says something this often: a page that has gone is noticed, proxies do not
# close it (nginx does after 60 s), and our own page waits 15 s before it calls a connection dead.
EVENT_STREAM_QUIET_SECONDS = 5
# Open studios of one process; each costs a few queries a second while something is made.
CONTENT_STREAMS_MAX = 200
# A guest's play-money balance is topped up to this (5 XLM), never above.
SANDBOX_BALANCE_STROOPS = 50_000_000
# Guests that one address may create in a minute: enough for a classroom behind one router.
GUESTS_PER_MINUTE_MAX = 120
# How long a key of a request is remembered: longer than any client tries again.
IDEMPOTENCY_HOURS = 24
# Of one account: a start each minute, day and night. 1 KiB each.
IDEMPOTENCY_KEYS_MAX = 1_500
# Answers that are kept; the longest has 500 bytes.
IDEMPOTENCY_ANSWER_BYTES_MAX = 8 * 1024
# How long a request with a key may take: the books answer within seconds, or not at all.
IDEMPOTENCY_WORK_SECONDS_MAX = 10
# After that nobody can be working on it any more but a process that hangs.
IDEMPOTENCY_LOCK_SECONDS = 15
# Sessions that one account may have open by any setting; an account's list of them is no longer.
SESSIONS_AT_ONCE_MAX = 100
# Watch pages that follow their session, and sockets of players; each costs 20 us a second.
SESSION_STREAMS_MAX = 5_000
# Session sockets of one process, and of one account: some devices and tabs.
SESSION_SOCKETS_MAX = 2_000
SOCKETS_OF_ACCOUNT_MAX = 8
# Sessions that one socket follows.
SOCKET_SESSIONS_MAX = 8
# A message has some ids in it.
SOCKET_MESSAGE_BYTES_MAX = 4 * 1024
# Messages at once, and then a second: a player sends one in fifteen.
SOCKET_MESSAGES_BURST = 20
SOCKET_MESSAGES_PER_SECOND = 2
# How long a client may take to say who it is.
SOCKET_AUTHENTICATE_SECONDS = 5
# How often clients are asked to say something, and when they are taken for gone.
SOCKET_HEARTBEAT_SECONDS = 15
SOCKET_SILENCE_SECONDS_MAX = 45
# Pings of the protocol: proxies close what is quiet for a minute; half of it is waited for a pong.
SOCKET_PING_SECONDS = 20
# A session that was begun over a socket waits so long for it to come back: a phone that changes
# networks, a page that is loaded again.
SOCKET_GRACE_SECONDS = 30
# How long the closing of a socket may take.
SOCKET_CLOSE_SECONDS_MAX = 2
# Lines of a statement that are read at a time.
STATEMENT_PAGE_LINES = 500
# Sessions that are added up in one statement of the database: half a second.
STATEMENT_SUM_SESSIONS = 10_000
# What is recorded has the time at which its transaction began, which ends within ten seconds.
STATEMENT_SETTLED_SECONDS = 15
# One statement: a year and a day.
STATEMENT_DAYS_MAX = 366
# Statements that are written at once, one for an account; each reads a page of the database when
# the one before was taken.
STATEMENTS_AT_ONCE_MAX = 50
# How long one may take in all.
STATEMENT_SECONDS_MAX = 300
# Lines of one page of a history.
HISTORY_PAGE_LINES_MAX = 100
# How long each dependency has to answer `/ready`.
READINESS_SECONDS_MAX = 2
# When the server stops: how long encoders may take to hand over their last frames.
BROADCAST_FLUSH_SECONDS_MAX = 2
# Local network: how long its process may take to listen; it imports the Stellar SDK (0.5 s).
LOCAL_NETWORK_START_SECONDS_MAX = 20
# One that ended is started again after this, so that a broken one does not spin.
LOCAL_NETWORK_RESTART_SECONDS = 1
# Stopping a child: then it is killed.
CHILD_STOP_SECONDS_MAX = 2
# How long a request of the command line to the running server may take.
COMMAND_SECONDS_MAX = 10
# Demo viewers: where they join a live playlist, counted from its end, like a player.
DEMO_VIEWER_SEGMENTS_MAX = 3
# A demo viewer whose session or stream ended tries again after this.
DEMO_VIEWER_RETRY_SECONDS = 1.0

# --- serving processes ---------------------------------------------------------------------------
# More than the processors of any machine that this program has seen.
SERVING_PROCESSES_MAX = 64
# The longest segment, and what is said of it; a playlist of a day has 3 MB.
SERVING_MESSAGE_BYTES_MAX = 33 * 1024 * 1024
# What a serving process asks are some ids; its counters take 100 bytes each.
SERVING_QUESTION_BYTES_MAX = 64 * 1024
# Of what waits for a serving process: five of the longest segments. One that reads none is ended.
SERVING_BACKLOG_BYTES_MAX = 160 * 1024 * 1024
# Requests of one serving process that wait for the main one, each a connection of a player.
SERVING_QUESTIONS_MAX = 20_000
# Files that a serving process keeps: a minute of 30 live assets at 6 Mbit/s on all rungs.
SERVING_FILES_BYTES_MAX = 128 * 1024 * 1024
# Playlists that it keeps; a live one has 5 kB.
SERVING_PLAYLISTS_BYTES_MAX = 32 * 1024 * 1024
# Assets that it knows of, some hundred bytes each, and sessions that it knows to be open.
SERVING_ASSETS_MAX = 10_000
SERVING_SESSIONS_MAX = 20_000
# How old the answer may be that a playlist is still the same, where no player said what it waits
# for: a fraction of the shortest part, and of any player's interval.
SERVING_PLAYLIST_FRESH_MS = 50
# How often the main process is told that a session's player is there, and whether assets grow on.
SERVING_LOOK_MS = 1_000
# A live playlist that nobody asked for in so long is not sent along any more: some reloads of the
# slowest player.
SERVING_WANTED_MS = 10_000
# Renditions of an asset, and places that players should not have waited for.
SERVING_EDGES_MAX = 256
# How long a serving process may keep to itself that media has been sent, so that it need not wake
# the main process for it alone; a viewer's clock is not finer.
SERVING_LATER_SECONDS = 0.01
# Counters are handed over so often, which also shows that the process is not stuck.
SERVING_COUNT_SECONDS = 1
# One that has said nothing for so long is replaced: its share of connections waits meanwhile.
SERVING_SILENCE_SECONDS_MAX = 10
# Until a serving process listens: Python starts and imports in 0.3 s on an idle machine.
SERVING_START_SECONDS_MAX = 20
# Waits before one that ended is started again double from the first to the second figure.
SERVING_BACKOFF_MS_MIN = 100
SERVING_BACKOFF_MS_MAX = 5_000
# One that ran for so long is started again as if nothing had been.
SERVING_STEADY_MS = 30_000
# Stopping: requests under way get `HTTP_SHUTDOWN_SECONDS`; then it is killed.
SERVING_STOP_SECONDS_MAX = 4
# A connection is handed over in pieces of this size; a socket's buffer takes three of them.
HANDOVER_PIECE_BYTES = 60_000
# Pieces that wait to be handed over: each may hold a descriptor, of which a process has 1,024.
HANDOVER_PIECES_MAX = 256
# Pieces that are taken before anybody else has a turn.
HANDOVER_TURN_MAX = 32

# --- jobs ----------------------------------------------------------------------------------------
# How long a job stays with a worker that says nothing: a worker that died is noticed after this.
JOB_LEASE_MS = 30_000
# Twice by bad luck, such as two machines that lose their power; three times it is the job.
JOB_ATTEMPTS_MAX = 3
# Waits after failed attempts double from the first to the second figure.
JOB_BACKOFF_MS_MIN = 2_000
JOB_BACKOFF_MS_MAX = 300_000
# A day of media at half of real time, and then something hangs.
JOB_ATTEMPT_SECONDS_MAX = 48 * 3600
# How often a worker with nothing to do looks, when nobody tells it: for leases that ran out, and
# for attempts whose wait is over.
JOB_POLL_MS = 2_000
# Progress is written at most this often; people do not read faster.
JOB_PROGRESS_MS = 1_000
# Longer than a statement of the database may take and a handler needs to end its child.
JOB_STOP_MS_MAX = 12_000
# A sentence or two; what a library said at length is for the log.
JOB_DETAIL_CHARACTERS_MAX = 500
# Payload and progress name some renditions and boundaries: 20 bytes each, a day of 2 s segments.
JOB_JSON_BYTES_MAX = 1 << 20
# Candidates for one claim: so many others may claim at the same moment before it goes away empty,
# and looks again when it is told to or after `JOB_POLL_MS`.
JOB_CLAIM_CANDIDATES = 16
# Ended jobs are kept for a season, and not more than these (about 1 kB each); some are deleted at a
# time, so that no statement takes long.
JOB_HISTORY_MS = 90 * 86_400_000
JOB_HISTORY_MAX = 100_000
JOB_FORGET_MAX = 1_000
JOB_FORGET_INTERVAL_MS = 60_000
# Jobs that a creator's page lists, the newest first.
JOB_LIST_MAX = 100
# Event streams of jobs that one process pushes at once; each costs two queries a second.
JOB_STREAMS_MAX = 200

# How often uploaded files are looked for that no job needs any more.
ORIGINALS_SWEEP_SECONDS = 60

# --- database ------------------------------------------------------------------------------------
# Two pools of ten and the operator's own sessions; each idle one costs the server some megabytes.
POSTGRES_CONNECTIONS_MAX = 50
# Statements are short and few at a time; more connections only queue inside the server.
DATABASE_POOL_CONNECTIONS = 10
# No statement of ours takes a second; one that takes ten waits for a lock that will not come.
DATABASE_STATEMENT_MS_MAX = 10_000
# How long the server may go on with a statement that we no longer wait for.
DATABASE_CANCEL_MS_MAX = 1_000
# As long as a player waits for a segment before it asks again.
DATABASE_ACQUIRE_MS_MAX = 5_000
# A server that does not even accept a connection is reported, not waited for.
DATABASE_CONNECT_MS_MAX = 10_000
# Statements under way at the end may finish; then their connections are cut.
DATABASE_CLOSE_MS_MAX = 3_000
# How often a connection that only listens is asked whether it is still there.
DATABASE_LISTEN_CHECK_MS = 15_000
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
# How often our own server is looked at, and how soon it is tried again when it does not start.
POSTGRES_WATCH_MS = 200
POSTGRES_RESTART_MS = 2_000
# Its log is put aside at a start when longer; it logs starts, stops and failures only.
POSTGRES_LOG_BYTES_MAX = 4_000_000

# --- timeline ------------------------------------------------------------------------------------
# A hole longer than this is closed: players stall in holes, and nobody is to pay for one.
TIMELINE_GAP_MS_MAX = 1_000
# Timestamps that go back further are a new clock (a reconnect), not jitter.
TIMELINE_BACKWARD_MS_MAX = 500
# How far audio and video may start apart: muxers interleave by seconds at worst.
TIMELINE_START_SKEW_MS_MAX = 5_000
# RTMP rounds to 1 ms and senders jitter more; ITU-R BT.1359 finds 90 ms of early sound acceptable.
AUDIO_GRID_TOLERANCE_MS = 80
# Sixteen reordered frames at 4 frames a second; a larger offset is a broken stamp.
COMPOSITION_OFFSET_MS_MAX = 4_000

# --- metering ------------------------------------------------------------------------------------
# 100,000 units; with it a month of ticks is still far from 64 bits.
PRICE_STROOPS_MAX = 10**12
# A price for a year of media; longer ones say nothing about a second.
PRICE_SECONDS_MAX = 366 * 86_400
# What a session or a day costs at most: exact also where numbers are doubles (browsers).
CAP_STROOPS_MAX = 10**15
# Surcharges of one tariff: a ladder has no more steps that anybody pays apart.
RUNGS_MAX = 4
# Between a higher price and the end of the sessions that began at the old one: long enough to see
# it and to decide.
PRICE_NOTICE_MS = 60_000
# Lines of a picture; 8K has 4,320.
RUNG_HEIGHT_MAX = 8_640
# One page of an account's statement.
LEDGER_PAGE_MAX = 1_000
# How far sealing may be behind; each time, writers wait for some milliseconds.
JOURNAL_SEAL_MS = 1_000
# One seal: of what is posted in a second by thousands of viewers; its marks are 32 KiB.
JOURNAL_SEAL_TRANSFERS_MAX = 8_000
# What a check reads at once: a few MiB of Python's values.
JOURNAL_PAGE_MAX = 5_000
JOURNAL_SEALS_MAX = 100
# Sessions that a check reads at once: with the meter's notes, up to a few KiB each.
SESSIONS_AUDITED_AT_ONCE = 500
# A transfer's text: three names and two words, all of them ours.
ARCHIVE_LINE_BYTES_MAX = 64 * 1024
# Parts of the ledger's tables for so many months are there before they are needed: a server that
# stands still for less does not notice.
LEDGER_PARTS_AHEAD = 3
# How late a month's part may be begun.
LEDGER_UPKEEP_SECONDS = 600
# A statement of a check reads a whole table; of a busy year that takes its time.
AUDIT_STATEMENT_MS_MAX = 4 * 3_600_000

# Media seconds that a viewer who is let in goes on with while the database is away: a restart or a
# failover takes less. If this process dies before it is back, they are the viewers'. 0: none.
METER_OUTAGE_SECONDS = 30
METER_OUTAGE_SECONDS_MAX = 600
# What all viewers together may get so in each currency: 100 units, or 1,000 viewers at the default
# price of an hour for a minute and a half.
METER_OUTAGE_STROOPS = 10**9
# How long a meter's lease lasts beyond the time for which viewers go on while the database is away:
# then another server may take its sessions over. It is renewed so often, by one short statement.
METER_LEASE_MS = 15_000
METER_LEASE_RENEW_MS = 5_000
# So much earlier its holder stops serving: a ninth of the usual lease, which is more than clocks
# that are being set right run fast by (chrony: a twelfth).
METER_LEASE_MARGIN_MS = 5_000
# Who takes over an expired lease has kept its own for so long without a break: had the database
# been away until now, the holder could have come back as well.
METER_LEASE_PATIENCE_MS = 20_000
# Servers look after each other so often, by a statement that locks nothing.
PRESENCE_LOOK_MS = 1_000
# Who is missed for so long is given up: it comes back within a second when only its connection was
# lost, and its lease is renewed meanwhile.
PRESENCE_MISSED_MS = 3_000
# Nobody is given up by who has been listening for less: after a restart of the database the others
# may need longer to come back.
PRESENCE_PATIENCE_MS = 10_000
# How soon a connection that listens is begun again, and words are told that could not be.
NEIGHBOUR_RETRY_MS = 500
# Words that wait to be told, some hundred bytes each. They are forgotten when the database is away
# for that long: whoever could have heard them reads everything when it is back.
NEIGHBOUR_WORDS_MAX = 10_000
# How long a server is waited for that is to end one of its sessions: longer than it takes to find
# out that it is gone.
CLOSE_ELSEWHERE_MS = 6_000
# So long a server goes on sending players to another one without asking the database again: a
# server that dies is missed for a little longer.
ELSEWHERE_KNOWN_MS = 2_000
# Of so many sessions of others; some hundred bytes each.
ELSEWHERE_KNOWN_MAX = 20_000

# --- transcode -----------------------------------------------------------------------------------
# A keyframe of 4K at the lowest compression that RTMP publishers use is about 4 MB.
WORKER_MESSAGE_BYTES_MAX = 12 * 1024 * 1024
# 4K in both of its shapes, as for files. A decoder of 10 bits that holds 17 such pictures, and what
# waits before each encoder, take 0.8 GiB of what a worker may have.
LIVE_PIXELS_MAX = 4_096 * 2_304
# What a worker reads ahead: enough to measure how far it is behind, 4 s of 60 frames a second.
WORKER_INBOX_PACKETS_MAX = 240
# The same in bytes: 4 s of 50 Mbit/s.
WORKER_INBOX_BYTES_MAX = 25_000_000
# Decoded pictures before each encoder; a 1080p picture is 3 MB.
WORKER_PICTURES_MAX = 6
# Later than this and not catching up, a worker gives up its top rung: a segment and a half.
TRANSCODE_LAG_MS_MAX = 3_000
# How long lag is watched before the first rung goes, and between rungs.
TRANSCODE_LAG_PATIENCE_MS = 1_000
# Source packets kept for a new worker: a group of pictures of 10 s (OBS's default is 8.3 s), and
# what comes while it starts.
REPLAY_MS_MAX = 20_000
REPLAY_BYTES_MAX = 64 * 1024 * 1024
# A worker that is given packets and finishes none for this long hangs; 1080p takes 0.1 s a picture
# on a machine that is three times too slow.
WORKER_HANG_MS_MAX = 4_000
# Until the encoders are open: Python and libav start in 0.3 s on an idle machine.
WORKER_START_MS_MAX = 8_000
# Workers that die of the same packets before those are given up.
WORKER_CRASHES_MAX = 3
# Waits between such workers double from the first to the second figure.
WORKER_BACKOFF_MS_MIN = 100
WORKER_BACKOFF_MS_MAX = 5_000
# The same, and until everything is encoded, for a source that may have HDR: the table that maps its
# colours takes 6 s of CPU, times ten on a machine that has other things to do.
WIDE_WORKER_MS_MAX = 60_000
# When the source has ended: until everything is encoded.
WORKER_FINISH_MS_MAX = 8_000
# Of a worker's standard error this much is logged in a second; libav may complain per picture.
WORKER_LOG_CHUNKS_PER_SECOND_MAX = 5
WORKER_LOG_CHUNK_BYTES_MAX = 4_000
# A picture that shows nothing new is encoded again after this, and at every boundary anyway.
REPEAT_MS_MAX = 2_000
# Packets whose pictures have not come out of the decoder yet: 16 are reordered at most.
REPEAT_PACKETS_MAX = 64
# A poster of 640 pixels a side and a sheet of 25 tiles take 30 to 100 kB as JPEG; noise takes five
# times that.
PICTURE_BYTES_MAX = 1024 * 1024
# Five tiles of 160 pixels in a row make 800; a poster has 640 at most.
PICTURE_SIDE_MAX = 1_024
SHEET_TILES_MAX = 25
# Of an uploaded file, however long: a seek bar has some hundreds of pixels; makes 8 sheets.
FILE_TILES_MAX = 200
# An encoder that opened too late or not at all is tried again with a new segment after this.
TRANSCODE_RETRY_MS = 15_000
# Media time to wait for the second of two tracks, and for a keyframe, before going on without.
TRACK_WAIT_MS_MAX = 1_000
KEYFRAME_WAIT_MS_MAX = 4_000
# Packets held while a source is observed or its encoders open: 8 s of 60 fps with sound.
OBSERVED_PACKETS_MAX = 1_000
# The same while encoders open, after what was observed: 8 s more.
EPOCH_PENDING_PACKETS_MAX = 2_000
# Packets since the last keyframe of a passed-through source, kept in case it has to be encoded.
KEYFRAME_GROUP_PACKETS_MAX = 600
# Video tracks of one publication; OBS sends up to six.
LADDER_TRACKS_MAX = 8
# RTMP's milliseconds move a picture by 1 ms, encoders that start by themselves by some more; frames
# of 60 a second are 16 ms apart.
ALIGNMENT_TOLERANCE_MS = 10
# How far the tracks of a ladder may be apart: lookahead and B-frames make a second at most.
ALIGNMENT_SKEW_MS_MAX = 4_000
# Packets of one track that wait for the others, and their bytes: 4 s of 120 fps and 50 Mbit/s.
ALIGNMENT_PACKETS_MAX = 480
ALIGNMENT_BYTES_MAX = 25_000_000
# Cuts in a row that a track may miss: one is a slip.
ALIGNMENT_MISSES_MAX = 2
# Messages about a broadcast that its creator is shown.
HEALTH_MESSAGES_MAX = 8
# The demo's publisher: a server that does not read for this long has gone.
PATTERN_NETWORK_MS_MAX = 5_000
PATTERN_RETRY_MS = 1_000
PATTERN_ORDER_BYTES_MAX = 4_096

# --- sound ---------------------------------------------------------------------------------------
# What is decoded, live and of files. 7.1:
SOUND_CHANNELS_MAX = 8
# From telephones to studios.
SAMPLE_RATE_MIN = 8_000
SAMPLE_RATE_MAX = 192_000
# One decoded block of sound: FLAC's largest has 65,535, TrueHD and AAC far fewer.
SOUND_BLOCK_SAMPLES_MAX = 65_535

# --- tracks to choose from -----------------------------------------------------------------------
# RFC 5646, 4.4.1: no tag that is in use needs more.
LANGUAGE_CHARACTERS_MAX = 35
# The name of a track in a player's menu.
LABEL_CHARACTERS_MAX = 80

# Tracks of sound of one publication: OBS sends up to six.
LIVE_SOUNDS_MAX = 8
# Encoders send silence as well. A track of which nothing comes for so long while others go on has
# been switched off.
SOUND_ABSENCE_MS_MAX = 4_000

# --- captions ------------------------------------------------------------------------------------
# The captions of a film have 100 kB, of a day of talk 2 MB.
CAPTIONS_BYTES_MAX = 2 << 20
# At 70 kB a second they are there.
CAPTIONS_BODY_SECONDS_MAX = 30
# A cue for each two seconds of sixteen hours.
CAPTION_CUES_MAX = 30_000
# Seven lines across a screen.
CAPTION_CHARACTERS_MAX = 2_000
# Two people speak, a sign is translated, a song goes on: more than this at once nobody reads. A
# segment repeats what is shown in it, so this bounds how much larger than the whole all are.
CAPTION_CUES_AT_ONCE_MAX = 24
# Languages of an asset, those of its file and removed ones included: a menu with more is a list.
CAPTIONS_PER_ASSET_MAX = 32
# Parsed captions that are kept: those of twenty films.
CAPTION_CACHE_BYTES_MAX = 16 << 20
# Longer than any asset.
CAPTION_MS_MAX = 48 * 3_600_000

# --- live sound that is encoded as AAC -----------------------------------------------------------
# Source packets in a worker at once, which are lost when it dies: 0.3 s of Opus as OBS sends it.
SOUND_INSIDE_PACKETS_MAX = 16
# Source packets that wait while a worker starts: 20 s of Opus as OBS sends it.
SOUND_QUEUE_PACKETS_MAX = 1_000
# The same in bytes: 13 s of FLAC in stereo with 24 bits.
SOUND_QUEUE_BYTES_MAX = 4 * 1024 * 1024
# A hole up to this is filled with silence; after a longer one the grid of samples begins anew.
SOUND_SILENCE_MS_MAX = 2_000
# How far what is made may lie ahead of the newest source packet: a block of FLAC lasts up to 1.4 s,
# and codecs hold some frames back.
SOUND_AHEAD_MS_MAX = 2_000
# AAC takes 6,144 bits a channel for a frame at most (ISO 14496-3, 4.5.1.1); this is two channels.
SOUND_FRAME_BYTES_MAX = 1_536
# So many frames (2 s) without an accident, and a worker that dies is replaced at once again.
SOUND_FRAMES_FORGIVING = 100
# A sound worker's address space, most of which is libav's code: it took 0.16 GiB.
SOUND_WORKER_MEMORY_BYTES_MAX = 1 << 30

# --- jail ----------------------------------------------------------------------------------------
# Between the signal that says that CPU is used up and the one that cannot be caught.
JAIL_CPU_GRACE_SECONDS = 1
# Decoders and encoders start a thread or two for each processor; a bomb of threads starts 30,000.
JAIL_THREADS_MAX = 512
# A live worker's address space. Four rungs of 1080p60 took 0.5 GiB with x264's superfast and
# 1.4 GiB with slower (40 pictures of lookahead in each rung); 0.6 GiB from a source of 2160p.
WORKER_MEMORY_BYTES_MAX = 3 << 30
# Each reserves 64 MiB of that; more than these threads of one worker never allocate at once.
WORKER_ARENAS_MAX = 8
# Its three pipes twice over; nothing can be opened.
WORKER_DESCRIPTORS_MAX = 8
# The probe of the jail is a small Python program; it tries to get all of this memory and more.
JAIL_PROBE_MEMORY_BYTES_MAX = 256 * 1024 * 1024
JAIL_PROBE_CPU_SECONDS_MAX = 5
JAIL_PROBE_DESCRIPTORS_MAX = 16
# It takes 0.1 s on an idle machine; a server that starts beside ten encoders has to wait.
JAIL_PROBE_SECONDS_MAX = 30
# The same for loading libav, which the doctor does once.
DOCTOR_CHILD_SECONDS_MAX = 30

# --- uploaded files ------------------------------------------------------------------------------
# Every format that is taken shows itself in so many bytes; 21 packets of MPEG-TS are among them.
SNIFF_BYTES = 4_096
# What a refusal quotes of a file: the name of a codec, a size.
REFUSAL_DETAIL_CHARACTERS_MAX = 60
# 4K in both of its shapes, either way round; 14 MB a picture.
FILE_PIXELS_MAX = 4_096 * 2_304
# Two screens side by side fit; what is longer than that on a side is no picture of a camera.
FILE_SIDE_PIXELS_MAX = 8_192
# What players show and phones record in normal motion.
FILE_FRAMES_PER_SECOND_MAX = 120
# Phones exceed their nominal rate a little.
FILE_FRAME_RATE_TOLERANCE_PERCENT = 5
# Video and sound tracks. A film with its languages and comments has fewer; each costs a decoder.
FILE_STREAMS_MAX = 8
# Tracks of captions that are read; films from shops have some twenty, most of them pictures.
FILE_TEXTS_MAX = 16
# All tracks that libav may list: subtitles, fonts and data of a film are among them.
FILE_LISTED_STREAMS_MAX = 128
# What libav may read before it must have found out what is in a file.
FILE_PROBE_BYTES_MAX = 5_000_000
FILE_PROBE_MS_MAX = 5_000
# Packets in which it looks for the codec of a track that does not say.
FILE_PROBE_PACKETS_MAX = 1_000
# Its index of a track that has none of its own: 40,000 keyframes, more than a day of them.
FILE_INDEX_BYTES_MAX = 1 << 20

# Boxes of an MP4 whatever its size, and one more for so many bytes: a fragment has about ten, and a
# second of media between them.
FILE_BOXES_MAX = 100_000
FILE_BYTES_PER_BOX = 500
# Boxes within each other; libav follows ten.
FILE_BOX_DEPTH_MAX = 10
# Cuts that a track is played by; an edited film that was not rendered anew has some dozens.
FILE_EDITS_MAX = 1_000
# One table of an MP4's index that is read whole: 12 bytes for each run of chunks.
FILE_TABLE_BYTES_MAX = 1 << 20
# A fragment's own index: 16 bytes for each of its samples.
FILE_FRAGMENT_INDEX_BYTES_MAX = 1 << 20

# --- transcoding of files ------------------------------------------------------------------------
# An odd stamp is a slip of the muxer if the clock goes on as before after so many packets.
FILE_STAMP_RUN_MAX = 32
# Without sound a picture may stand for so long: somebody shows slides, or a screen on which nothing
# happens. Longer is a hole.
FILE_STILL_MS_MAX = 10_000
# A second of media costs at least 125 bytes (1 kbit/s): so small a file cannot claim to be long.
FILE_TICKS_PER_BYTE = 720
# A picture that still stands is encoded again after this: seeking then finds it at once.
FILE_HOLD_MS_MAX = 2_000
# Twelve hours of 100 pictures and 50 blocks of sound a second, or four and a half with eight tracks
# of sound; 24 bytes of times each.
FILE_PACKETS_MAX = 6_500_000
# What all packets may have together, whatever the size of the file and by its size: packed blocks
# and tracks that are played by many cuts give more than they take.
FILE_UNPACKED_BYTES_MIN = 16 << 20
FILE_UNPACKED_TIMES_MAX = 4
# A worker decodes 4K in 10 bits within this: 16 references and what waits before each encoder.
FILE_WORKER_MEMORY_BYTES_MAX = 2 << 30
FILE_WORKER_DESCRIPTORS_MAX = 32
# Each reserves 64 MiB of that.
FILE_WORKER_ARENAS_MAX = 4
# A minute and a half for the smallest, then 100 s for each MB: AV1 in 4K at the lowest rates that
# are watchable takes a quarter of that on a slow machine.
FILE_WORKER_CPU_SECONDS_MIN = 90
FILE_WORKER_BYTES_PER_CPU_SECOND = 10_000
# Without a word for so long, a worker hangs. It says something each second, but the table that maps
# HDR takes 6 s to compute, times ten beside live encoders on a busy machine.
FILE_WORKER_HANG_MS_MAX = 90_000
# How often it says where it is.
FILE_POSITION_MS = 500
# Compressed packets that wait for a decoder.
FILE_QUEUE_PACKETS_MAX = 64
# A picture that is larger is encoded again: it has to fit into a message to the server.
FILE_COPIED_PICTURE_BYTES_MAX = 8 << 20
# Sound is copied if it has fewer bits a second than this; 5.1 as shops sell it has 448,000.
FILE_AUDIO_COPY_BITS_MAX = 600_000
# A worker's packets do not leave out more of their own time than a copied group of pictures has.
FILE_DISTRUST_STEP_MS_MAX = 5_000
# The description of a file in a message, as JSON.
FILE_DESCRIPTION_BYTES_MAX = 64 * 1024

# --- local network -------------------------------------------------------------------------------
# A transaction of 100 operations and 20 signatures is under 20 kB in base64.
LOCALNET_BODY_BYTES_MAX = 64 * 1024
# As the real Stellar RPC: keys in one getLedgerEntries.
LOCALNET_KEYS_MAX = 200
# Old transactions kept in memory and on disk: about 600 of 100 payments, or 25,000 of one.
LOCALNET_HISTORY_BYTES_MAX = 64 * 1024 * 1024
# Events and transactions in one answer, as the real Stellar RPC; and without a limit asked for.
LOCALNET_EVENTS_MAX, LOCALNET_EVENTS = 10_000, 100
LOCALNET_TRANSACTIONS_MAX, LOCALNET_TRANSACTIONS = 200, 50
# Ledgers that one getEvents looks at, as the real one; and transactions, whose metas it reads: a
# hundred take a tenth of a second, and the caller gets a cursor to go on from.
LOCALNET_SCAN_LEDGERS_MAX = 10_000
LOCALNET_SCAN_TRANSACTIONS_MAX = 500
# Records on a page of Horizon, as the real one; and without a limit asked for.
LOCALNET_PAGE_MAX, LOCALNET_PAGE = 200, 10
# Readers can be made to lag so many ledgers behind; the changes of as many are kept.
LOCALNET_LAG_LEDGERS_MAX = 20
# How long Horizon's POST /transactions waits for its ledger, as the real one does.
LOCALNET_INCLUSION_SECONDS_MAX = 30
# Friendbot's transactions go one a ledger; a caller waits for this many rounds at most.
LOCALNET_FRIENDBOT_ROUNDS_MAX = 20
# Stopping: requests under way may finish.
LOCALNET_STOP_SECONDS_MAX = 1

# --- logs and secrets ----------------------------------------------------------------------------
# What happens thousands of times a second is worth one line a second.
REPORT_INTERVAL_MS = 1_000
# Keys and seeds have some dozens of characters.
SECRET_FILE_BYTES_MAX = 4_096

# --- packager ------------------------------------------------------------------------------------
# 70 Mbit/s for the longest segment there can be; more than that is an attack or a broken encoder.
HLS_SEGMENT_BYTES_MAX = 32 * 1024 * 1024
# Numbers for the parts of one segment: of the shortest parts it has about 50.
HLS_SEGMENT_PARTS_MAX = 1_000
# Segment times that are remembered while live: half an hour of 2 s segments, 200 bytes each. A
# rendition that is further behind has lost its place.
HLS_INTERVALS_KEPT = 1024
# Audio that waits for video to say where the boundary is: 87 s at 48 kHz.
HLS_AUDIO_FRAMES_PENDING_MAX = 4096
# And their bytes; an AAC frame of a stereo track has at most 1536.
HLS_AUDIO_BYTES_PENDING_MAX = 8 * 1024 * 1024
# A player has no buffer left when audio is so far behind video: go on without it.
HLS_AUDIO_BEHIND_MS_MAX = 10_000
# At an end, media may fall short of the segment's nominal end, which is billed, by this.
HLS_SHORTFALL_MS_MAX = 500
# Playlist window by default: three target durations and one reload.
HLS_WINDOW_SEGMENTS = 6
# How far back viewers of a live may go at most, and how long one is shown from its beginning: a day
# of 2 s segments is 43,200, each 200 bytes of text in memory for each rendition.
HLS_DVR_MS_MAX = 24 * 3600 * 1000
# How many target durations a part is waited for that does not come (rfc8216bis, 6.2.5.2).
HLS_BLOCK_TARGETS_MAX = 3
# Live segments in memory of one rendition; older ones are read from the archive.
HLS_LIVE_BYTES_MAX = 64 * 1024 * 1024
# Segments that one media token opens: about a minute, which is what one URI is worth to a thief. A
# two hours' film has 112 groups, each with a signature that is made once for each session.
MEDIA_TOKEN_SEGMENTS = 32
# A viewer who comes first waits this long for all renditions, then gets those that are there.
HLS_PLAYABLE_WAIT_MS_MAX = 8_000
# Less than this that is missing nobody sees or hears.
FLAW_MS_MIN = 100
# Looked through for each file of a live; a machine that loses media more often than so many times
# in a segment is too slow for it, and what it charges for is what it has.
FLAWS_KEPT_MAX = 32
# Each holds an init segment per rendition in memory; a publisher whose parameters change more often
# than this is broken, and its asset ends.
HLS_EPOCHS_MAX = 256
# What the disk may be behind; then segments are left out of the archive rather than kept in memory.
ARCHIVE_QUEUE_BYTES_MAX = 256 * 1024 * 1024
ARCHIVE_QUEUE_JOBS_MAX = 4096
# One trip to the disk's thread; bounds how long a flush waits behind others.
ARCHIVE_BATCH_JOBS_MAX = 64
# At the end of an asset and of the process: how long what is queued may take to reach the disk.
ARCHIVE_FLUSH_SECONDS_MAX = 10
# A disk that needs longer for 32 MiB is as good as gone; players ask again.
ARCHIVE_READ_SECONDS_MAX = 10
# What the disk may be behind the worker that reads a file; then the worker waits. One segment of
# the largest size.
ON_DEMAND_QUEUE_BYTES_MAX = 32 * 1024 * 1024
# Sound of a file that waits for its pictures: those of a slide show, of which a hundred may be in
# the queues and encoders of a worker, stand for ten seconds each.
ON_DEMAND_AUDIO_FRAMES_PENDING_MAX = 65_536
ON_DEMAND_AUDIO_BYTES_PENDING_MAX = 32 * 1024 * 1024
# An asset that is being made is looked at again after this: half a segment.
ON_DEMAND_RECHECK_MS = 1_000
# Of one to which no media is added, another process may change the captions.
SETTLED_RECHECK_MS = 10_000
# Sheets of one asset: a live of four weeks at 250 s a sheet.
SHEETS_MAX = 10_000
# A day of four renditions has 45 MB of index.
ARCHIVE_INDEX_BYTES_MAX = 128 * 1024 * 1024
# Opened on-demand packages, weighed by their segments: about 300 bytes each.
ON_DEMAND_SEGMENTS_MAX = 500_000
# Encrypted segments that are kept for the next who asks; behind a CDN nobody asks again.
ENCRYPTED_CACHE_BYTES_MAX = 128 * 1024 * 1024
# Larger ones are encrypted in a thread: handing over costs 0.1 ms, and so do these (1 ms a MB).
ENCRYPT_AT_ONCE_BYTES_MAX = 64 * 1024
# Segments of files that share a key, 6 s: a request for keys every few seconds, and each costs the
# viewer at most so much that is not watched. Those of a live have one each, since they are billed
# when they are complete.
KEY_SEGMENTS_OF_FILES = 3
# Subsamples of one sample by Common Encryption, before the rest of it becomes one: the size of what
# is said of a sample has 8 bits, 42 subsamples. Encoders make a slice or eight of a picture.
CBCS_SUBSAMPLES_MAX = 40
# Two hours of a ladder are 20,000 files, each of which gets another name: a second of the disk's.
CLIP_SECONDS_MAX = 2 * 3600
# Clips of one creator: somebody who marks the best moments of a match makes some.
CLIPS_PER_MINUTE_MAX = 20
# Prices of one creator's content: each is kept for good, and told to all who watch.
PRICE_CHANGES_PER_MINUTE_MAX = 20
# Clips that are cut at the same time: each is a thread that makes links, some 20,000 a second.
CLIPS_CUT_AT_ONCE = 2
# Samples of a recording in one MP4: 12 hours of 100 pictures and 50 blocks of sound a second. Their
# tables have about 20 bytes for each at the worst, and twice that while they are put together.
MOVIE_SAMPLES_MAX = 6_500_000
# MP4s that are laid out at the same time: what waits has heard nothing for some seconds at most.
MOVIE_LAYOUTS_AT_ONCE = 2
# Those that wait for their turn, or go on for nobody: each has its index in memory once it begins.
MOVIE_LAYOUTS_WAITING_MAX = 16
# Segments whose headers are looked at in one trip to a thread: some milliseconds.
MOVIE_SEGMENTS_READ_AT_ONCE = 32
# MP4s that were laid out are kept for whoever seeks in one or goes on with one: an hour has 2 MB.
MOVIE_LAYOUTS_BYTES_MAX = 64 * 1024 * 1024
# Downloads at once, of one account and of one process: each keeps a thread busy with the disk, and
# a segment in memory. A browser that seeks in one has a few for a moment.
DOWNLOADS_PER_OWNER_MAX = 4
DOWNLOADS_MAX = 16
# A link to a download is good for so long, with breaks: 20 GB take half a day at 4 Mbit/s.
DOWNLOAD_LINK_SECONDS = 12 * 3600
# A page waits some seconds for a link. To look through 12 hours of parts takes 15 s.
DOWNLOAD_LINK_WAIT_SECONDS = 3
# It names an asset and a rendition.
DOWNLOAD_LINK_CHARACTERS_MAX = 512
# It is handed to the socket in pieces of this size: a reader who takes none for long has gone.
DOWNLOAD_PIECE_BYTES = 256 * 1024
# With its ending and in any alphabet a name is shorter than the 255 bytes of file systems.
DOWNLOAD_NAME_CHARACTERS_MAX = 60
# Segments read from the archive that are kept for the next viewer.
SEGMENT_CACHE_BYTES_MAX = 256 * 1024 * 1024
# Places in a session that were watched apart from each other. Each is 20 bytes of the session's
# saved state; a viewer who jumps more often than this starts a new session.
METER_INTERVALS_MAX = 1_024
# Requests of one session whose bodies are under way: two tracks with half a minute of parts.
METER_REQUESTS_MAX = 256
# A minute; the packager cuts segments of a few seconds, so anything longer is a mistake.
METER_INTERVAL_UNITS_MAX = 60 * 90_000

# --- RTMP on the wire ----------------------------------------------------------------------------
# A keyframe of 2160p at 100 Mbit/s is below 2 MB; the publisher sends nothing larger in one piece.
RTMP_MEDIA_BYTES_MAX = 4 * 1024 * 1024
# Commands, metadata and control: a dozen short fields.
RTMP_COMMAND_BYTES_MAX = 64 * 1024
# Publishers use two to five; nginx-rtmp allows 32.
RTMP_CHUNK_STREAMS_MAX = 16
# Messages in an aggregate one; servers that send them gather a second or less of media.
RTMP_AGGREGATE_MESSAGES_MAX = 1_024
# Messages of one read of the socket that are no media: commands and metadata; ten come at once at
# most. A read of 256 KiB holds 18,000 of the smallest, which would keep the server busy for 0.2 s.
RTMP_CALLS_PER_READ_MAX = 256
# Media that comes after a publication's end: what was under way, two seconds of six tracks.
RTMP_UNWANTED_MAX = 2_000
# Streams of one connection that were refused because it publishes one already: OBS asks for one for
# each of its outputs, of which it has six.
RTMP_SURPLUS_STREAMS_MAX = 16
# Names that clients give themselves (`flashVer`); they have 10 to 60 characters.
RTMP_CLIENT_NAME_CHARACTERS_MAX = 80
# Messages and chunks begun and not complete, over all chunk streams of a connection.
RTMP_PARTIAL_BYTES_MAX = 8 * 1024 * 1024
# Codec configurations: a dozen parameter sets of a hundred bytes each.
RTMP_CONFIGURATION_BYTES_MAX = 64 * 1024
# Enhanced RTMP knows one kind of ModEx; so many of them would still leave room for new kinds.
RTMP_MODIFIERS_MAX = 8
# Tracks in one message; encoders send one, and a ladder has six.
RTMP_MESSAGE_TRACKS_MAX = 32
# Audio frames in one message: encoders send one, and six of E-AC-3 make up one of AC-3.
RTMP_MESSAGE_FRAMES_MAX = 32
# NAL units of one access unit: the largest one in slices that each fit a network packet.
ACCESS_UNIT_NALS_MAX = 4_096
# OBUs of one AV1 temporal unit: no level allows more than 128 tiles a picture (annex A.3).
AV1_UNITS_MAX = 1_024
# Video tracks of one publication that are carried: the ladders that OBS is told to send have six.
RTMP_VIDEO_TRACKS_MAX = 8
# Tracks of sound of one publication that are carried: OBS sends up to six.
RTMP_AUDIO_TRACKS_MAX = 8
# The specification's default; smaller ones cost more CPU than they carry (5.4.1 advises 128 too).
RTMP_CHUNK_BYTES_MIN = 128
# Ours: as few chunk headers as librtmp accepts.
RTMP_CHUNK_BYTES_SENT = 65_536
# We acknowledge, and ask to be acknowledged, this often.
RTMP_WINDOW_BYTES = 2_500_000
# Nested deeper than any metadata that exists.
AMF_DEPTH_MAX = 16
# Fields of one object; encoders send twenty.
AMF_KEYS_MAX = 256
# Values of one message: an index of keyframes in metadata holds some thousands.
AMF_VALUES_MAX = 4_096
# Characters of one message's texts, each as often as something refers to it.
AMF_TEXT_BYTES_MAX = 256 * 1024

# --- settlement ----------------------------------------------------------------------------------
# MAX_OPS_PER_TX of Stellar: each payment is one operation.
SETTLEMENT_PAYMENTS_MAX = 100
# A surge above this waits: 0.05 XLM for a full batch, and nothing is lost by paying later.
SETTLEMENT_FEE_RATE_MAX = 5_000
# A signed payout may apply this long (in ledger time); ledgers close every 5 to 7 s, and a node's
# close time may run 60 s ahead. Only after it can a lost payout be planned anew.
SETTLEMENT_ENVELOPE_SECONDS = 120
# How often the fate of a payout under way is asked for: about the pace of the local network.
SETTLEMENT_POLL_MS = 1_000
# The same envelope is sent again after about one ledger without news of it.
SETTLEMENT_RESEND_MS = 5_000
# Steps of one payout in one pass: sign, send, look, confirm, bid more and send, look again.
SETTLEMENT_STEPS_MAX = 12
# Ledgers that could have taken a payout and did not, before more is bid for it.
SETTLEMENT_BUMP_LEDGERS = 2
# A node replaces what waits there by what bids this many times as much (stellar-core,
# FEE_MULTIPLIER), up to SETTLEMENT_FEE_RATE_MAX: from the lowest bid that is once.
SETTLEMENT_BUMP_FACTOR = 10
SETTLEMENT_BUMPS_MAX = 2
# Payments under way at once: a fifth of a ledger's 1,000 operations on the main network, since
# others want to pay, too (Stellar docs, "Networks").
SETTLEMENT_UNDER_WAY_MAX = 200
# An asset that its payee does not trust is left to be claimed, which binds a lumen of ours for
# each. Less than one of it waits until there is more.
CLAIMABLE_STROOPS_MIN = 10**7
# After a failure that was nobody's own account's fault, or what the signer refused, nothing is
# planned for a minute: the next one would be charged for the same.
SETTLEMENT_PAUSE_MS = 60_000
# Payments and fees of the last day count towards its caps.
SETTLEMENT_DAY_MS = 24 * 3_600 * 1_000
# Withdrawals wait for no longer than this, however rarely creators are paid.
SETTLEMENT_LOOK_MS = 15_000
# What is due that one look considers: what is in no transaction then is due again in the next.
SETTLEMENT_DUES_MAX = 1_000
# A channel account pays fees out of 5 lumens, and gets new ones when it has less than 2: its
# reserve is one, and the highest fee of a full transaction a twentieth.
CHANNEL_LOW_STROOPS = 2 * 10**7
CHANNEL_FULL_STROOPS = 5 * 10**7
# A payee whose own account refused a payment is tried again after an hour, not with each batch.
SETTLEMENT_REST_MS = 3_600_000
# A balance that its payee has not claimed for 90 days is taken back, so that a lost key loses
# nothing.
CLAIMABLE_RECLAIM_SECONDS = 90 * 86_400
# A trust line is looked for as long as its transaction may be applied, and a ledger or two more.
TRUST_LINE_SECONDS_MAX = SETTLEMENT_ENVELOPE_SECONDS + 60
# Payment channels whose payers took back what they had signed for, that are listed at once. One is
# lost when nobody looked for a day: with more than that the first ones say what is wrong.
CHANNEL_LOSSES_MAX = 200
# For so long what was given up of them is listed as well, and so much is kept of why.
CHANNEL_LOSSES_DAYS = 90
CHANNEL_LOSS_REASON_CHARACTERS_MAX = 500
# Of money that came back again and again so many payouts are told: two years of them.
PAYOUT_RETURNS_MAX = 8
# What was left to be claimed is looked at from an hour after it could be applied last: by then each
# node has it, so that one that does not have it any more tells of a claim. An hour after the 90
# days our clock and the ledger's agree that they are over. And what could not be taken back is
# tried again after as long.
CLAIMS_REST_SECONDS = 3_600
# So many at once, as many as one transaction takes back, and so often: Horizon answers 3,600
# requests an hour, and each is one.
CLAIMS_LOOK_MS = 600_000
# Stellar RPC answers reads within a second; a slower one is as good as down.
STELLAR_READ_SECONDS_MAX = 10
# An answer is a few ledger entries or one transaction with its meta (100 payments: 100 kB).
STELLAR_RESPONSE_BYTES_MAX = 2 * 1024 * 1024
# After so many requests a node's network is looked at again: several minutes of a quiet server. It
# is too after each failure, since a test network that was reset was away before.
NETWORK_CHECK_REQUESTS = 100
# Nodes behind one address differ by a ledger or two; one that is a minute behind what we saw is of
# no use, if it is not of a chain that began anew.
NETWORK_LAG_LEDGERS = 12
# How far the servers behind one Horizon address may be apart: one tells of a ledger that another,
# which is asked for a transaction or for payments next, has not read yet. A minute of ledgers.
HORIZON_LAG_SECONDS = 60
HORIZON_LAG_LEDGERS = 12
# Payments asked for at once: Horizon gives no more.
FEED_PAYMENTS_MAX = 200
# What the chain shows and our books do not yet is late after so long, in ledger time: deposits are
# looked for each second, and an envelope under way is looked for about as often.
RECONCILE_LATE_SECONDS = 60
# And after so long nobody is expected to come to it any more.
RECONCILE_MISSING_SECONDS = 900
# How often chain and books are compared.
RECONCILE_SECONDS = 15
# Until the first comparison came to its end payouts wait, so that is not waited for as long.
RECONCILE_FIRST_SECONDS = 2
# A node that forgot what was not read yet is asked again, and the operator told again, each minute.
RECONCILE_HALT_SECONDS = 60
# Pages of an address's feed that are read in one pass: 20,000 payments, more than a minute brings.
RECONCILE_PAGES_MAX = 100
# And when a day is read once more: 400,000 payments, of some 500 bytes in memory.
RECONCILE_DAY_PAGES_MAX = 2_000
# Ledgers whose payments are compared at once: an hour and more.
RECONCILE_LEDGERS_AT_ONCE = 1_000
# Differences of one kind that are listed, of which the first few say what is wrong.
RECONCILE_LISTED_MAX = 1_000
# Balances that wait until everything up to their ledger is known: Horizon's feed is a minute late.
RECONCILE_SNAPSHOTS_MAX = 16
# Transactions of ours that the books do not know, as after an older copy was restored: so many are
# asked for in a pass, a request each, so that the next pass is not waited for longer than a minute.
RECONCILE_RECALLED_MAX = 50
# And what they paid is looked for among so many settlements, the newest: 0.3 ms of hashing each.
RECONCILE_STATEMENTS_MAX = 500
# Transactions of the whole network that are read at once, for a node that tells no payments. Those
# of contracts have metas of some 20 kB.
FEED_TRANSACTIONS_MAX = 50
# Ledger entries that Stellar RPC looks up in one request.
STELLAR_KEYS_MAX = 200
# A page waits for the balance on the chain; without an answer it shows none.
STELLAR_BALANCE_SECONDS_MAX = 1.5
# The local network's friendbot waits for a ledger, behind others who asked.
FRIENDBOT_SECONDS_MAX = 30
# Payouts that the earnings page lists, the newest first.
EARNINGS_PAYOUTS_MAX = 50
# Play money: below 1,000 XLM the treasury asks friendbot for 10,000 more.
TREASURY_LOW_STROOPS = 1_000 * 10**7
# Ten minutes of one source in three rungs are about 700 MB. Below this nothing is recorded any
# more and `/ready` says so, since the database needs what is left.
DISK_FREE_BYTES_MIN = 1 << 30
# About 3 KiB each; more viewers than this at once need a second process.
INTAKE_SESSIONS_MAX = 20_000
# Requests that wait for a commit or for their pace; each is a connection that a player holds open.
INTAKE_WAITING_MAX = 20_000
# With half as many waiting nobody new is let in: those who are in come first.
INTAKE_CROWDED_REQUESTS = 10_000
# Nor when the event loop is so late, time after time: media would come as late.
INTAKE_LAG_MS_MAX = 500
LOOP_LAG_PROBE_MS = 250
LOOP_LAG_PROBES = 4
# Sessions that wait to be made: some seconds' worth. Whoever comes later asks again then.
INTAKE_OPENINGS_MAX = 10_000
# So many of them, and of payments into wallets, are done between two commits, about 20 ms each:
# running sessions wait for those.
INTAKE_OPENINGS_PER_ROUND = 200
INTAKE_CREDITS_PER_ROUND = 10
# When several wait, commits begin at least so far apart: each takes 0.2 ms of CPU besides what it
# says of sessions, so that so many a second take a hundredth of a processor. 50 ms apart they would
# take less, and players who wait as long for each segment more than that: they ask in bursts then.
# Who is alone never waits. A segment of seconds may come so much later; parts, which may not, are
# sent before they are saved.
INTAKE_GATHER_MS = 20
# One statement for so many sessions takes some 100 ms on a small machine: as long as a player may
# wait, and long after the cost of the commit itself is spread thin.
INTAKE_BATCH_SESSIONS_MAX = 1_000
# Ticks show within about a second, also when a player fetches nothing meanwhile.
INTAKE_SWEEP_MS = 1_000
# With more sessions each is advanced less often between its own requests, so that ticks that show
# sooner do not cost more than those that count.
INTAKE_SWEEP_SESSIONS_PER_S = 200
# But at least this often: then a player that plays was advanced by its own requests.
INTAKE_SWEEP_QUIET_MS_MAX = 5_000
# Sweeping advances at most so many sessions at a time (10 ms); the next ones follow.
INTAKE_SWEEP_SESSIONS_MAX = 1_000
# hls.js gives up on a response after 10 s without a byte, and never repeats a 4xx.
INTAKE_PACE_MS_MAX = 8_000
# A viewer who fetches nothing for so long has left without saying so, or paused for a long while.
SESSION_IDLE_MS_MAX = 600_000
# Unless the player looks for what is new, as it does every few seconds while a live is interrupted
# (browsers let pages in the background do so once a minute): then for the longest time that a
# publisher may be away, and some more. A paused player looks too, so it has an end.
SESSION_LOOKING_MS_MAX = 120_000
SESSION_WAITING_MS_MAX = 2_400_000
# Between two requests of a player that plays there are at most 20 s of buffer.
SESSION_WATCHING_MS_MAX = 30_000
# A commit takes milliseconds; one that takes seconds fails, and the requests that wait with it.
INTAKE_COMMIT_MS_MAX = 4_000
# Parts of a live are sent before their hold is saved, which is about once a second. While the store
# needs longer than this for what it was asked, they wait like everything else: so long is what
# viewers may get for nothing when the process dies.
INTAKE_BEHIND_MS_MAX = 1_000
# From then on time goes on beside the store: paced requests are looked at so often.
INTAKE_LATE_MS = 250
# At the end of the process, for the last commits.
INTAKE_STOP_MS_MAX = 10_000

# --- RTMP server ---------------------------------------------------------------------------------
# A slow mobile link finishes the handshake in two seconds.
RTMP_HANDSHAKE_MS_MAX = 5_000
# From the handshake to `publish`, and after a publication until the next one.
RTMP_IDLE_MS_MAX = 10_000
# One look into the database; a publisher is told to try again rather than kept waiting.
RTMP_ADMISSION_MS_MAX = 5_000
# Encoders send audio about fifty times a second; ten seconds of nothing is a dead link.
RTMP_SILENCE_MS_MAX = 10_000
# A refused publisher reads why and closes; then we do.
RTMP_REFUSED_MS_MAX = 2_000
# Refusals come so long after the wish, or twice, three times so long: what was looked up meanwhile,
# and whether anything was, cannot be told from the time that it took.
RTMP_REFUSAL_MS = 500
# Media of a publisher that does not wait to be let in: 2 s of 4 Mbit/s.
RTMP_HELD_BYTES_MAX = 1024 * 1024
# Answers that a peer leaves unread, before it is not read either; a session has some hundred bytes.
RTMP_UNREAD_BYTES_MAX = 64 * 1024
# Over what time a publisher's bitrate is measured: longer than the largest keyframe interval that
# is usual, as keyframes are.
RTMP_BITRATE_WINDOW_MS = 10_000
# How often the certificate's files are looked at; they are renewed days before they expire.
RTMP_CERTIFICATE_CHECK_MS = 5_000
# How often deadlines are looked at.
RTMP_SWEEP_MS = 250
# Less than this of a publisher's waits for more, or for two sweeps: one frame of most videos is
# longer, and a few of sound are.
RTMP_READ_BYTES_MIN = 2_048
# Messages of a publisher between two such looks, where they have fewer bytes on average than this.
# Six tracks and their sound are 150; whoever pushes a file as fast as it goes sends larger ones.
RTMP_TINY_MESSAGES_MAX = 10_000
RTMP_TINY_MESSAGE_BYTES = 64
# Connections that wait to be accepted. From a herd that comes at once we can choose; the kernel
# would make an encoder that comes with it wait for seconds.
RTMP_BACKLOG = 1_024
# A thousand publishers saturate any machine; each costs a socket and up to 12 MiB when hostile.
RTMP_CONNECTIONS_MAX = 1_000
# A studio or a load test behind one address.
RTMP_CONNECTIONS_PER_ADDRESS_MAX = 256
# Connections that do not publish. Encoders are through that in a fraction of a second, and all of a
# large server come back within a few after its restart; over this, the oldest one is cut.
RTMP_IDLE_MAX = 256
# Nobody mistypes a key more often; the keys themselves cannot be guessed (160 bits).
RTMP_WRONG_KEYS_MAX = 20
RTMP_WRONG_KEYS_MS = 60_000
# Networks whose mistakes are remembered, the latest ones.
RTMP_WRONG_KEY_ADDRESSES_MAX = 1_000
# The same for all networks together. Each costs the database a look into an index, 0.3 ms.
RTMP_WRONG_KEYS_IN_ALL_MAX = 1_000
# Networks from which somebody was let in within a day: they are looked at during a flood as well.
RTMP_GOOD_NETWORKS_MAX = 10_000
RTMP_GOOD_NETWORKS_MS = 86_400_000
# During a flood, hashes of so many keys are held (2 MB), and read again when older than this.
RTMP_KNOWN_KEYS_MAX = 20_000
RTMP_KNOWN_KEYS_MS = 5_000
# Stream name, app and `tcUrl`, each; FFmpeg sends no `tcUrl` that is longer.
PUBLISH_ADDRESS_CHARACTERS_MAX = 1_024
# Fields of a query that are looked at; publishers send one to four.
PUBLISH_QUERY_FIELDS_MAX = 16
# Stream keys of a source that are good: a main one and some for guests, tools and other machines.
SOURCE_KEYS_MAX = 32
# Networks that a stream key may be bound to.
STREAM_KEY_ADDRESSES_MAX = 16
# How long a key that was replaced may go on; an encoder that is set anew later than that has none.
STREAM_KEY_GRACE_SECONDS_MAX = 30 * 86_400
# The least that a publisher can do something with, and what nobody sends.
STREAM_KEY_BITRATE_MIN = 100_000
STREAM_KEY_BITRATE_MAX = 1_000_000_000
# A key's last use is written down at most this often.
STREAM_KEY_USED_MS = 60_000
# A publish token is made when somebody is about to publish.
PUBLISH_TOKEN_SECONDS_MAX = 900
# How far the clocks of an issuer and of this machine may differ.
PUBLISH_TOKEN_LEEWAY_SECONDS = 60
# An issuer signs with one key, and has another while it goes over to that.
KEY_SET_KEYS_MAX = 32
# A hundred bytes a key, and certificates that are not looked at.
KEY_SET_BYTES_MAX = 64 * 1024
# Keys are fetched again when they are older; a withdrawn one is good for so long.
KEY_SET_FRESH_MS = 300_000
# Whatever comes in, the issuer is asked this often at most.
KEY_SET_RETRY_MS = 10_000
# An issuer that is away for a day has withdrawn its keys.
KEY_SET_KEPT_MS = 86_400_000
# Less than a publisher may wait for its admission.
KEY_SET_FETCH_SECONDS_MAX = 3
# Questions to the publish webhook that are under way; more wait for their turn, and those are so
# many at most: a restart of the server brings all publishers back at once.
WEBHOOK_REQUESTS_MAX = 16
WEBHOOK_QUESTIONS_MAX = 512
# An answer is a handful of short fields.
WEBHOOK_ANSWER_BYTES_MAX = 16 * 1024
# What an encoder shows of a refusal.
WEBHOOK_REASON_CHARACTERS_MAX = 200
# How long somebody who was let in is not asked about again, unless the answer says: as long as a
# stream waits for its publisher. A day at most.
WEBHOOK_TTL_SECONDS = 60
WEBHOOK_TTL_SECONDS_MAX = 86_400
# Those who were let in, the latest ones; 300 bytes each.
WEBHOOK_DECISIONS_MAX = 10_000
# Event streams of sources that one process pushes at once; each costs one query a second.
SOURCE_STREAMS_MAX = 200
# What signs our questions, as long as the digest that it makes; and how many of its bytes differ at
# least: even of 32 random hexadecimal digits fewer are different once in 28 million times.
SIGNING_SECRET_BYTES_MIN = 32
SIGNING_SECRET_DISTINCT_MIN = 8
# How long a source's stream waits for its publisher, until its owner says otherwise; Mux offers
# half an hour at most.
SOURCE_RECONNECT_SECONDS = RECONNECT_WINDOW_MS // 1000
SOURCE_RECONNECT_SECONDS_MAX = 1_800
# How far back viewers of a live may seek, unless it is to the beginning: a day of segments is a
# playlist of 2 MB.
DVR_SECONDS_MAX = 86_400
# Stopping: how long sockets may take to close.
RTMP_STOP_MS_MAX = 2_000
# Times of one publisher never jump so far while its connection lives; nearer is no wrap.
RTMP_TIMESTAMP_STEP_MS_MAX = 30_000

# --- preflight of publishers ---------------------------------------------------------------------
# What a publisher is told comes within five seconds, of which the page's event stream takes one.
PREFLIGHT_MS = 3_900
# With less media by then, the report takes another second: x264 looks ahead for one or two.
PREFLIGHT_MEDIA_MS = 3_000
# It is judged anew each second at first, since keyframes may still show to be too rare, and then
# this often.
PREFLIGHT_YOUNG_MS = 20_000
PREFLIGHT_JUDGE_MS = 5_000
# What comes and goes with the network is told when it has lasted, and taken back likewise.
PREFLIGHT_LASTING_MS = 5_000
PREFLIGHT_GONE_MS = 12_000
# Figures of now are those of so many seconds: five times the usual keyframe interval.
PREFLIGHT_MARKS_MAX = 11
# Distances of frames that are kept to find the typical one: 60 a second until the report.
PREFLIGHT_STEPS_MAX = 256
# Distances of keyframes: half a minute of the usual ones, so that one scene cut does not count.
PREFLIGHT_KEYFRAMES_MAX = 16
# Clock drift takes two minutes of judgements: a millisecond in each of them is 12 ms a minute.
PREFLIGHT_DRIFT_SAMPLES_MAX = 24
# Steps of time that are told, those of the last minute.
PREFLIGHT_JUMPS_MAX = 16
PREFLIGHT_JUMP_KEPT_MS = 60_000
# Times that step further than their arrival says have jumped; jitter and lost frames stay below.
PREFLIGHT_JUMP_MS = 1_000
# As many tracks as OBS sends of each kind, and some.
PREFLIGHT_TRACKS_MAX = 32
# Names of things that were skipped; a publisher sends one or two of them.
PREFLIGHT_SKIPPED_MAX = 8
# Names come from the wire: the longest of an encoder is about 60 characters.
PREFLIGHT_NAME_CHARACTERS_MAX = 80

# --- uploads -------------------------------------------------------------------------------------
# A name and a price; HTTP heads of 8 KiB have to hold it beside the rest.
UPLOAD_METADATA_BYTES_MAX = 4_096
# As titles of sources.
UPLOAD_TITLE_CHARACTERS_MAX = 120
# What file systems allow for a name.
UPLOAD_FILENAME_CHARACTERS_MAX = 255
# One trip to the disk's threads; at most twice this of a body waits in memory.
UPLOAD_PIECE_BYTES = 256 * 1024
# So often a long request's bytes are forced to the disk: what power loss may cost, and short enough
# that the disk's backlog never stalls the database beside it.
UPLOAD_SYNC_BYTES = 64 * 1024 * 1024
# A body has to bring so much in so long, 1 KiB/s: a slow link does, a slowloris does not.
UPLOAD_PACE_MS = 30_000
UPLOAD_PACE_BYTES_MIN = 30 * 1024
# How long a new request waits for the one it has cut; only a disk that hangs needs longer.
UPLOAD_TAKEOVER_SECONDS_MAX = 5
# Of one owner; a folder of films goes up a few at a time.
UPLOADS_UNFINISHED_MAX = 100
# Bodies of one process that come in at once; each has up to 0.8 MiB in memory.
UPLOADS_RECEIVING_MAX = 64
# How often expired uploads are looked for, and those tried again that could not be handed on.
UPLOAD_SWEEP_SECONDS = 60
# Disks gain nothing from more at once, and segments are read by other threads.
UPLOAD_THREADS = 4
# A form has a file, a title and a price.
UPLOAD_FORM_FIELDS_MAX = 8
UPLOAD_FORM_FIELD_BYTES_MAX = 4_096
# A part's head names a field and a file, whose 255 characters are 3 KiB where they are escaped.
UPLOAD_FORM_HEADER_BYTES_MAX = 4_096
UPLOAD_FORM_HEADERS_MAX = 8

# --- funding --------------------------------------------------------------------------------------
# Numbers that are drawn for an account until one is free: of 2^63, the second is not needed.
DEPOSIT_NUMBER_DRAWS_MAX = 4
# Payments that are read and booked in one transaction: it takes some milliseconds.
DEPOSIT_PAGE_PAYMENTS_MAX = 200
# Pages that are read before others have a turn: 20,000 payments, more than a node makes in a
# minute.
DEPOSIT_PAGES_MAX = 100
# How often the chain is asked for payments: ledgers close every 5 s, on the local network each
# second.
DEPOSIT_POLL_MS = 1_000
# A node that forgot what was not read yet is asked again, and the operator told again, each minute.
DEPOSIT_HALT_MS = 60_000
# Deposits and withdrawals that a page lists, the newest first.
DEPOSITS_LISTED_MAX = 50
WITHDRAWALS_LISTED_MAX = 50
# Payments in suspense that one answer tells.
SUSPENSE_PAGE_MAX = 100
# Withdrawals of one account in a minute: each costs a fee, which is the operator's.
WITHDRAWALS_PER_MINUTE_MAX = 10
# A request that needs our addresses waits so long for the wallet: the SDK takes a second to import.
WALLET_WAIT_SECONDS_MAX = 4
# Before a withdrawal is taken the chain is asked whether its destination can be paid; a chain that
# is slower than this is not waited for.
WITHDRAWAL_LOOK_SECONDS_MAX = 3

# --- the signer ----------------------------------------------------------------------------------
# Transactions that can be under way at once. With 100 payments each and a ledger in six seconds
# four of them pay millions a day.
CHANNEL_ACCOUNTS = 4
# Over so long the daily cap counts, so that midnight does not give two of them.
SIGNER_DAY_MS = 24 * 3_600 * 1_000
# An envelope that could be applied much later could be hoarded, and several days' caps be spent at
# once. A ledger's close time may run a minute ahead, and clocks are some minutes off.
SIGNER_AHEAD_SECONDS_MAX = SETTLEMENT_ENVELOPE_SECONDS + 600
# One every nine seconds for a day, each of up to 100 payments. Bounds the file and the memory.
SIGNER_SETTLEMENTS_PER_DAY_MAX = 10_000
# What was signed is remembered so long, far beyond the time in which it can be applied.
SIGNER_MEMORY_MS = 3 * SIGNER_DAY_MS
# The file is written anew when it has so many lines that are not needed any more.
SIGNER_LINES_FORGOTTEN_MAX = 1_000
# A line has some 500 bytes; one that is longer was not written by us.
SIGNER_LINE_BYTES_MAX = 4_096
# An order has some 300 bytes, an answer at most the envelope of 100 claimable balances (30 kB).
SIGNER_QUESTION_BYTES_MAX = 4_096
SIGNER_ANSWER_BYTES_MAX = 128 * 1_024
# Reading the plan, a line on the disk and some milliseconds of signing; it may have to be started.
SIGNER_ANSWER_SECONDS_MAX = 15
# Orders come one after the other from each settlement under way; others do not get this far.
SIGNER_CALLERS_MAX = 16
# A process that ended is started again after this, so that a broken one does not spin.
SIGNER_RESTART_SECONDS = 1
# When it is away it is asked again after this, on top of what it took to find that out.
SIGNER_RETRY_SECONDS = 5
# Files beside the way to its folder: some hundred are usual, each with a rule of microseconds.
LOCKOUT_RULES_MAX = 50_000
# Two statements at a time are plenty: orders are carried out one after the other.
SIGNER_CONNECTIONS = 2

# --- payment channels ----------------------------------------------------------------------------
# A voucher costs a signature's check and a transaction of the database: a hundredth of a second of
# the cheapest video is not worth one.
VOUCHER_DELTA_STROOPS_MIN = 100
# A day of ledgers: so long we have to see that a payer takes the money back, and to collect first.
VOUCHER_WAITING_LEDGERS_MIN = 17_280
# A month: whoever locks money up for longer has mistyped.
VOUCHER_WAITING_LEDGERS_MAX = 535_680
# Of one account: players send one in five seconds, and a few may share a payment channel.
VOUCHERS_PER_SECOND_MAX = 10
# Accounts whose vouchers are counted: more at once than one server has viewers.
VOUCHER_BUDGETS_MAX = 20_000
# Vouchers that are written together, and those that may wait for it; a client sends again.
VOUCHERS_TOGETHER_MAX = 256
VOUCHERS_WAITING_MAX = 4_096
# A contract that was not looked at for longer may be closing: far less than the waiting period.
VOUCHER_SEEN_SECONDS_MAX = 3_600
# How often all contracts are looked at: some of a day's ledgers are enough, but pages show it.
VOUCHER_LOOK_MS = 15_000
# Two ledger entries each, of the 200 that a node gives at once.
VOUCHER_LOOK_CONTRACTS_MAX = 100
# Of one account, those that are not closed: one for each browser, and some.
PAYMENT_CHANNELS_OPEN_MAX = 8
# Each is looked at on the chain, or made there with play money.
PAYMENT_CHANNELS_PER_MINUTE_MAX = 10
# With less than this in hand a player is asked for a voucher; it sends for so much more.
VOUCHER_NEED_SECONDS = 5
VOUCHER_AHEAD_SECONDS = 10
# After a collection that failed, its contract is left alone for a while: each costs a fee.
COLLECTION_REST_MS = 300_000
# What a collection may cost in all: some 20,000 stroops are usual, and a surge is ten times that.
COLLECTION_FEE_STROOPS_MAX = 2_000_000
# Ledgers for which a signed authorization is good: longer than its envelope, at six seconds each.
COLLECTION_AUTHORIZED_LEDGERS = 60

# --- receipts ------------------------------------------------------------------------------------
# Runs of seconds that one receipt tells apart, each with a line of 150 bytes and a link of 70:
# those of more than an hour of a live as they were charged, of longer sessions some at a time.
RECEIPT_RUNS_MAX = 2_000
# How soon after its end a session has its receipt when nobody asks for it.
RECEIPT_SWEEP_MS = 2_000
# Viewers whose sessions are looked at in one sweep, and sessions of one viewer in one transaction:
# some 5 ms for a viewer, so a sweep takes a tenth of the time between two.
RECEIPT_VIEWERS_AT_ONCE = 40
RECEIPTS_AT_ONCE = 50
# A document, a list, an item, its tariff, that one's rungs, one of them.
RECEIPT_DEPTH_MAX = 6
# One with all its runs and as many separate places as a session may have is below one MiB.
RECEIPT_BYTES_MAX = 2 * 1024 * 1024

# --- splits --------------------------------------------------------------------------------------
# Who shares what one source or video earns; each is a transfer more whenever it is shared out.
SPLIT_PAYEES_MAX = 20
# A platform that takes more than half would be the creator.
PLATFORM_FEE_BASIS_POINTS_MAX = 5_000
# How often what was earned under splits is shared out; before each payout as well. Each time costs
# a transfer for each payee.
SPLIT_SECONDS = 60
# Splits with something to share out that are looked at in one pass, each in its own transaction.
SPLITS_AT_ONCE = 200
# Rounds that are kept, of up to 10 kB; making one takes some 30 ms.
SPLITS_REMEMBERED_MAX = 256

# --- signing in ----------------------------------------------------------------------------------
# Access tokens cannot be taken back by themselves: RFC 9700 wants them short. A page renews its own
# some times an hour.
ACCESS_TOKEN_SECONDS = 600
# Ours carry some 400 bytes; longer ones are not looked at.
ACCESS_TOKEN_CHARACTERS_MAX = 2_048
# Of clocks of two servers that share a database, and of one that is set right: nobody is signed out
# by a minute.
ACCESS_TOKEN_LEEWAY_SECONDS = 60
# Whoever does not come by in a month signs in again, and everybody does twice a year.
SIGN_IN_IDLE_SECONDS = 30 * 86_400
SIGN_IN_SECONDS_MAX = 180 * 86_400
# Browsers and programs of one person; the one that was used longest ago makes room.
SIGN_INS_OF_ACCOUNT_MAX = 20
# What a browser says about itself, as far as a list of sessions shows it.
SIGN_IN_DEVICE_CHARACTERS_MAX = 160
# Rows of what is long over that one new sign-in clears away.
SIGN_INS_SWEPT_AT_ONCE = 100
# For how long a token that was looked up is believed: what was revoked elsewhere stops by then.
BEARER_RECHECK_MS = 2_000
# Connections that stay open, such as event streams, are asked about as often.
BEARER_SWEEP_SECONDS = 2.0
# SEP-10 recommends 15 minutes; a wallet signs in seconds, and a person decides in two minutes.
CHALLENGE_SECONDS = 300
# One with 20 signatures, the most that a transaction has, is 3 kB in base 64.
CHALLENGE_CHARACTERS_MAX = 8_192
# Of one network (an IPv4 address, a /64): a household, or an office behind one address.
CHALLENGES_PER_MINUTE_MAX = 120
CHALLENGE_ANSWERS_PER_MINUTE_MAX = 60
# How long the chain may take to say who signs for an account.
CHALLENGE_CHAIN_SECONDS_MAX = 5
# Checking a challenge holds Python's lock: two threads would keep the loop waiting twice as long.
CHALLENGE_THREADS = 1
# Some 3 ms each: who is behind this many waits a second.
CHALLENGES_WAITING_MAX = 300
# OWASP's first choice for Argon2id (19 MiB, two passes): 40 ms of a processor each.
PASSWORD_MEMORY_KIB = 19 * 1024
PASSWORD_PASSES = 2
PASSWORD_THREADS = 2
# Two seconds' worth.
PASSWORDS_WAITING_MAX = 100
# NIST SP 800-63B: at least 8, and room for a sentence.
PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 256
# RFC 5321, section 4.5.3.1.3, without its brackets.
EMAIL_CHARACTERS_MAX = 254
# Tries of one network, and at one account from wherever: the thousand commonest take hours.
LOGINS_PER_MINUTE_MAX = 20
LOGINS_OF_EMAIL_PER_MINUTE_MAX = 10
REGISTRATIONS_PER_MINUTE_MAX = 10
REFRESHES_PER_MINUTE_MAX = 240
# Wallets of one person; each is one more way in.
WALLETS_OF_ACCOUNT_MAX = 10
API_KEYS_OF_ACCOUNT_MAX = 20
API_KEY_SECONDS_MAX = 366 * 86_400
# "Last used" is not worth a write for each request.
API_KEY_USED_SECONDS = 60
# What SEP-1 allows a stellar.toml, and a server that is slow to send it is not waited for.
CLIENT_DOMAIN_BYTES_MAX = 100 * 1024
CLIENT_DOMAIN_SECONDS_MAX = 5
# Foreign servers asked at once.
CLIENT_DOMAINS_AT_ONCE = 4

# --- subscriptions -------------------------------------------------------------------------------
# A month that cannot be paid is left open so long: a deposit takes seconds, a bank a few days.
SUBSCRIPTION_GRACE_DAYS = 7
# After so many of these days its owner is told again.
SUBSCRIPTION_REMINDER_DAYS = (0, 1, 4)
# How often what is due is looked at: who is short of a fee waits so long after a deposit.
SUBSCRIPTION_LOOK_SECONDS = 15
# Subscriptions that are looked at in one pass, each in its own transaction of a few ms.
SUBSCRIPTION_LOOKS_MAX = 200
# Notices that an account is shown, the newest first.
SUBSCRIPTION_NOTICES_MAX = 20
# What one session may have free of what is left of the month: whoever opens several at once has so
# much less for each, and a session is rarely longer.
SUBSCRIPTION_SESSION_SECONDS_MAX = 6 * 3600
# A month has 744 hours; a plan's included hours are as many at most.
SUBSCRIPTION_HOURS_MAX = 744
SUBSCRIPTION_TRIAL_DAYS_MAX = 90
# Pools of a month's fees that are divided in one pass.
POOLS_AT_ONCE = 20

# --- passes --------------------------------------------------------------------------------------
# A year, as for prices: what is longer is no pass any more.
PASS_HOURS_MAX = 8_784
# Passes that one content is offered with: a viewer chooses among a day, a week and a month.
PASS_OFFERS_MAX = 4
# Passes of an account that it is shown, those that are good for longest first.
PASSES_LISTED_MAX = 50
# A payment is in the feed of deposits when its ledger closes: some looks, a second apart, before
# whoever paid is told to ask again.
PASS_CREDIT_LOOKS = 5

# --- payments over HTTP (x402) -------------------------------------------------------------------
# How long a payer has to sign and present; what its wallet makes of that is a number of ledgers.
X402_PAYMENT_SECONDS = 60
# A ledger takes a second on a local network and five elsewhere: an agreement that is good for
# longer was not made by these terms.
X402_LEDGERS_MAX = 90
# A payment is some 3 KB; a header of more than 8 KB does not reach us.
X402_PAYMENT_CHARACTERS_MAX = 8_000
# What one may cost us. A transfer takes some 30,000 stroops; rent of a payer's first entry more.
X402_FEE_STROOPS_MAX = 2_000_000
# Less is not carried, of whichever asset: the fee of a transfer is a thirtieth of it in lumens.
X402_STROOPS_MIN = 1_000_000
# What all of a day may cost us, whoever asks: some thousand payments.
X402_FEES_PER_DAY_STROOPS = 100_000_000
# An answer comes with the ledger, so within some 6 s; a client or proxy waits for a minute.
X402_WAIT_SECONDS = 40
# Payments that one account presents; each makes a node try a transaction.
X402_PER_MINUTE_MAX = 10
