#!/bin/sh
# Installs the peers into FOLDER; nothing lands in the project or the system.
#
#     bench/peers/setup.sh FOLDER
#
# Needs npm, and apt-get and dpkg for the Python packages.
set -eu
folder=$1
mkdir -p "$folder/debian"
cp "$(dirname "$0")/peers.json" "$folder/package.json"
(cd "$folder" && npm install --no-audit --no-fund --loglevel=error)

# Scripts elsewhere import the packages through these.
for name in cacache memoize-fs; do
  echo "export { default } from \"$name\";" >"$folder/import_$name.mjs"
done

# Unpacked rather than installed, so that no root is needed.
packages="python3-joblib python3-diskcache python3-numpy python3-pkg-resources
  libblas3 liblapack3 libgfortran5 libquadmath0"
(cd "$folder/debian" && {
  apt-get download -qq $packages || { apt-get update -qq && apt-get download -qq $packages; }
  for package in *.deb; do dpkg -x "$package" .; done
})
touch "$folder/ready"
