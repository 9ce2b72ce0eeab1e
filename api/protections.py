"""The keys of encrypted assets: made of one secret that this installation keeps for good."""

from api.secret_names import MEDIA_KEY
from config.secret_files import SecretFiles
from config.settings import Settings
from packager.hls.key_schedule import KeySchedule
from packager.hls.protection import Protections


def protections(settings: Settings, secrets: SecretFiles) -> Protections:
    """Raises: SecretExposed."""
    secret, _ = secrets.create_or_read(MEDIA_KEY)
    return Protections(KeySchedule(secret.encode()), settings.delivery.media_url)
