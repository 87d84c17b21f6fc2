"""Every bound of the pure core, with its unit, its reason and what happens beyond it.

A number that limits memory, work or influence stands here and nowhere else, so that one page tells an operator what a
viewer, a video or an outcome can cost at most.
"""

from __future__ import annotations

from typing import Final

# --- ids and records (enforced by schemas.codec; stated there with the same values) ---
DAY_MS: Final = 86_400_000

# --- outcomes: one small record per (viewer, video) ---
RING: Final = 8
"""References kept per kind of an outcome (impressions, watches, skips, shares, comments). The oldest falls out, is
frozen in the counts, and the overflow is counted."""
OUTCOMES: Final = 1_024
"""Outcomes kept per viewer, at least the 128 that DESIGN section 3 promises. The oldest is frozen and its key
deleted.
"""
MET: Final = 8_192
"""Videos remembered as met per viewer (8 bytes each). Beyond it the oldest may be shown again."""
SERVED: Final = 2_048
"""Videos remembered as served per viewer (8 bytes each). Beyond it the oldest may be served again."""
PROMOTED: Final = 128
"""Videos remembered as promoted to a viewer (8 bytes each); what the viewer does with older ones counts as organic."""
PACE: Final = 8
"""Latest showings of a viewer of which it is kept whether they were passed over (8 bytes each); older ones fall out."""
LATELY: Final = 50
"""Latest served items whose creator, sound, template and leading tag are kept per viewer (20 bytes each), over which
the caps of a slate hold; older ones count no more.
"""

GESTURES: Final = 0.15
"""Most that small gestures on a video (a pause, a look at its comments …) are worth together, in units of one finished
long video; further ones add nothing."""

# --- viewers ---
DIM: Final = 32
"""Length of a content vector; float32, unit norm."""
FAST_HALF_LIFE_S: Final = 1_200.0
"""The session's interest: 20 minutes."""
SLOW_HALF_LIFE_S: Final = 14 * 86_400.0
"""The taste: two weeks."""
NEGATIVE_HALF_LIFE_S: Final = 2 * 86_400.0
"""Dislikes fade in days, so one bad evening does not close a subject for good."""
RECENT: Final = 32
"""Latest positive videos kept per viewer; the oldest falls out."""
TAGS: Final = 24
"""Persona tags kept per viewer; the weakest falls out."""
CREATORS: Final = 12
"""Creators kept per viewer; the weakest falls out."""
SOUNDS: Final = 12
"""Sounds kept per viewer; the weakest falls out."""
DAY_PARTS: Final = 6
"""Parts of the week kept per viewer: night, morning, day, evening, and weekdays, weekends."""
HOUR_DIM: Final = 16
"""Length of the vector kept for each of them; float32, a content vector folded in half."""
OWN_UPLOADS: Final = 16
"""Uploads of a viewer's own, the latest, whose tags count as interest."""
FRIENDS: Final = 256
"""People followed, the latest, whose likes are looked for; further ones are not."""
PICKED: Final = 8
"""Categories a viewer may pick at sign-up; further ones are ignored."""

HIDDEN: Final = 512
"""Creators, sounds and tags that a viewer hid or took back, 17 bytes each; beyond it those named longest ago fall out.
"""

FOLLOWED: Final = 1_024
"""Creators that a viewer followed or left again, 17 bytes each; beyond it those longest ago fall out."""

# --- words ---
TEXT: Final = 128
"""Length of a text vector of the encoder that is always there; float32, unit norm."""
WORDS: Final = 100_000
"""Words whose places in a text vector are kept; others are hashed anew."""
MEANINGS: Final = 10_000
"""Texts whose terms, tags and vectors are kept; others are read anew."""
TERMS_ASKED: Final = 8
"""Terms of one request that count; further ones are ignored."""
ASKS: Final = 8
"""Asks kept per viewer of each kind (tags, sounds and effects opened, searches, more of, less of); the oldest falls
out, so that a flood of one kind takes no other with it.
"""
ASK_CHARS: Final = 80
"""Characters of a request, or of a name opened, that count; the rest is cut."""
ASKED_MS: Final = 1_800_000
"""How long after a viewer asked for something a positive teaches what the words meant."""
TERMS: Final = 20_000
"""Terms that associations are kept of; where they run out, the tenth asked for longest ago goes."""
TERM_TAGS: Final = 16
"""Tags kept per term (12 bytes each); the weakest falls out."""
TERM_HALF_LIFE_S: Final = 30 * 86_400.0
"""Decay of associations: what a word means this season."""
TAUGHT: Final = 64
"""Positives that teach meanings, per frame; further ones do not."""
VIDEO_EFFECTS: Final = 4
"""Effects of a video that count for ranking; further ones are kept in its record only."""
GUESSES: Final = 4
"""Tags inferred per untagged video; the least sure falls out."""
THEMES: Final = 4_096
"""Tags whose captions are kept as one mean vector each; captions tell nothing of tags first seen later."""
HEARD: Final = 32
"""Videos of one creator or sound that are read to infer the tags of another."""

# --- videos ---
NEIGHBOURS: Final = 64
"""Videos liked by the same viewers, kept per video (16 bytes each); the weakest falls out."""
LIKERS: Final = 32
"""Viewers whose positive was the latest, kept per video (16 bytes each); the oldest falls out."""
HOURS: Final = 24
"""Hours of event time over which a video's positives are kept one by one (4 bytes each); older ones fall out."""
VIEW_DAYS: Final = 30
"""Days (UTC) over which a video's views are kept one by one (4 bytes each); older ones fall out."""
PAIRED: Final = 15
"""Latest positives of a viewer that a new positive is paired with; older ones are not."""
NEIGHBOUR_HALF_LIVES_S: Final = (30 * 86_400.0, 48 * 3_600.0)
"""Decay of the two co-occurrence weights; the slow one decides which neighbour stays."""
AFTER: Final = 8
"""Videos liked right after a video, kept per video (12 bytes each); the least often so falls out."""
AFTER_HALF_LIFE_S: Final = 7 * 86_400.0
"""Decay of which video is liked after which."""
LIFT_HALF_LIVES_S: Final = (7_200.0, 21_600.0, 86_400.0)
"""Decay of what was observed and expected of a video, so that lift is of today."""
RECORDS: Final = 200_000
"""Records of videos that are kept decoded, for states that repeat them; others are decoded anew each time."""
VIDEO_TAGS: Final = 8
"""Tags of a video that count for ranking; further ones are kept in its record only."""
COUNTRIES: Final = 8
"""Countries a video may be bound to; one bound to more is shown in the first ones only."""
FACTORS: Final = 16
"""Length of a video's collaborative vector; float32."""

# --- crowds: groups of viewers ---
SEGMENTS: Final = 12
"""Groups of viewers that interest tells apart; where a new one is needed, one that hardly holds anybody goes."""
SEGMENT_TAGS: Final = 8
"""Tags kept of each segment, from which its name is made; the weakest falls out."""
CROWDS: Final = 96
"""Languages, countries and segments of which is kept what they like; beyond it a tenth goes, those heard of longest
ago."""
CROWD_VIDEOS: Final = 128
"""Videos kept of each crowd (12 bytes each); the least liked falls out."""
CROWD_HALF_LIFE_S: Final = 48 * 3_600.0
"""Decay of what a crowd likes: two days."""

# --- ranking ---
FULL_RANK: Final = 4_000
"""Candidates up to which every one gets the full features; beyond it a shortlist does (previews: always all)."""
SHORTLIST: Final = 300
"""Candidates per viewer that get the full features when there are more than FULL_RANK."""
NEAREST: Final = 100
"""Neighbours of a viewer's latest positives that join the shortlist."""
NAMED: Final = 500
"""Videos that an operator's own candidate source may name for one ranking; further ones are left out."""
BASE_MS: Final = 2_000
"""How old the shortlist's score of a video alone may be; one whose numbers changed is scored anew at once."""
CAMPAIGNS: Final = 1_000
"""Campaigns that may stand at a time; a further one is refused."""
REPORTS: Final = 2_000
"""Campaigns, ended ones too, of which is kept what came of them; those first heard of go first."""
RULES: Final = 1_000
"""Rules that operators may set at a time; a further one is refused."""
FRESH_MET: Final = 20.0
"""Where tiers are off: a video met by fewer viewers (decayed over 72 h) than this may take an exploration place."""
EXPLORED: Final = 4_096
"""Videos with exposures left that a large catalogue explores among, the latest uploads; older ones wait."""
TRIED: Final = 16
"""Videos of each kind (not met yet, lowest tier, climbing) that one slate explores among; others have their turn."""

# --- trends ---
LOOK_MS: Final = 5_000
"""How often trends are looked for, in event time."""
WATCHED: Final = 64
"""Items of a kind (and of a video shard) that a drift detector watches, about 600 bytes each; of more those that rise
most steeply, what was said to rise before all. As many may have fallen and not be back.
"""
WATCH_MINUTES: Final = 60
"""Minutes of counts of each of them."""
RISING: Final = 1_024
"""Items that whoever ranks knows to rise or to have cooled; beyond it the one heard of longest ago is forgotten."""
RISING_MS: Final = 2 * 86_400_000
"""How long something rises at most: whose end was never heard of has ended then."""

# --- bots ---
FED: Final = 8
"""Served videos that a viewer must have met before what was never served is doubted."""
DOUBTED_TIMES: Final = 2.0
"""How many times as many doubted signals count, to a trusted one, as the middle video has: however many accounts
without history act together on a video, they multiply what it has of trusted ones by 1 + DOUBTED_TIMES times that, no
more. In the synthetic world that lets it climb by less than 15 % of the ranking.
"""
DOUBTED_ODDS: Final = 0.25
"""Doubted signals to a trusted one that are usual anywhere, so that newcomers are no loss where they are rare; there a
crowd multiplies what a video has by 1.5 at most.
"""
DOUBTED_SHARE: Final = 0.5
"""Share of doubted viewers in the middle video beyond which doubt says nothing, and everything counts."""

# --- the wire's clients (agents/producer.py, agents/reading.py) ---
PRODUCER_RECORDS: Final = 100_000
"""Records a producer holds before they are delivered; beyond it ``send`` blocks."""
PRODUCER_KIB: Final = 256 * 1024
"""The same in KiB of keys and values; beyond it ``send`` blocks."""
PRODUCER_RECORD_BYTES: Final = 32 * 1_048_576
"""Largest record a client sends or fetches: a model snapshot. Each topic's own limit is the broker's to hold."""
REPORTED: Final = 20
"""Bad rows or lines that are named one by one; further ones are only counted."""
OPEN_FEATURES: Final = 50_000
"""Feature rows a user shard keeps between serving (or meeting) and a positive, about 250 bytes each; beyond it the
oldest are forgotten, and a later positive is learnt with features of its own time.
"""

# --- learning ---
OPENED: Final = 16
"""Pairs met without having been served that open an example, per frame of training rows (one a checkpoint); of a batch
with more a sample, each weighing for the rest.
"""
LEFT: Final = 64
"""Latest served videos of a viewer among which those of one batch that were left are looked for, to stand against a
positive of that batch.
"""
GROUPS: Final = 16
"""Positives that the ranker learns from, per frame; of a batch with more a sample, each weighing for the rest."""
FEATURE_CLIP: Final = 50.0
"""Features are clipped to this, so that one absurd row cannot move a model."""
JUDGED: Final = 20_000
"""Rows over which log-loss and AUC are exported, per head."""
GATED: Final = 1_000
"""Rows over which a served model was judged before another is held against it: over fewer its loss is luck, and a
lucky one would be served for ever.
"""
JOINED: Final = 500_000
"""Examples the learner holds (about 130 bytes each); the oldest beyond it are dropped and counted."""
CORRECT_MS: Final = 86_400_000
"""How long after it was opened a learnt example can still be corrected."""
ITEMS: Final = 200_000
"""Videos that a model keeps rows of; where they run out, the tenth touched longest ago goes and starts anew later."""
FACTOR_CHUNK: Final = 4_096
"""Rows of videos (vectors, lifts) per snapshot record."""
DURATIONS: Final = 24
"""Buckets of durations, each with its own usual watch times; longer videos share the last one."""
QUANTILES: Final = 64
"""Even shares of the watches of a bucket at which the watch time is published."""
USUAL_BINS: Final = 64
"""Bins of a bucket's histogram of watch times; beyond it the two nearest become one."""
USUAL_SEEN: Final = 20_000.0
"""Watches that a bucket remembers; beyond it all count half, so that what is usual follows what has become usual."""
OWED: Final = 50_000
"""Videos not announced yet whose outcomes wait to enter their viewers' interests; further ones enter with their next
event.
"""

# --- experiments ---
EXPERIMENTS: Final = 32
"""Experiments known at once, a few microseconds a ranking each; a further one is refused."""
TUNINGS: Final = 1_024
"""Combinations of arms (about 1 KB each) whose settings are kept ready; beyond it all are made anew when they are next
needed.
"""

# --- what comes of feeds ---
PROCEEDS: Final = 1 << 20
"""Latest served items (13 bytes each) of which a worker counts what comes of them; what comes of earlier ones counts no
more.
"""
PROCEEDS_ARMS: Final = 256
"""Combinations of arms that a worker counts apart; further ones are counted as ``other``."""

# --- tracing ---
TRACE_LINKS: Final = 32
"""Sampled records, beyond the first, that the span of a fold is linked to; further ones are not named."""
TRACES_OPEN: Final = 1_000
"""Sampled requests of a process that wait for their batch; the oldest go without a span of their own."""

# --- gateway ---
GATEWAY_BODY_BYTES: Final = 4 * 1024 * 1024
"""Body of a call, unpacked; a larger one is refused (413)."""
GATEWAY_LINES: Final = 10_000
"""Events of one body; a body with more is refused (413)."""
GATEWAY_LINE_BYTES: Final = 64 * 1024
"""One event; a larger one is refused, as workers would refuse it."""
GATEWAY_BODY_S: Final = 30.0
"""Seconds for a body to come; whoever is slower is told so (408), and nothing of it is taken."""
GATEWAY_BODIES_BYTES: Final = 256 * 1024 * 1024
"""All bodies that one gateway process holds at once; whoever sends more is told to come again (503)."""
GATEWAY_HEADERS_S: Final = 10.0
"""Seconds from a new connection to the end of its first request's headers; then it is closed (408)."""
GATEWAY_IDLE_S: Final = 75.0
"""Seconds that a connection may stand idle between two calls; longer than proxies wait, so that they close it first."""
GATEWAY_WRITE_S: Final = 20.0
"""Seconds that a client may leave some 64 KB unread; then its connection is ended, since nobody is told any more."""
GATEWAY_LINGER_S: Final = 5.0
"""Seconds that are waited for the rest of a body that was refused, so that the client gets to read why."""
GATEWAY_CONNECTIONS: Final = 10_000
"""Connections of one gateway process, streams included; a further one is told to come again (503) and closed."""
GATEWAY_BACKLOG: Final = 1_024
"""New connections that wait to be let in; the system refuses further ones."""
STREAM_PING_S: Final = 15.0
"""Seconds after which a stream that has nothing to tell says that it is there, so that nobody takes it for dead."""
STREAM_BACKLOG: Final = 64
"""Records that wait for a client of a stream, some 10 KB each; a client further behind is cut off."""
STREAMS: Final = 5_000
"""Open streams of one gateway process; a further one is told to come back later (503)."""
SLATES: Final = 50_000
"""Viewers whose slates a gateway process keeps, some 15 KB each; those served longest ago fall out and are asked for
again.
"""
SLATE_ITEMS: Final = 400
"""Items not shown yet that are kept of one viewer; the oldest fall out."""
HIDERS: Final = 20_000
"""Viewers whose latest wishes to hide something a gateway process remembers until workers have acted on them."""
GONE: Final = 20_000
"""Videos taken down lately that a gateway process leaves out of what was served before; the oldest fall out."""
TRENDS_KEPT: Final = 1_000
"""Trends that a gateway process shows; the oldest fall out."""

# --- the operators' dashboard, of each gateway process ---
HISTORY: Final = 1_800
"""Looks kept for curves (4 bytes a curve each), an hour at one in two seconds; the oldest fall out."""
HISTORY_SERIES: Final = 1_000
"""Curves kept at once; further ones are not drawn until the process starts anew."""
WORKERS_WATCHED: Final = 256
"""Workers that are asked for what they measure, some 100 KB each; of more the first by address."""
WORKER_PAGE_BYTES: Final = 4 * 1024 * 1024
"""One answer of a worker; one that says more counts as down."""
MODELS_TOLD: Final = 2_000
"""Models and parts of them of which it is kept when they were published last; the oldest fall out."""
LETTERS_READ: Final = 1_000
"""Latest dead letters that are read at once; earlier ones are only counted."""
READOUT_RECORDS: Final = 200_000
"""Latest records of feeds and events, in sum, from which an experiment is read while one waits (some seconds); a longer
log is read by ``feedstream experiment readout``.
"""
