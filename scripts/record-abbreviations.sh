#!/usr/bin/env bash
# Writes src/types/datetime/abbreviations.tsv from PostgreSQL's Default set of time zone abbreviations
# (first argument; Debian: /usr/share/postgresql/15/timezonesets/Default): abbreviation, seconds east or zone, daylight.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -vE '^\s*(#|$)' "$1" | sed 's/#.*//' | awk '{print tolower($1)"\t"$2"\t"($3=="D"?1:0)}' |
  LC_ALL=C sort >src/types/datetime/abbreviations.tsv
