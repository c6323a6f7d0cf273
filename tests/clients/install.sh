#!/usr/bin/env bash
# Installs the drivers that tests/clients.rs runs, at pinned versions, into a cache folder. Idempotent.
#   install.sh python|node|go|java|tools|orms-python|orms-node    DUCKGATE_CLIENTS names the folder (default ~/.cache/duckgate-clients).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${DUCKGATE_CLIENTS:-$HOME/.cache/duckgate-clients}
mkdir -p "$cache"

# done_for LANGUAGE FILE…: true if what these files pin is installed already; else remembers it on `finish`.
done_for() { stamp="$cache/$1.stamp"; wanted=$(cat "${@:2}" | cksum); [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; }
finish() { echo "$wanted" >"$stamp"; }

case "${1:?python, node, go, java, tools, orms-python or orms-node}" in
  python)
    done_for python "$here/python/requirements.txt" && exit 0
    rm -rf "$cache/python"
    python3 -m venv "$cache/python"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check -r "$here/python/requirements.txt"
    finish ;;
  node)
    done_for node "$here/node/package.json" "$here/node/package-lock.json" && exit 0
    mkdir -p "$cache/node"
    cp "$here/node/package.json" "$here/node/package-lock.json" "$cache/node/"
    (cd "$cache/node" && npm ci --silent --no-audit --no-fund)
    finish ;;
  go)
    # Built once, run as programs; Go keeps its own cache of modules and packages.
    mkdir -p "$cache/go"
    (cd "$here/go" && GOFLAGS=-mod=readonly go build -o "$cache/go/" ./pgx ./pq ./types) ;;
  java)
    done_for java "$here/java/pom.xml" "$here/java/PgJdbc.java" "$here/tools/java/Metadata.java" && exit 0
    rm -rf "$cache/java"; mkdir -p "$cache/java/classes"
    mvn --quiet --batch-mode -f "$here/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/java/lib"
    javac -Xlint:all -d "$cache/java/classes" -cp "$cache/java/lib/*" "$here/java/PgJdbc.java" "$here/tools/java/Metadata.java"
    finish ;;
  tools)
    done_for tools "$here/tools/requirements.txt" && exit 0
    rm -rf "$cache/tools"
    python3 -m venv "$cache/tools"
    "$cache/tools/bin/pip" install --quiet --disable-pip-version-check -r "$here/tools/requirements.txt"
    # Their psql is what is wanted; not all of them say that it is a program.
    chmod +x "$cache"/tools/lib/python*/site-packages/*pgserver/pginstall*/bin/psql
    finish ;;
  orms-python)
    done_for orms-python "$here/orms/requirements.txt" && exit 0
    rm -rf "$cache/orms-python"
    python3 -m venv "$cache/orms-python"
    "$cache/orms-python/bin/pip" install --quiet --disable-pip-version-check -r "$here/orms/requirements.txt"
    finish ;;
  orms-node)
    done_for orms-node "$here/orms/package.json" "$here/orms/package-lock.json" && exit 0
    mkdir -p "$cache/orms-node"
    cp "$here/orms/package.json" "$here/orms/package-lock.json" "$cache/orms-node/"
    (cd "$cache/orms-node" && npm ci --silent --no-audit --no-fund --ignore-scripts)
    finish ;;
  *) echo "unknown language $1" >&2; exit 2 ;;
esac
