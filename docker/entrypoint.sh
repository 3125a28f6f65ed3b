#!/bin/sh
# Becomes PUID:PGID (1000:1000 unless told otherwise), then is immich-meta with the words it was given.
# The photos are never touched here; the folders of the state and the logs are given to whoever runs.
set -eu

[ "$(id -u)" = 0 ] || exec immich-meta "$@" # started with --user: it is somebody already

puid="${PUID:-1000}" pgid="${PGID:-1000}"
for number in "$puid" "$pgid"; do
    case "$number" in
    *[!0-9]*)
        echo "immich-meta: PUID and PGID are numbers (see \`id\`), and this is not one: $number" >&2
        exit 2
        ;;
    esac
done

for folder in "$IMMICH_META_STATE_DIR" /logs; do
    if [ -d "$folder" ] && [ "$(stat -c %u:%g "$folder")" != "$puid:$pgid" ]; then
        chown "$puid:$pgid" "$folder" || echo "immich-meta: $folder does not belong to $puid:$pgid" >&2
    fi
done

exec setpriv --reuid="$puid" --regid="$pgid" --clear-groups immich-meta "$@"
