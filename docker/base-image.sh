#!/usr/bin/env bash
# A base image with Debian's Python 3.11, for sites without a registry: debootstrap, then `docker import`.
# Needs root, debootstrap and a Docker Engine; takes about a minute. Usage: docker/base-image.sh NAME [MIRROR]
set -euo pipefail

name=${1:?usage: docker/base-image.sh NAME [MIRROR]}
mirror=${2:-}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=ca-certificates,python3.11,python3.11-venv,python3-pip,python3-distutils \
  bookworm "$root" $mirror
rm -rf "$root"/usr/lib/python3.11/EXTERNALLY-MANAGED "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/*
for link in python python3; do
  ln -sf /usr/bin/python3.11 "$root/usr/local/bin/$link"
done
tar -C "$root" -c . | "${DOCKER:-docker}" import \
  --change "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8" \
  --change 'CMD ["python3"]' - "$name"
