"""Checks what a server of HLS does against rules of RFC 8216 and draft-pantos-hls-rfc8216bis."""
