# The pages, built by the Node that their packages ask for.
FROM node:22-slim AS pages
WORKDIR /build
COPY api/web/package.json api/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY api/web ./
RUN npm run build

# The packages of the lock, each checked against its hash, and the wheel of the program itself.
FROM python:3.13-slim AS program
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock /build/
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /build/requirements.lock
COPY . /build/
COPY --from=pages /build/dist /build/api/web/dist
RUN cd /build \
    && /opt/venv/bin/python -m hatchling build -t wheel \
    && /opt/venv/bin/pip install --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/tollcast tollcast
COPY --from=program /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 \
    TOLLCAST_DATA_DIRECTORY=/var/lib/tollcast/data \
    TOLLCAST_HTTP__HOST=0.0.0.0 TOLLCAST_RTMP__HOST=0.0.0.0 TOLLCAST_RTMPS__HOST=0.0.0.0
USER tollcast
# Never a checkout: a mounted folder named like one of the packages would hide it.
WORKDIR /var/lib/tollcast
RUN mkdir -m 700 data
VOLUME /var/lib/tollcast/data
EXPOSE 8080 1935 1936
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
CMD ["tollcast", "up"]
