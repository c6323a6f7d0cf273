#!/usr/bin/env python3
"""Records what a real PostgreSQL answers to the cases of src/sql/lower/tests: record-lower.py 'host=… user=… dbname=…'.

Each case runs on fresh tables. Needs psql; writes recorded.txt beside the cases.
"""
import pathlib, subprocess, sys

here = pathlib.Path(__file__).resolve().parent.parent / "src/sql/lower/tests"
base = (here / "schema.sql").read_text() + (here / "data.sql").read_text()
out = []
for case in (here / "cases.sql").read_text().splitlines():
    if not case.strip():
        continue
    script = f"set client_min_messages = error; drop schema if exists public cascade; create schema public;\n{base}\n\\echo ====\n\\set VERBOSITY sqlstate\n{case};\n"
    run = subprocess.run(["psql", "-X", "-q", "-At", "-F", "|", "-P", "null=NULL", sys.argv[1]], input=script, capture_output=True, text=True)
    rows = run.stdout.split("====\n", 1)[1].rstrip("\n")
    error = [l for l in run.stderr.splitlines() if "ERROR" in l]
    if error:
        rows = "ERROR " + error[0].split()[-1]
    out.append(f"# {case}\n{rows}\n")
(here / "recorded.txt").write_text("\n".join(out))
