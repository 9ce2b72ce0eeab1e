"""AES-128-CBC as the standards have it."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from packager.hls.cipher import encrypt_blocks, encrypt_padded

# NIST SP 800-38A, F.2.1.
KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
VECTOR = bytes(range(16))
PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
SECRET = bytes.fromhex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")


def test_blocks_are_chained() -> None:
    assert encrypt_blocks(KEY, VECTOR, PLAIN) == SECRET


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1_000])
def test_padding_is_taken_off_by_whoever_knows_the_standard(size: int) -> None:
    data = bytes(index % 251 for index in range(size))
    secret = encrypt_padded(KEY, VECTOR, memoryview(data))
    assert len(secret) == size + 16 - size % 16
    decryptor = Cipher(AES(KEY), CBC(VECTOR)).decryptor()
    remover = PKCS7(128).unpadder()
    assert remover.update(decryptor.update(secret)) + remover.finalize() == data
