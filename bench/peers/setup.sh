#!/bin/sh
# Installs the peers into FOLDER; nothing lands in the project or the system.
#
#     bench/peers/setup.sh FOLDER
#
# Needs npm, and apt-get and dpkg for the Python packages. What cannot be had is
# left out with a word.
set -u
folder=$1
here=$(dirname "$0")
complete=yes
mkdir -p "$folder/debian" || exit 1

missing() {
  echo "cannot install $1: $2 failed" >&2
  complete=no
}

cp "$here/peers.json" "$folder/package.json"
(cd "$folder" && npm install --no-audit --no-fund --loglevel=error) ||
  missing "the peers from npm" "npm install"

# Scripts elsewhere import the packages through these.
export_from() {
  printf 'import * as it from "%s";\nexport { it };\n' "$2" >"$folder/import_$1.mjs"
}
for name in cacache memoize-fs piscina tinypool workerpool; do
  export_from "$name" "$name"
done
# Deno finds no package by its name from there.
export_from poolifier-web-worker ./node_modules/poolifier-web-worker/esm/mod.js

# A package and what it needs, but for Python itself.
needed() {
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
    --no-breaks --no-replaces --no-enhances "$1" 2>/dev/null |
    grep -E '^(python3-.*|libblas3|liblapack3|libgfortran5|libquadmath0)$' |
    grep -vE '^python3-(minimal|distutils|lib2to3)$' | sort -u
}

# Unpacked rather than installed, so that no root is needed.
unpack() (
  packages=$(needed "$1") && [ -n "$packages" ] && mkdir -p "$folder/debian/$1" &&
    cd "$folder/debian/$1" && apt-get -o APT::Sandbox::User=root download -qq $packages && cd .. &&
    for package in "$1"/*.deb; do dpkg -x "$package" . || return 1; done
)

if command -v apt-get >/dev/null; then
  for name in python3-numpy python3-joblib python3-diskcache python3-distributed; do
    unpack "$name" || { apt-get update -qq && unpack "$name"; } ||
      missing "$name" "apt-get download"
  done
else
  missing "the peers in Python" "apt-get"
fi

# What was asked for, so that another list is installed anew.
if [ $complete = yes ]; then cat "$0" "$here/peers.json" >"$folder/ready"; fi
