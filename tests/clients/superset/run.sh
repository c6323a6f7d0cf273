#!/usr/bin/env bash
# Starts Apache Superset (from PyPI, into the cache folder) against a gateway and lets it look: run.sh [FILE.png]
#
# Without PGHOST it starts a gateway of its own (the debug build). What look.py prints must be what it printed over PostgreSQL 15
# (recorded.txt; RECORD=1 with PGHOST … writes it). With a file name, and Chromium with its driver installed, the chart is opened in
# it headless, and what it shows is kept there. Takes some minutes, a gigabyte of disk and of memory: not part of the one test command.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=${DUCKGATE_CLIENTS:-$HOME/.cache/duckgate-clients}/superset
port=${SUPERSET_PORT:-8089}
mkdir -p "$work"
python=${SUPERSET_PYTHON:-$work/venv/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
fi

if [ -z "${PGHOST:-}" ]; then PGUSER=duckgate PGDATABASE=shop; fi
. "$here/../suites/gateway.sh"
psql -q -v ON_ERROR_STOP=1 -h "$PGHOST" -p "$PGPORT" -U "$PGUSER" -d "$PGDATABASE" -f "$here/tables.sql"

export SUPERSET_CONFIG_PATH="$work/superset_config.py" SUPERSET_HOME="$work/home" FLASK_APP="superset.app:create_app()"
export DATABASE="$work/superset.db"
cat >"$SUPERSET_CONFIG_PATH" <<'PY'
import os
SECRET_KEY = "for a test that nobody else reaches"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["DATABASE"]
WTF_CSRF_ENABLED = TALISMAN_ENABLED = RATELIMIT_ENABLED = False
PY
superset() { "$(dirname "$python")/superset" "$@"; }
if [ ! -e "$work/ready" ]; then
  rm -f "$DATABASE"
  superset db upgrade >"$work/setup.log" 2>&1
  superset fab create-admin --username admin --firstname a --lastname b --email a@example.org --password admin >>"$work/setup.log" 2>&1
  superset init >>"$work/setup.log" 2>&1
  touch "$work/ready"
fi
"$python" -m gunicorn -w 1 --threads 4 -k gthread -b "127.0.0.1:$port" --timeout 120 "superset.app:create_app()" >"$work/serve.log" 2>&1 &
server=$!
trap 'kill $server ${gateway:-} 2>/dev/null || true' EXIT
for _ in $(seq 120); do
  if curl -sf -o /dev/null "http://127.0.0.1:$port/health"; then break; fi
  kill -0 $server; sleep 1
done

"$python" "$here/look.py" "http://127.0.0.1:$port" "postgresql://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE" \
  >"$work/seen.txt" 2>"$work/chart"
if [ -n "${RECORD:-}" ]; then cp "$work/seen.txt" "$here/recorded.txt"; fi
diff "$here/recorded.txt" "$work/seen.txt" && echo "superset sees what it sees over PostgreSQL"
if [ -n "${1:-}" ]; then
  "$python" "$here/shot.py" "http://127.0.0.1:$port" "$(sed 's/chart //' "$work/chart")" "$1"
fi
