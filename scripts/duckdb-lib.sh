#!/usr/bin/env bash
# Puts DuckDB's official shared library (1.5.5) into .duckdb/, where .cargo/config.toml looks for it. Idempotent.
# It comes from the npm package of DuckDB's own Node bindings, checked against the sums below; without npm, the build
# falls back to the duckdb crate's downloader (DUCKDB_DOWNLOAD_LIB=1).
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.5.5-r.5
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 lib=libduckdb.so sum=fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405 ;;
  Linux-aarch64) platform=linux-arm64 lib=libduckdb.so sum=d00d007f3f7ca1f2896a5e4b89c2ce141bf0508506a9d6d56f9598b8e59d074e ;;
  Darwin-x86_64) platform=darwin-x64 lib=libduckdb.dylib sum=b9027d18ef3e8d960568f77e946a83ca68009cb22d71cf7f94de842afdd094d8 ;;
  Darwin-arm64) platform=darwin-arm64 lib=libduckdb.dylib sum=b9027d18ef3e8d960568f77e946a83ca68009cb22d71cf7f94de842afdd094d8 ;;
  *) echo "no prebuilt DuckDB library for this platform: build with --features bundled" >&2; exit 1 ;;
esac
[ -e ".duckdb/$lib" ] && exit 0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/duckgate/duckdb-$version-$platform
if [ ! -e "$cache/$lib" ]; then
  command -v npm >/dev/null || { echo "npm is not installed: set DUCKDB_DOWNLOAD_LIB=1 for the crate's own downloader, or DUCKDB_LIB_DIR to a folder with $lib" >&2; exit 1; }
  tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
  (cd "$tmp" && npm pack --silent "@duckdb/node-bindings-$platform@$version" >/dev/null && tar xzf ./*.tgz)
  # macOS has shasum, not sha256sum.
  sha256=$(command -v sha256sum || echo "shasum -a 256")
  echo "$sum  $tmp/package/$lib" | $sha256 --check --quiet
  mkdir -p "$cache"
  mv "$tmp/package/$lib" "$cache/$lib.part"; mv "$cache/$lib.part" "$cache/$lib"
fi
mkdir -p .duckdb
ln -sfn "$cache/$lib" ".duckdb/$lib"
