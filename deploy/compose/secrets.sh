#!/usr/bin/env bash
# Make the secrets of compose.yaml, once; those that are there stay.
set -euo pipefail
cd -P "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets
if [ -e secrets/cytomill.env ]; then
    echo "$0: secrets/cytomill.env is there already; nothing was changed" >&2
    exit 0
fi
password="$(head -c 32 /dev/urandom | base64 | tr -d '+/=\n')"
cat >secrets/redis.conf <<CONF
requirepass $password
dir /data
appendonly yes
appendfsync always
maxmemory-policy noeviction
CONF
# The server in its container is another user; nobody else gets into the folder.
chmod 644 secrets/redis.conf
cat >secrets/cytomill.env <<ENV
CYTOMILL_REDIS=redis://:$password@redis:6379
# A bucket in place of the volume, and its keys:
#CYTOMILL_BUCKET=s3://images/kiosk
#AWS_ACCESS_KEY_ID=
#AWS_SECRET_ACCESS_KEY=
ENV
