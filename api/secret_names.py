"""What the files in the secrets directory are called."""

SECRETS_DIRECTORY = "secrets"

CREATOR_TOKEN = "creator-token"
TOKEN_KEY = "playback-token-key"
MEDIA_KEY = "media-key"
SIGN_IN_KEY = "sign-in-key"
REFRESH_KEY = "refresh-token-key"
API_KEY_KEY = "api-key-key"
WEB_AUTH_SEED = "web-auth-seed"
PUBLISH_TOKEN_KEY = "publish-token-key"
RECEIPT_KEY = "receipt-key"
RTMPS_KEY = "rtmps-key"
FORMER_HOT_SEED = "stellar-hot-seed"  # now in the folder of the signer
CREATOR_SEED = "stellar-creator-seed"
COLLECTOR_SEED = "stellar-collector-seed"
FEE_SEED = "stellar-fee-seed"
