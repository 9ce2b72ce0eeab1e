// Commands that publish to a source as they stand, with a test picture and a tone.

/** Keyframes every two seconds at 30 frames a second: one for each segment. */
const KEYFRAME_FRAMES = 60;

/** Where a publisher sends to: OBS joins server and key in the same way. */
export function publishUrl(server: string, key: string): string {
  return `${server.replace(/\/+$/, "")}/${key}`;
}

export function ffmpegCommand(server: string, key: string): string {
  return [
    "ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30",
    "  -f lavfi -i sine=frequency=440:sample_rate=48000",
    "  -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p",
    `  -b:v 3000k -maxrate 3000k -bufsize 6000k -g ${KEYFRAME_FRAMES}`,
    `  -c:a aac -b:a 128k -f flv "${publishUrl(server, key)}"`,
  ].join(" \\\n");
}

export function gstreamerCommand(server: string, key: string): string {
  return [
    "gst-launch-1.0 -e flvmux name=mux streamable=true",
    `  ! rtmp2sink location="${publishUrl(server, key)}"`,
    "  videotestsrc is-live=true ! video/x-raw,width=1280,height=720,framerate=30/1",
    `  ! x264enc bitrate=3000 key-int-max=${KEYFRAME_FRAMES} tune=zerolatency speed-preset=veryfast`,
    "  ! video/x-h264,profile=main ! h264parse ! queue ! mux.",
    "  audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2",
    "  ! avenc_aac bitrate=128000 ! aacparse ! queue ! mux.",
  ].join(" \\\n");
}
