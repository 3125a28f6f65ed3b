#!/bin/sh
# What the tests want beside Python: Exempi (one of the two XMP engines), and independent readers.
set -eu
# Not every Debian has Chromium without its windows.
browser=chromium-headless-shell
dpkg -s chromium >/dev/null 2>&1 && browser=chromium
wanted=""
for package in libexempi8 libimage-exiftool-perl exiv2 ffmpeg libheif-examples $browser; do
    dpkg -s "$package" >/dev/null 2>&1 || wanted="$wanted $package"
done
[ -z "$wanted" ] && exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
case "$wanted" in
*chromium-headless-shell*)
    apt-cache show chromium-headless-shell >/dev/null 2>&1 || wanted="${wanted%chromium-headless-shell} chromium" ;;
esac
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $wanted >/dev/null
