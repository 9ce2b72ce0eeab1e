"""OBS's "Config Override (JSON)": has OBS encode our ladder itself and send all of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.errors import invalid
from ingest.source import Source
from media.ladder import Rung, encoded_rungs

_SCHEMA_VERSION = "2024-06-04"
_KEYFRAME_SECONDS = 2
_B_FRAMES = 2
_AUDIO_KILOBITS = 160
# What OBS offers as whole frame rates.
_FRAME_RATES = ("24", "25", "30", "48", "50", "60")
# Sizes that may be the largest: short sides of the ladder, as 16:9.
_HEIGHTS = ("1080", "720", "360")


def obs_multitrack(
    rtmp_url: str, frame_rate: int, rungs: tuple[Rung, ...]
) -> dict[str, dict[str, object] | list[dict[str, object]]]:
    """A configuration as OBS's GoLive API has it (`models/multitrack-video.hpp` of obs-studio).

    All encoders have the same frame rate, keyframe interval and B-frames, so that their keyframes
    show the same pictures and the ladder can be passed through. Without a `config_id` OBS adds
    nothing to the stream key, which it takes from its own settings. For a custom server OBS reads
    such a configuration when it was started with `--enable-multitrack-video-dev`.

    Args:
        rtmp_url: what publishers push to, without the key.
        frame_rate: frames a second; OBS takes the nearest whole part of its own.
        rungs: highest first, which becomes the default track.
    """
    return {
        "meta": {"service": "Tollcast", "schema_version": _SCHEMA_VERSION, "config_id": ""},
        "ingest_endpoints": [
            {
                "protocol": "RTMPS" if rtmp_url.startswith("rtmps:") else "RTMP",
                "url_template": f"{rtmp_url}/{{stream_key}}",
            }
        ],
        "encoder_configurations": [_encoder(rung, frame_rate) for rung in rungs],
        "audio_configurations": {
            "live": [
                {
                    "codec": "aac",
                    "track_id": 0,
                    "channels": 2,
                    "settings": {"bitrate": _AUDIO_KILOBITS},
                }
            ]
        },
    }


def _encoder(rung: Rung, frame_rate: int) -> dict[str, object]:
    """x264, since every OBS has it; its settings are those of the plug-in obs-x264."""
    return {
        "type": "obs_x264",
        "width": rung.width,
        "height": rung.height,
        "framerate": {"numerator": frame_rate, "denominator": 1},
        "gpu_scale_type": "OBS_SCALE_BICUBIC",
        "settings": {
            "rate_control": "CBR",
            "bitrate": rung.bitrate_max // 1000,
            "keyint_sec": _KEYFRAME_SECONDS,
            "bf": _B_FRAMES,
            "preset": "veryfast",
            "profile": "high",
            # A keyframe at a change of scene would come in some sizes only.
            "x264opts": "scenecut=0",
        },
    }


@dataclass(frozen=True, slots=True)
class ObsMultitrack:
    """The route `/api/v1/sources/{source}/obs-multitrack.json`.

    Attributes:
        own: the source that a request names, if it belongs to who asks; raises Problem.
        rtmp_url: what publishers are told to push to.
    """

    own: Callable[[web.Request], Awaitable[Source]]
    rtmp_url: str

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/sources/{source}/obs-multitrack.json", self.get),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """Takes `frameRate` and `height` of the largest picture; 30 and 1080 unless told."""
        await self.own(request)
        frame_rate = _choice(request, "frameRate", _FRAME_RATES, "30")
        height = _choice(request, "height", _HEIGHTS, "1080")
        rungs = encoded_rungs(height * 16 // 9, height, (frame_rate, 1), passed_through=False)
        return web.json_response(obs_multitrack(self.rtmp_url, frame_rate, rungs))


def _choice(request: web.Request, name: str, choices: tuple[str, ...], default: str) -> int:
    value = request.query.get(name, default)
    if value not in choices:
        raise invalid(f"{name}: one of {', '.join(choices)}")
    return int(value)
