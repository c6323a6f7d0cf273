#!/usr/bin/env bash
# Puts DuckDB's official shared library (1.5.5) into .duckdb/, where .cargo/config.toml looks for it. Idempotent.
# It comes from the npm package of DuckDB's own Node bindings, checked against the sums below; without npm, the build
# falls back to the duckdb crate's downloader (DUCKDB_DOWNLOAD_LIB=1).
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.5.5-r.5
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 lib=libduckdb.so sum=fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405 ;;
  Linux-aarch64) platform=linux-arm64 lib=libduckdb.so sum= ;;
  Darwin-x86_64) platform=darwin-x64 lib=libduckdb.dylib sum= ;;
  Darwin-arm64) platform=darwin-arm64 lib=libduckdb.dylib sum= ;;
  *) echo "no prebuilt DuckDB library for this platform: build with --features bundled" >&2; exit 1 ;;
esac
[ -e ".duckdb/$lib" ] && exit 0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/duckgate/duckdb-$version-$platform
if [ ! -e "$cache/$lib" ]; then
  command -v npm >/dev/null || { echo "npm is not installed: set DUCKDB_DOWNLOAD_LIB=1 for the crate's own downloader, or DUCKDB_LIB_DIR to a folder with $lib" >&2; exit 1; }
  tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
  (cd "$tmp" && npm pack --silent "@duckdb/node-bindings-$platform@$version" >/dev/null && tar xzf ./*.tgz)
  if [ -n "$sum" ]; then
    echo "$sum  $tmp/package/$lib" | sha256sum --check --quiet
  else
    echo "warning: no checksum is recorded for $platform yet" >&2
  fi
  mkdir -p "$cache"
  mv "$tmp/package/$lib" "$cache/$lib.part"; mv "$cache/$lib.part" "$cache/$lib"
fi
mkdir -p .duckdb
ln -sfn "$cache/$lib" ".duckdb/$lib"
