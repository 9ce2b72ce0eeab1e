#!/bin/sh
# Installs the foreign programs that tests and benchmarks publish, watch and load with. Debian, as root.
set -eu

export DEBIAN_FRONTEND=noninteractive

# nginx is started by the benchmark, with a configuration of its own: not as a service, which a
# package starts unless this file says no. On a machine that has an nginx nothing is changed.
policy=/usr/sbin/policy-rc.d
had_nginx=$(command -v nginx || true)
if [ -z "$had_nginx" ] && [ ! -e "$policy" ]; then
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
    wrk \
    nginx \
    libnginx-mod-rtmp \
    chromium \
    fonts-dejavu-core

if [ -z "$had_nginx" ] && [ -d /run/systemd/system ]; then
    systemctl disable --quiet nginx
fi
