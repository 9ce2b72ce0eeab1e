"""What the files in the secrets directory are called."""

SECRETS_DIRECTORY = "secrets"

CREATOR_TOKEN = "creator-token"
TOKEN_KEY = "playback-token-key"
MEDIA_KEY = "media-key"
PUBLISH_TOKEN_KEY = "publish-token-key"
RECEIPT_KEY = "receipt-key"
RTMPS_KEY = "rtmps-key"
HOT_SEED = "stellar-hot-seed"
CREATOR_SEED = "stellar-creator-seed"
