#!/usr/bin/env python3
"""Writes tests/types/*.tsv: what a real PostgreSQL 15 answers for each type's input, output and binary functions, for
numeric arithmetic and for COPY. libpq's environment variables say which server; the cases are in tests/types/cases.py."""
import os, pathlib, re, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/types"
sys.path.insert(0, str(FOLDER))
import cases

SETUP = r"""
SET client_min_messages = error;
CREATE TYPE pg_temp.answer AS (code text, result text, hex text, detail text);
CREATE FUNCTION pg_temp.ask(query text) RETURNS pg_temp.answer LANGUAGE plpgsql AS $$
DECLARE a pg_temp.answer; state text; message text; detail text; hint text;
BEGIN
  EXECUTE query INTO a.result, a.hex;
  a.code := '00000';
  RETURN a;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  a.code := state; a.result := message; a.detail := nullif(detail, '');
  RETURN a;
END $$;
CREATE FUNCTION pg_temp.value_query(declared text, input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE t record; typmod int; call text;
BEGIN
  EXECUTE format('CREATE TEMP TABLE probe (c %s)', declared);
  SELECT atttypid, atttypmod INTO t FROM pg_attribute WHERE attrelid = 'probe'::regclass AND attnum = 1;
  typmod := t.atttypmod;
  DROP TABLE probe;
  SELECT * INTO t FROM pg_type WHERE oid = t.atttypid;
  IF t.typcategory = 'A' THEN
    call := format('%L::%s', input, declared);
  ELSIF (SELECT pronargs FROM pg_proc WHERE oid = t.typinput) = 1 THEN
    call := format('%s(%L::cstring)', t.typinput, input);
  ELSE
    call := format('%s(%L::cstring, %s::oid, %s)', t.typinput, input, t.typelem, typmod);
  END IF;
  RETURN format('SELECT %s(v)::text, encode(%s(v), ''hex'') FROM (SELECT %s AS v OFFSET 0) q', t.typoutput, t.typsend, call);
END $$;
CREATE TEMP TABLE cases (n int, kind text, declared text, input text, settings text);
CREATE TEMP TABLE answers (n int, code text, result text, hex text, detail text);
"""

RUN = r"""
DO $$
DECLARE c record; pair text; a pg_temp.answer; q text;
BEGIN
  FOR c IN SELECT * FROM cases ORDER BY n LOOP
    RESET datestyle; RESET intervalstyle; RESET bytea_output; RESET extra_float_digits; SET timezone = 'UTC';
    SET datestyle = 'ISO, MDY';
    FOREACH pair IN ARRAY string_to_array(c.settings, ';') LOOP
      PERFORM set_config(split_part(pair, '=', 1), split_part(pair, '=', 2), false);
    END LOOP;
    q := CASE c.kind WHEN 'value' THEN pg_temp.value_query(c.declared, c.input)
                     ELSE format('SELECT (%s)::text, NULL::text', c.input) END;
    a := pg_temp.ask(q);
    INSERT INTO answers VALUES (c.n, a.code, a.result, a.hex, a.detail);
  END LOOP;
END $$;
"""


def escape(field):
    if field is None:
        return "\\N"
    return field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\v", "\\v").replace("\f", "\\f").replace("\b", "\\b")


def record(name, rows):
    script = SETUP + "COPY cases FROM STDIN;\n"
    for n, (kind, declared, text, settings) in enumerate(rows):
        script += "\t".join([str(n), kind, escape(declared), escape(text), escape(settings)]) + "\n"
    script += "\\.\n" + RUN
    script += (
        "COPY (SELECT c.declared, c.input, c.settings, a.code, a.result, a.hex, a.detail"
        " FROM cases c JOIN answers a USING (n) ORDER BY n) TO STDOUT WITH (HEADER);\n"
    )
    out = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=script, text=True, capture_output=True,
        env={**os.environ, "PGCLIENTENCODING": "UTF8"})
    if out.returncode:
        sys.exit(out.stderr[-2000:])
    (FOLDER / f"{name}.tsv").write_text(out.stdout)
    print(f"{name}.tsv: {len(rows)} cases")


def record_copy():
    """Each case is its own psql run: options, column definitions, data; rows or SQLSTATE, message and CONTEXT come back."""
    lines = ["columns\toptions\tdata\tcode\tresult\tcontext\ttext\tcsv\n"]
    for columns, options, data in cases.copy_cases():
        commands = [
            f"SET client_min_messages=error; CREATE TEMP TABLE t ({columns})", "\\set VERBOSITY verbose",
            f"\\copy t FROM pstdin WITH ({options})", "COPY t TO STDOUT", "\\echo ----", "COPY t TO STDOUT (FORMAT csv)",
        ]
        arguments = [word for command in commands for word in ("-c", command)]
        out = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments], input=data, capture_output=True)
        if out.returncode == 0:
            text, csv = out.stdout.decode().split("----\n")
            row = [columns, options, data.decode("latin-1"), "00000", "", None, text, csv]
        else:
            err = out.stderr.decode()
            first = re.split("\n(?:DETAIL|HINT|CONTEXT|LOCATION):  ", err)[0]
            code, message = first.removeprefix("ERROR:  ").split(": ", 1)
            context = err.split("CONTEXT:  ", 1)[1].rsplit("\nLOCATION:", 1)[0].rstrip("\n") if "CONTEXT:  " in err else None
            row = [columns, options, data.decode("latin-1"), code, message, context, None, None]
        lines.append("\t".join(escape(f) for f in row) + "\n")
    (FOLDER / "copy.tsv").write_text("".join(lines))
    print(f"copy.tsv: {len(lines) - 1} cases")


record("values", cases.value_cases())
record("numeric", cases.numeric_cases())
record_copy()
