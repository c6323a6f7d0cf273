#!/usr/bin/env bash
# Runs a driver's own test suite, from its source package, against a gateway: run.sh asyncpg|pg8000|psycopg2 [pytest arguments]
#
# Without PGHOST it starts a gateway of its own (the debug build); with PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE it
# uses that server. gaps/NAME.tsv lists the tests that are expected to fail, each with its reason: any other failure is an
# error, and so is a listed test that passes. GAPS=none expects every test to pass (PostgreSQL itself).
# A suite takes minutes. SLICE=1 runs the part of it that tests/suites.rs, and so the one test command, runs each time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
name=${1:?asyncpg, pg8000 or psycopg2}; shift
work=${DUCKGATE_CLIENTS:-$HOME/.cache/duckgate-clients}/suites/$name
mkdir -p "$work"

case "$name" in
  asyncpg)  package=asyncpg==0.32.0 installed=asyncpg==0.32.0 folder=tests
    extra=(distro uvloop)
    # Left out: tests of its own source's style, and those that start servers of their own.
    skip=(--ignore=tests/test__sourcecode.py --ignore=tests/test__environment.py --ignore=tests/test_subinterpreters.py
          -k "not standby and not target_attribute and not target_server_attribute and not invalidation_in_pool")
    slice=(tests/test_{execute,cursor,listeners,cancellation,record,connect,timeout,introspection,exceptions,adversity}.py) ;;
  pg8000)   package=pg8000==1.31.6 installed=pg8000==1.31.6 folder=test
    extra=(pytest-mock pytest-benchmark pytz hatchling versioningit)
    # Left out: authentication against other pg_hba.conf files, an extension, a stress test without assertions.
    skip=(--benchmark-disable --ignore=test/dbapi/auth --ignore=test/legacy/auth --ignore=test/native/auth
          --ignore=test/legacy/stress.py --ignore=test/test_readme.py -k "not hstore and not broken_pipe_read")
    slice=(test/native/test_{connection,copy,prepared_statement,core}.py test/dbapi/test_{connection,copy,dbapi,paramstyle}.py) ;;
  psycopg2) package=psycopg2==2.9.13 installed=psycopg2-binary==2.9.13 folder=tests
    extra=()
    # Left out: replication, large objects, two-phase commit, and a test of the C API's pointers.
    skip=(--ignore=tests/test_replication.py --ignore=tests/test_lobject.py -k "not pgconn_ptr and not tpc and not Tpc and not TPC")
    slice=(tests/test_{connection,cursor,copy,transaction,cancel,dates,types_basic,types_extras,psycopg2_dbapi20,with,quote,module}.py) ;;
  *) echo "no suite $name" >&2; exit 2 ;;
esac

if [ "$(cat "$work/stamp" 2>/dev/null)" != "$installed" ]; then
  rm -rf "$work/venv" "$work/src"; mkdir -p "$work/src"
  python3 -m venv "$work/venv"
  pip=("$work/venv/bin/pip" --quiet --disable-pip-version-check)
  "${pip[@]}" install "$installed" 'pytest<9' pytest-timeout setuptools wheel 'cython<4' "${extra[@]}"
  # Building metadata of a source package may need what is not here; the archive is all that is wanted.
  (cd "$work/src" && "${pip[@]}" download --no-deps --no-binary :all: --no-build-isolation "$package" >/dev/null 2>&1 \
     || "${pip[@]}" download --no-deps --no-binary "${package%%==*}" "$package")
  (cd "$work/src" && tar xzf ./*.tar.gz)
  echo "$installed" >"$work/stamp"
fi

# The tests away from the sources, which would hide the installed driver.
rm -rf "$work/run"; mkdir -p "$work/run"
cp -r "$work"/src/*/"$folder" "$work/run/"; cp "$work"/src/*/README* "$work/run/" 2>/dev/null || true
cd "$work/run"

if [ -z "${PGHOST:-}" ]; then
  # These suites log in as this role, to the database of its name.
  PGUSER=duckgate PGDATABASE=duckgate
  if [ "$name" != psycopg2 ]; then PGUSER=postgres PGDATABASE=postgres; fi
fi
. "$here/gateway.sh"
export PSYCOPG2_TESTDB=$PGDATABASE PSYCOPG2_TESTDB_HOST=$PGHOST PSYCOPG2_TESTDB_PORT=$PGPORT PSYCOPG2_TESTDB_USER=$PGUSER \
  PSYCOPG2_TESTDB_PASSWORD=$PGPASSWORD

targets=("$folder"); part=()
if [ -n "${SLICE:-}" ]; then targets=("${slice[@]}"); part=(part); fi
timeout -k 10 "${SUITE_LIMIT:-900}" "$work/venv/bin/python" -m pytest "${targets[@]}" -q -p no:cacheprovider --tb=native --timeout=40 \
  --junitxml="$work/results.xml" "${skip[@]}" "$@" >"$work/pytest.log" 2>&1 || true
tail -1 "$work/pytest.log"
if [ "${GAPS:-}" = none ]; then gaps=/dev/null; else gaps=$here/gaps/$name.tsv; fi
python3 "$here/compare.py" "$name" "$work/results.xml" "$gaps" "${part[@]}"
