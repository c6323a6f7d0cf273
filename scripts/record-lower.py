#!/usr/bin/env python3
"""Records what a real PostgreSQL answers to the cases of src/sql/lower/tests: record-lower.py 'host=… user=… dbname=…'.

Each case runs on fresh tables. Needs psql; writes recorded.txt and functions.txt beside the cases (only those that a second argument names, if given).
"""
import pathlib, subprocess, sys

here = pathlib.Path(__file__).resolve().parent.parent / "src/sql/lower/tests"
base = (here / "schema.sql").read_text() + (here / "data.sql").read_text()
for cases, answers in (("cases.sql", "recorded.txt"), ("functions.sql", "functions.txt")):
    if len(sys.argv) > 2 and cases not in sys.argv[2:]:
        continue
    out = []
    for case in (here / cases).read_text().splitlines():
        if not case.strip():
            continue
        script = f"set client_min_messages = error; drop schema if exists public cascade; create schema public;\n{base}\n\\echo ====\n\\set VERBOSITY sqlstate\n{case};\n"
        run = subprocess.run(["psql", "-X", "-q", "-At", "-F", "|", "-P", "null=NULL", sys.argv[1]], input=script, capture_output=True, text=True)
        rows = run.stdout.split("====\n", 1)[1].rstrip("\n")
        error = [l for l in run.stderr.splitlines() if "ERROR" in l]
        if error:
            rows = "ERROR " + error[0].split()[-1]
        out.append(f"# {case}\n{rows}\n")
    (here / answers).write_text("\n".join(out))
