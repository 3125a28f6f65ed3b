# syntax=docker/dockerfile:1
# immich-meta in a container: the schedule, the web page, and every other command. For amd64 and arm64.
#   docker build -t immich-meta .
#   docker buildx build --platform linux/amd64,linux/arm64 -t immich-meta .

# Python 3.13 on Debian 13; built anew, it has their latest fixes.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE MANIFEST.in ./
COPY immich_meta immich_meta
COPY writers writers
# The environment has no pip of its own: nothing is installed into it afterwards. DL3013 takes `.[web]` for a package.
# hadolint ignore=DL3013
RUN python -m venv --without-pip /opt/immich-meta \
    && pip --python /opt/immich-meta/bin/python install --no-cache-dir '.[web]'

FROM ${BASE}
LABEL org.opencontainers.image.title="immich-meta" \
      org.opencontainers.image.description="Writes the metadata people make in Immich back into their own photo files" \
      org.opencontainers.image.licenses="GPL-3.0-or-later"
# Exempi is the better of the two XMP engines, pg_dump makes the backups of the database. Debian's versions are pinned by
# its release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexempi8 postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 immich-meta \
    && useradd --uid 1000 --gid 1000 --home-dir /state --no-create-home --shell /usr/sbin/nologin immich-meta \
    && install --directory --owner=1000 --group=1000 --mode=0755 /state /logs
COPY --from=build /opt/immich-meta /opt/immich-meta
COPY --chmod=0755 docker/entrypoint.sh /usr/local/bin/immich-meta-entrypoint
ENV PATH=/opt/immich-meta/bin:$PATH \
    HOME=/state \
    IMMICH_META_STATE_DIR=/state \
    IMMICH_LOG_FILE=/logs/immich_ultra_sync.txt \
    IMMICH_META_SCHEDULE="0 3 * * *" \
    PYTHONUNBUFFERED=1
# Checkpoints and the album cache are made in the working directory.
WORKDIR /state
VOLUME ["/state", "/logs"]
EXPOSE 5000
# Of the schedule; docker-compose.yml has one for the web page.
HEALTHCHECK --interval=5m --timeout=30s --start-period=1m CMD ["immich-meta", "watch", "--health"]
ENTRYPOINT ["immich-meta-entrypoint"]
CMD ["watch"]
