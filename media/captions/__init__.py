"""Captions as text: WebVTT and SubRip in, WebVTT out; without I/O."""
