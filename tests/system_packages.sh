#!/bin/sh
# What the tests want beside Python: Exempi (one of the two XMP engines), and independent readers.
set -eu
wanted=""
for package in libexempi8 libimage-exiftool-perl exiv2 ffmpeg libheif-examples; do
    dpkg -s "$package" >/dev/null 2>&1 || wanted="$wanted $package"
done
[ -z "$wanted" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $wanted >/dev/null
