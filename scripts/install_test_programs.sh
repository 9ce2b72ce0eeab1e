#!/bin/sh
# Installs the foreign programs that tests and benchmarks publish, watch and load with. Debian, as root.
set -eu

export DEBIAN_FRONTEND=noninteractive

# nginx and Caddy are started by tests and benchmarks, with configurations of their own: not as
# services, which a package starts unless this file says no. Where they are, nothing is changed.
policy=/usr/sbin/policy-rc.d
services=""
for each in nginx caddy; do
    command -v "$each" >/dev/null || services="$services $each"
done
if [ -n "$services" ] && [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

apt-get update -qq
apt-get install -y -qq --no-install-recommends \
    ffmpeg \
    gstreamer1.0-tools \
    gstreamer1.0-plugins-base \
    gstreamer1.0-plugins-good \
    gstreamer1.0-plugins-bad \
    gstreamer1.0-plugins-ugly \
    gstreamer1.0-libav \
    rtmpdump \
    mpv \
    curl \
    gcc \
    libc6-dev \
    wrk \
    nginx \
    libnginx-mod-rtmp \
    caddy \
    chromium \
    fonts-dejavu-core

if [ -d /run/systemd/system ]; then
    for each in $services; do
        systemctl disable --quiet "$each"
    done
fi
