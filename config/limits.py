"""Every bound of the program, with its reason.

When a bound is hit the program drops or refuses, counts, and says so at most once a second.
Units are in the names.
"""

# --- hub -----------------------------------------------------------------------------------------
# Four seconds of 60 fps video with audio; a reader that is further behind skips to a keyframe.
HUB_READER_PACKETS_MAX = 512
