"""OBS is told to send our ladder, in words that OBS understands."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.app import answer_errors
from api.errors import Problem
from api.obs_multitrack import ObsMultitrack, obs_multitrack
from ingest.source import Source
from media.ladder import encoded_rungs

# What obs-studio's frontend/utility/models/multitrack-video.hpp reads: members without a default
# make its parser throw when they are missing, and every one when it is of another type.
META = {"service": str, "schema_version": str, "config_id": str}
ENDPOINT = {"protocol": str, "url_template": str}
ENCODER = {
    "type": str,
    "width": int,
    "height": int,
    "framerate": dict,
    "gpu_scale_type": str,
    "settings": dict,
}
AUDIO = {"codec": str, "track_id": int, "channels": int, "settings": dict}
# What plugins/obs-x264/obs-x264.c reads; other keys would be of no effect.
X264 = {
    "rate_control": str,
    "bitrate": int,
    "keyint_sec": int,
    "bf": int,
    "preset": str,
    "profile": str,
    "x264opts": str,
}
SCALES = {f"OBS_SCALE_{name}" for name in ("POINT", "BICUBIC", "BILINEAR", "LANCZOS", "AREA")}


def as_obs_reads_it(text: str) -> dict[str, Any]:
    """Check the document's shape as OBS's parser would, then what OBS does with it."""
    document: dict[str, Any] = json.loads(text)
    assert set(document) == {
        "meta",
        "ingest_endpoints",
        "encoder_configurations",
        "audio_configurations",
    }
    check(document["meta"], META)
    for endpoint in document["ingest_endpoints"]:
        check(endpoint, ENDPOINT)
        assert endpoint["protocol"] in {"RTMP", "RTMPS"}
        assert endpoint["url_template"].endswith("/{stream_key}")
    for encoder in document["encoder_configurations"]:
        check(encoder, ENCODER)
        check(encoder["framerate"], {"numerator": int, "denominator": int})
        assert encoder["gpu_scale_type"] in SCALES
        check(encoder["settings"], X264)
        assert encoder["type"] == "obs_x264"
    # An empty list of either kind makes OBS refuse to start.
    assert document["encoder_configurations"]
    assert document["audio_configurations"]["live"]
    for audio in document["audio_configurations"]["live"]:
        check(audio, AUDIO)
    return document


def check(value: Mapping[str, Any], shape: Mapping[str, type]) -> None:
    assert {key: type(one) for key, one in value.items()} == shape


def test_obs_is_given_our_ladder() -> None:
    rungs = encoded_rungs(1920, 1080, (60, 1), passed_through=False)
    document = as_obs_reads_it(json.dumps(obs_multitrack("rtmp://host/live", 60, rungs)))
    (endpoint,) = document["ingest_endpoints"]
    assert endpoint == {"protocol": "RTMP", "url_template": "rtmp://host/live/{stream_key}"}
    encoders = document["encoder_configurations"]
    assert [(one["width"], one["height"], one["settings"]["bitrate"]) for one in encoders] == [
        (1920, 1080, 7500),
        (1280, 720, 4200),
        (640, 360, 1200),
    ]


def test_keyframes_of_all_encoders_show_the_same_pictures() -> None:
    rungs = encoded_rungs(1920, 1080, (30, 1), passed_through=False)
    document = as_obs_reads_it(json.dumps(obs_multitrack("rtmps://host:443/live", 30, rungs)))
    assert document["ingest_endpoints"][0]["protocol"] == "RTMPS"
    encoders = document["encoder_configurations"]
    alike = [
        (
            one["framerate"],
            one["settings"]["keyint_sec"],
            one["settings"]["bf"],
            one["settings"]["x264opts"],
        )
        for one in encoders
    ]
    assert alike == [({"numerator": 30, "denominator": 1}, 2, 2, "scenecut=0")] * 3
    assert {one["settings"]["rate_control"] for one in encoders} == {"CBR"}
    assert {one["settings"]["profile"] for one in encoders} == {"high"}


async def own(request: web.Request) -> Source:
    if request.headers.get("Authorization") != "Bearer mine":
        raise Problem(404, "not_found", "no such source")
    return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("query", "encoders", "frame_rate"),
    [("", 3, 30), ("?frameRate=50&height=720", 2, 50)],
)
async def test_the_owner_downloads_it(query: str, encoders: int, frame_rate: int) -> None:
    async with serve() as client:
        answer = await client.get(f"/{query}", headers={"Authorization": "Bearer mine"})
        document = as_obs_reads_it(await answer.text())
    found = document["encoder_configurations"]
    assert len(found) == encoders
    assert {one["framerate"]["numerator"] for one in found} == {frame_rate}


async def test_others_do_not_and_nonsense_is_refused() -> None:
    async with serve() as client:
        assert (await client.get("/")).status == 404
        answer = await client.get("/?frameRate=7", headers={"Authorization": "Bearer mine"})
        assert answer.status == 400
        assert "frameRate: one of 24" in await answer.text()


def serve() -> TestClient[web.Request, web.Application]:
    application = web.Application(middlewares=[answer_errors])
    application.router.add_get("/", ObsMultitrack(own, "rtmp://host/live").get)
    return TestClient(TestServer(application))
