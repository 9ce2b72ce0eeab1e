"""What the files in the secrets directory are called."""

CREATOR_TOKEN = "creator-token"
TOKEN_KEY = "playback-token-key"
HOT_SEED = "stellar-hot-seed"
CREATOR_SEED = "stellar-creator-seed"
