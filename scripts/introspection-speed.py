#!/usr/bin/env python3
"""How long the statements of tools that read the catalog take beside many tables.

  introspection-speed.py write FOLDER [TABLES [COLUMNS]]   schema files, by default 1,000 tables of 50 columns
  introspection-speed.py run CORPUS [MILLISECONDS]         every CORPUS/*/*.sql of tier core, three times each; what takes longer

`run` asks the server that PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE name; it is to hold those tables and the corpus's
own sample schema. The best of three counts; the first, which also compiles, is printed beside it. Needs psycopg 3.
"""
import glob
import os
import re
import sys
import time

TYPES = ["integer", "text not null default ''", "numeric(12,2)", "timestamptz default now()", "varchar(40)", "date", "boolean"]


def write(folder, tables=1000, columns=50):
    os.makedirs(folder, exist_ok=True)
    for table in range(tables):
        lines = ["[[table]]", f'name = "wide_{table}"', 'primary_key = "id"', "", "[table.columns]", 'id = "bigint"']
        lines += [f'column_{n} = "{TYPES[n % len(TYPES)]}"' for n in range(1, columns)]
        lines += ["", "[[table.index]]", 'columns = ["column_1"]', ""]
        with open(os.path.join(folder, f"wide_{table}.toml"), "w") as file:
            file.write("\n".join(lines))


def find(cursor, what):
    """The OID of what a header names: `kind schema.name`."""
    kind, _, name = what.partition(" ")
    parts = [p.strip('"') for p in re.findall(r'"[^"]+"|[^.\s]+', name)]
    table, column, schema = {
        "class": ("pg_class", "relname", "relnamespace"),
        "type": ("pg_type", "typname", "typnamespace"),
        "proc": ("pg_proc", "proname", "pronamespace"),
        "constraint": ("pg_constraint", "conname", None),
        "namespace": ("pg_namespace", "nspname", None),
        "role": ("pg_roles", "rolname", None),
    }.get(kind, (None, None, None))
    if not table:
        return None
    where = f" and {schema} = (select oid from pg_namespace where nspname = %s)" if schema else ""
    values = [parts[-1]] + ([parts[0]] if schema else [])
    row = cursor.execute(f"select oid from pg_catalog.{table} where {column} = %s{where}", values).fetchone()
    return str(row[0]) if row else None


def statement(path, cursor, found):
    text = open(path).read()
    header = [line for line in text.split("\n") if re.match(r"-- (tool|source|how|tier|oid):", line)]
    if "-- tier: core" not in header:
        return None
    oids = {}
    for line in header:
        known = re.match(r"-- oid: (\d+) = (.*)", line)
        if known:
            if known[2] not in found:
                found[known[2]] = find(cursor, known[2])
            oids[known[1]] = found[known[2]] or known[1]
    return re.sub(r"(?<![\w.])(\d{5,6})(?![\w.])", lambda n: oids.get(n[1], n[1]), text[len("\n".join(header)) + 1 :])


def run(corpus, limit=50.0):
    import psycopg

    connection = psycopg.connect(autocommit=True, prepare_threshold=None)
    cursor, found, times, failed = connection.cursor(), {}, [], 0
    for path in sorted(glob.glob(os.path.join(corpus, "*", "*.sql"))):
        if os.path.basename(os.path.dirname(path)) == "schema":
            continue
        sql = statement(path, cursor, found)
        if sql is None or re.match(r"(?i)\s*(discard|copy)", sql):
            continue
        taken = []
        for _ in range(3):
            connection.pgconn.exec_(b"begin")
            began = time.perf_counter()
            result = connection.pgconn.exec_(sql.encode())
            taken.append((time.perf_counter() - began) * 1000)
            failed += len(taken) == 1 and result.status not in (1, 2)
            connection.pgconn.exec_(b"rollback")
        times.append((min(taken), taken[0], os.path.relpath(path, corpus), result.ntuples))
    times.sort(reverse=True)
    slow = [t for t in times if t[0] > limit]
    for best, first, path, rows in slow:
        print(f"{best:9.1f} ms (first {first:9.1f})  {rows:7d} rows  {path}")
    total = sum(t[0] for t in times)
    print(f"{len(times)} statements, {failed} failed, {len(slow)} over {limit:g} ms, {total / 1000:.2f} s in all")


if __name__ == "__main__":
    verb, *rest = sys.argv[1:] or ["help"]
    if verb == "write" and rest:
        write(rest[0], *map(int, rest[1:]))
    elif verb == "run" and rest:
        run(rest[0], *map(float, rest[1:]))
    else:
        sys.exit(__doc__)
