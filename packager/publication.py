"""How packages are shown to viewers: those of encrypted assets with their keys in between."""

from packager.encrypted_cache import EncryptedCache
from packager.hls.protection import Protection, Protections
from packager.package import Package
from packager.protected_package import ClearPackage, ProtectedPackage


class Publication:
    """Of all assets of a process; they share the memory for encrypted segments."""

    def __init__(self, protections: Protections) -> None:
        self.protections = protections
        self._cache = EncryptedCache()

    def show(self, package: ClearPackage, protection: Protection | None) -> Package:
        """The package as viewers get it."""
        if protection is None:
            return package
        return ProtectedPackage(package, protection, self._cache)
