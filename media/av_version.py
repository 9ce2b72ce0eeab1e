"""Prints which PyAV and FFmpeg there are, as JSON: a process of its own, since it loads libav."""

import json

import av


def main() -> None:
    versions = {"pyav": av.__version__, "ffmpeg": av.ffmpeg_version_info}
    print(json.dumps(versions))  # noqa: T201


if __name__ == "__main__":
    main()
