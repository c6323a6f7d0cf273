#!/usr/bin/env bash
# Builds the gateway if need be and starts it with TPC-H sample data. Arguments go to `duckgate demo` (--scale 1).
set -euo pipefail
cd "$(dirname "$0")/.."
[ -n "${DUCKDB_LIB_DIR:-}" ] || scripts/duckdb-lib.sh
exec cargo run --quiet -- demo "$@"
