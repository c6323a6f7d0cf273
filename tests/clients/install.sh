#!/usr/bin/env bash
# Installs the drivers that tests/clients.rs runs, at pinned versions, into a cache folder. Idempotent.
#   install.sh python|node|go|java|tools|psql17|orms-python|orms-node|orms-prisma|orms-go|orms-java|orms-diesel    DUCKGATE_CLIENTS names the folder (default ~/.cache/duckgate-clients).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${DUCKGATE_CLIENTS:-$HOME/.cache/duckgate-clients}
mkdir -p "$cache"

# done_for LANGUAGE FILE…: true if what these files pin is installed already; else remembers it on `finish`.
done_for() { stamp="$cache/$1.stamp"; wanted=$(cat "${@:2}" | cksum); [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; }
finish() { echo "$wanted" >"$stamp"; }

case "${1:?python, node, go, java, tools, psql17, or orms- and python, node, prisma, go, java, diesel}" in
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
    # Their programs are what is wanted; not all of them say that they are.
    chmod +x "$cache"/tools/lib/python*/site-packages/*pgserver/pginstall*/bin/*
    finish ;;
  psql17)
    # Debian 12 has psql 15; 17 comes from Debian 13, by the mirror that this machine has, with the libraries that it needs: unpacked
    # beside the system's and run by their own loader.
    done_for psql17 "$here/psql17/packages.txt" && exit 0
    rm -rf "$cache/psql17"; mkdir -p "$cache/psql17"/{bin,packages,apt/state/lists/partial,apt/cache/archives/partial}
    cd "$cache/psql17/packages"
    mirror=$({ grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d || true; } 2>/dev/null | head -1)
    printf '%s\n' 'Types: deb' "URIs: $mirror" 'Suites: trixie' 'Components: main' \
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >"$cache/psql17/apt/trixie.sources"
    apt="$cache/psql17/apt"
    apt_get() {
      apt-get -qq -o Dir::Etc::sourcelist="$apt/trixie.sources" -o Dir::Etc::sourceparts=- -o Dir::State="$apt/state" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" -o APT::Sandbox::User="$(id -un)" "$@"
    }
    apt_get update
    mapfile -t packages <"$here/psql17/packages.txt"
    apt_get download "${packages[@]}"
    for package in *.deb; do dpkg -x "$package" ..; done
    rm -rf ../packages ../apt
    cd ..
    loader=$(echo "$PWD"/usr/lib/*/ld-linux-*.so.*)
    for program in psql pg_dump pg_restore; do
      printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' "$loader" "$(dirname "$loader")" "$PWD/usr/lib/postgresql/17/bin/$program" >"bin/$program"
      chmod +x "bin/$program"
    done
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
  orms-prisma)
    done_for orms-prisma "$here"/orms/prisma/*.{json,prisma} && exit 0
    rm -rf "$cache/orms-prisma"; mkdir -p "$cache/orms-prisma"
    cp "$here"/orms/prisma/*.{json,prisma} "$cache/orms-prisma/"
    # Its engine of migrations would be downloaded. Generating the client only wants to see that there is a program.
    export PRISMA_SCHEMA_ENGINE_BINARY=$(type -P true) CHECKPOINT_DISABLE=1
    (cd "$cache/orms-prisma" && npm ci --silent --no-audit --no-fund --ignore-scripts && npx prisma generate --schema schema.prisma >/dev/null)
    finish ;;
  orms-go)
    done_for orms-go "$here"/orms/go/go.* "$here"/orms/go/*/*.go "$here"/orms/go/ent/schema/*.go && exit 0
    # Ent generates its client beside the copy of what it is made from.
    mkdir -p "$cache/orms-go/src"
    cp -r "$here/orms/go/." "$cache/orms-go/src"
    export GOFLAGS=-mod=readonly
    cd "$cache/orms-go/src"
    # Its files are formatted side by side, and one may lack an import that it looks for in another: seen once in many runs.
    for try in 1 2 3; do
      go run entgo.io/ent/cmd/ent generate --target ent/gen --feature sql/upsert,sql/lock,sql/execquery ./ent/schema
      if go build -o "$cache/orms-go/" ./gorm ./ent; then break; fi
      [ "$try" -lt 3 ]
    done
    finish ;;
  orms-java)
    done_for orms-java "$here/orms/java/pom.xml" "$here/orms/java/HibernateApp.java" && exit 0
    rm -rf "$cache/orms-java"; mkdir -p "$cache/orms-java/classes"
    mvn --quiet --batch-mode -f "$here/orms/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$cache/orms-java/lib"
    javac -Xlint:all,-processing -d "$cache/orms-java/classes" -cp "$cache/orms-java/lib/*" "$here/orms/java/HibernateApp.java"
    finish ;;
  orms-diesel)
    # Not the gateway's target folder, which whoever runs this may hold.
    cargo build --quiet --locked --manifest-path "$here/orms/diesel/Cargo.toml" --target-dir "$cache/orms-diesel" ;;
  *) echo "unknown language $1" >&2; exit 2 ;;
esac
