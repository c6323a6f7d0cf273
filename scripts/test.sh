#!/usr/bin/env bash
# The one test command: fetches DuckDB's library, builds, runs every test, and tells how long each part took.
# Arguments go to `cargo test` (scripts/test.sh --test transcripts). A PostgreSQL server is not needed.
set -euo pipefail
cd "$(dirname "$0")/.."
# A folder named by DUCKDB_LIB_DIR wins over the one that the script fills.
[ -n "${DUCKDB_LIB_DIR:-}" ] || scripts/duckdb-lib.sh
log=$(mktemp); trap 'rm -f "$log"' EXIT
start=$SECONDS
cargo test --no-run "$@"
built=$((SECONDS - start))
status=0
cargo test --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
echo
echo "time per part (build: ${built}s, all: $((SECONDS - start))s)"
awk '/^ +Running /{part=$2=="unittests"?$3:$2} /^ +Doc-tests /{part="doc-tests"}
     /^test result:/{sub(/.*finished in /,""); printf "  %-28s %s\n", part, $0}' "$log"
grep -E '^SKIPPED' "$log" || true
exit "$status"
