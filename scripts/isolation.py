#!/usr/bin/env python3
"""Several sessions at once, step by step: what each is told, and who waits for whom.

    scripts/isolation.py --server 'host=… dbname=…' tests/isolation/*.txt             shows where answers differ
    scripts/isolation.py --server 'host=… dbname=…' --record tests/isolation/*.txt    writes PostgreSQL's answers into the files
    scripts/isolation.py --server 'host=… dbname=…' --gateway tests/isolation/*.txt   expects the gateway's answers
    scripts/isolation.py --server 'host=… dbname=…' --record-gateway tests/isolation/*.txt   writes them where they differ

Needs psycopg 3. A file has scenarios (`== name`), each with statements that make its tables (`setup: …`) and steps (`a: …`: the
session, then its statement; `a:` alone waits for the one that session a still waits in). Below each step stands PostgreSQL's
answer after a tab, `waits` if there is none; where the gateway's is another, that stands below it after a tab and `!`.
tests/isolation.rs holds the gateway against the files.
"""

import argparse
import sys
import threading

import psycopg
from psycopg import pq

PATIENCE = 0.4


class Session:
    def __init__(self, server):
        self.connection = psycopg.connect(server, autocommit=True)
        self.pg = self.connection.pgconn
        self.thread = None
        self.answer = None

    def begin(self, sql):
        def work():
            self.answer = told(self.pg.exec_(sql.encode()), sql)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def wait(self, patience):
        if self.thread is None:
            return "waits for nothing"
        self.thread.join(patience)
        if self.thread.is_alive():
            return "waits"
        self.thread = None
        return self.answer


def told(result, sql):
    if result.status == pq.ExecStatus.FATAL_ERROR:
        return "ERROR " + (result.error_field(pq.DiagnosticField.SQLSTATE) or b"gone").decode()
    tag = (result.command_status or b"").decode()
    if result.status != pq.ExecStatus.TUPLES_OK:
        return tag
    names = [result.fname(i).decode() for i in range(result.nfields)]
    cell = lambda r, c: "NULL" if result.get_value(r, c) is None else result.get_value(r, c).decode()
    rows = [[cell(r, c) for c in range(result.nfields)] for r in range(result.ntuples)]
    if "ORDER BY" not in sql:
        rows.sort()
    return f"{tag} ({','.join(names)}) {' '.join('|'.join(row) for row in rows)}".rstrip()


def scenarios(text):
    """(line of the file | [step line, PostgreSQL's answer, the gateway's]) by scenario."""
    head, found = [], []
    for line in text.splitlines():
        if line.startswith("== "):
            found.append((line, []))
        elif not found:
            head.append(line)
        elif line.startswith("\t! "):
            found[-1][1][-1][2] = line[3:]
        elif line.startswith("\t"):
            found[-1][1][-1][1] = line[1:]
        else:
            found[-1][1].append([line, None, None])
    return head, found


def is_step(line):
    return len(line) > 1 and line[1] == ":"


def run(server, steps):
    sessions = {}
    answers = []
    control = psycopg.connect(server, autocommit=True)
    control.execute("DROP SCHEMA IF EXISTS iso CASCADE")
    control.execute("CREATE SCHEMA iso")
    control.execute("SET search_path = iso, public")
    for line, _, _ in steps:
        if line.startswith("setup: "):
            control.execute(line[len("setup: "):])
    for line, _, _ in steps:
        if not is_step(line):
            answers.append(None)
            continue
        name, sql = line[0], line[2:].strip()
        if name not in sessions:
            sessions[name] = Session(server)
            sessions[name].connection.execute("SET search_path = iso, public")
        session = sessions[name]
        if sql:
            session.begin(sql)
            answers.append(session.wait(PATIENCE))
        else:
            answers.append(session.wait(20))
    for session in sessions.values():
        if session.thread is not None:
            session.connection.cancel()
            session.thread.join(5)
        session.connection.close()
    control.execute("DROP SCHEMA iso CASCADE")
    control.close()
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--gateway", action="store_true")
    parser.add_argument("--record-gateway", action="store_true", help="writes where the gateway's answers are others: read them!")
    parser.add_argument("--only", default="")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    wrong = 0
    for path in args.files:
        head, found = scenarios(open(path).read())
        out = list(head)
        for name, steps in found:
            out.append(name)
            answers = run(args.server, steps) if args.only in name else [step[1] for step in steps]
            for step, answer in zip(steps, answers):
                line, postgres, gateway = step
                out.append(line)
                if not is_step(line):
                    continue
                expected = gateway if args.gateway and gateway else postgres
                if args.record_gateway:
                    gateway = answer if answer != postgres else None
                elif args.only in name and answer != expected and not args.record:
                    wrong += 1
                    print(f"{name}\n  {line}\n  - {expected}\n  + {answer}")
                out.append("\t" + (answer if args.record else postgres or ""))
                if gateway:
                    out.append("\t! " + gateway)
        if args.record or args.record_gateway:
            open(path, "w").write("\n".join(out) + "\n")
    print(f"{wrong} answers differ" if not args.record else "recorded")
    sys.exit(wrong > 0)


main()
