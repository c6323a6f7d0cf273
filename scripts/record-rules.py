#!/usr/bin/env python3
"""Writes PostgreSQL's answers into tests/rules/*.txt (but into files whose first line begins with "# ours").

Usage: record-rules.py "host=… user=postgres password=…" [file …]. Makes and drops the database rr_rules and roles rr_…
The format is said in src/session/tests/rules.rs.
"""
import pathlib
import sys

import psycopg

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "rules"


def forget(root):
    root.execute("drop database if exists rr_rules with (force)")
    roles = root.execute(r"select quote_ident(rolname) from pg_roles where rolname like 'rr\_%'").fetchall()
    for (role,) in roles:
        root.execute(f"drop role {role}")


def answer(connection, text):
    lines = []
    try:
        cursor = connection.execute(text)
    except psycopg.Error as error:
        detail = (error.diag.message_detail or "").splitlines()
        return [f"{error.sqlstate} {error.diag.message_primary}"] + [f"  {line}" for line in detail]
    while True:
        result = cursor.pgresult
        if result.nfields:
            rows = []
            for i in range(result.ntuples):
                values = (result.get_value(i, j) for j in range(result.nfields))
                rows.append("|".join("NULL" if v is None else v.decode() for v in values))
            lines += sorted(rows)
        lines.append(cursor.statusmessage)
        if not cursor.nextset():
            return lines


def record(path, dsn):
    root = psycopg.connect(f"{dsn} dbname=postgres", autocommit=True)
    forget(root)
    root.execute("create database rr_rules")
    sessions, out = {}, []
    for line in path.read_text().splitlines():
        if line.startswith("    "):
            continue
        out.append(line)
        if not line or line.startswith("#"):
            continue
        role, text = line.split(": ", 1)
        stays = role.endswith("!") or role == "root"
        role = role.rstrip("!")
        if role not in sessions:
            sessions[role] = psycopg.connect(f"{dsn} dbname=rr_rules", autocommit=True)
            if role != "root":
                sessions[role].execute(f"set session authorization {role}")
        session = sessions[role]
        if not stays:
            session.execute("begin")
        lines = answer(session, text)
        if not stays:
            session.execute("rollback")
        if stays and role == "root":
            assert not any(l[:5].isalnum() and l[5:6] == " " and l[:2].isdigit() for l in lines), (path, text, lines)
            continue
        out += [f"    {l}" for l in lines]
    for session in sessions.values():
        session.close()
    forget(root)
    path.write_text("\n".join(out) + "\n")


def main():
    dsn, names = sys.argv[1], sys.argv[2:]
    for path in sorted(FOLDER.glob("*.txt")):
        if not path.read_text().startswith("# ours") and (not names or path.name in names):
            record(path, dsn)


main()
