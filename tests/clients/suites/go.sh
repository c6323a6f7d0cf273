#!/usr/bin/env bash
# Runs a Go driver's own test suite, from its module, against a gateway: go.sh pq|pgx [arguments of the test binaries]
#
# As run.sh: without PGHOST it starts a gateway of its own; gaps/NAME.tsv lists the tests that are expected to fail, each with
# its reason. GAPS=none expects every test to pass (PostgreSQL itself, with the role and the domain below).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
name=${1:?pq or pgx}; shift
work=${DUCKGATE_CLIENTS:-$HOME/.cache/duckgate-clients}/suites/go-$name
mkdir -p "$work"

case "$name" in
  pq)  module=github.com/lib/pq version=v1.10.9 packages=(. hstore)
    # Left out: certificates and roles of the authors' own server, and what prints to be compared with a text.
    skip='^(TestSSL|TestPGPass|TestNewConnector_WorksWithOpenDB|TestConnectorWithNotificationHandler|Example|TestRuntimeParameters|TestIsUTF8|TestHasCorrectRootGroupPermissions)' ;;
  pgx) module=github.com/jackc/pgx/v5 version=v5.7.6 packages=(. pgconn pgtype pgxpool stdlib)
    # Left out: what takes minutes by design, and examples that have a server of their own.
    skip='Stress|^Example' ;;
  *) echo "no suite $name" >&2; exit 2 ;;
esac

if [ "$(cat "$work/stamp" 2>/dev/null)" != "$module@$version" ]; then
  rm -rf "$work/src" "$work/bin"; mkdir -p "$work/bin" "$work/module"
  folder=$(cd "$work/module" && { [ -e go.mod ] || go mod init suite >/dev/null 2>&1; } \
    && go mod download -json "$module@$version" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')
  cp -r "$folder" "$work/src"; chmod -R u+w "$work/src"
  for package in "${packages[@]}"; do
    (cd "$work/src" && go test -c -o "$work/bin/${package/#./root}.test" "./$package")
  done
  echo "$module@$version" >"$work/stamp"
fi

PGUSER=${PGUSER:-postgres} PGDATABASE=${PGDATABASE:-postgres}
. "$here/gateway.sh"
export PGSSLMODE=disable PGUSER PGDATABASE
export PGX_TEST_DATABASE="host=$PGHOST port=$PGPORT user=$PGUSER password=$PGPASSWORD dbname=$PGDATABASE"
unset_all=()
if [ "$name" = pgx ]; then
  # What its own set-up makes; its tests of the environment want one without a server's address.
  PGPASSWORD=$PGPASSWORD psql -Xqc 'CREATE DOMAIN uint64 AS numeric(20,0)' 2>/dev/null || true
  unset_all=(env -u PGHOST -u PGPORT -u PGUSER -u PGPASSWORD -u PGDATABASE -u PGSSLMODE)
fi

: >"$work/log"
for package in "${packages[@]}"; do
  echo "=== PACKAGE ${package/#./$name}" >>"$work/log"
  (cd "$work/src/$package" && timeout -k 10 "${SUITE_LIMIT:-600}" "${unset_all[@]}" "$work/bin/${package/#./root}.test" -test.v -test.skip "$skip" "$@") \
    >>"$work/log" 2>&1 || true
done
python3 "$here/go_results.py" "$work/log" "$work/results.xml"
gaps=$here/gaps/$name.tsv
if [ "${GAPS:-}" = none ]; then gaps=/dev/null; fi
python3 "$here/compare.py" "$name" "$work/results.xml" "$gaps"
