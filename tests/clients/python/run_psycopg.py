"""psycopg 3: text and binary, prepared statements, pipeline, server-side cursors, COPY, errors, cancel."""
import datetime as dt
import decimal
import threading
import uuid

import psycopg
from harness import check, equal, raises, run
from psycopg import sql

VALUES = {
    "boolean": [True, False],
    "smallint": [-32768, 32767],
    "integer": [-2147483648, 2147483647],
    "bigint": [-9223372036854775808, 9223372036854775807],
    "real": [1.5, -0.25],
    "double precision": [0.1, 1e300],
    "numeric": [decimal.Decimal("123456789012345678901234567890.123456789"), decimal.Decimal("-0.00")],
    "text": ["", "äöü€😀", "a'b\\c"],
    "varchar(5)": ["abcde"],
    "bytea": [b"", b"\x00\xff\x10"],
    "date": [dt.date(2024, 2, 29), dt.date(1, 1, 1)],
    "time": [dt.time(23, 59, 59, 999999)],
    "timestamp": [dt.datetime(2024, 2, 29, 12, 34, 56, 789000)],
    "timestamptz": [dt.datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=dt.timezone.utc)],
    "interval": [dt.timedelta(days=3, hours=4, microseconds=5)],
    "uuid": [uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")],
    "integer[]": [[1, None, 3], []],
    "text[]": [["a", "b c", None, ""]],
}


def connect(**named):
    return psycopg.connect(autocommit=True, **named)


@check
def the_connection_is_encrypted_as_asked(c):
    import os
    if os.environ.get("PGSSLMODE") in ("require", "verify-ca", "verify-full"):
        assert c.pgconn.ssl_in_use
    equal(c.info.server_version // 10000, 15)
    equal(c.info.parameter_status("standard_conforming_strings"), "on")


@check
def every_type_goes_both_ways_in_text_and_in_binary(c):
    for name, values in VALUES.items():
        for value in values + [None]:
            for placeholder in ("%t", "%b"):
                for binary in (False, True):
                    query = f"SELECT {placeholder}::{name} AS v"
                    got = c.cursor(binary=binary).execute(query, [value]).fetchone()[0]
                    assert got == value, f"{name} {placeholder} binary={binary}: {got!r} instead of {value!r}"


@check
def a_statement_is_prepared_after_five_executions(c):
    for n in range(10):
        equal(c.execute("SELECT %s::int4 * 2", [n]).fetchone()[0], n * 2)
    c.execute("SELECT %s::text || 'x'", ["a"], prepare=True)
    equal(c.execute("SELECT %s::text || 'x'", ["b"], prepare=True).fetchone()[0], "bx")


@check
def descriptions_have_names_types_and_precision(c):
    cursor = c.execute("SELECT 1 AS a, 1.5::numeric(10,2) AS n, 'x'::varchar(7) AS v")
    equal([(d.name, d.type_code, d.precision, d.scale, d.display_size) for d in cursor.description],
          [("a", 23, None, None, None), ("n", 1700, 10, 2, None), ("v", 1043, None, None, 7)])


@check
def rows_are_changed_and_counted(c):
    c.execute("CREATE TABLE py3_t (id int PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())")
    try:
        cursor = c.cursor()
        cursor.executemany("INSERT INTO py3_t (id, name) VALUES (%s, %s)", [(n, f"row {n}") for n in range(100)])
        equal(cursor.rowcount, 100)
        cursor.executemany("INSERT INTO py3_t (id, name) VALUES (%s, %s) RETURNING id", [(200, "a"), (201, "b")],
                           returning=True)
        equal(cursor.fetchall(), [(200,)])
        assert cursor.nextset()
        equal(cursor.fetchall(), [(201,)])
        equal(c.execute("UPDATE py3_t SET name = %s WHERE id < %s", ["x", 10]).rowcount, 10)
        equal(c.execute("DELETE FROM py3_t WHERE id >= 200").rowcount, 2)
        equal(c.execute("SELECT count(*) FROM py3_t WHERE name = 'x'").fetchone(), (10,))
    finally:
        c.execute("DROP TABLE py3_t")


@check
def transactions_commit_and_roll_back(c):
    c.execute("CREATE TABLE py3_tx (a int)")
    try:
        with c.transaction():
            c.execute("INSERT INTO py3_tx VALUES (1)")
        try:
            with c.transaction():
                c.execute("INSERT INTO py3_tx VALUES (2)")
                c.execute("SELECT 1/0")
        except psycopg.errors.DivisionByZero:
            pass
        equal(c.execute("SELECT a FROM py3_tx").fetchall(), [(1,)])
        equal(c.info.transaction_status.name, "IDLE")
    finally:
        c.execute("DROP TABLE py3_tx")


@check
def a_pipeline_keeps_order_and_isolates_errors_by_sync(c):
    with c.pipeline() as pipeline:
        cursors = [c.execute("SELECT %s::int4", [n]) for n in range(50)]
        pipeline.sync()
        equal([cursor.fetchone()[0] for cursor in cursors], list(range(50)))
    with raises_within(psycopg.errors.DivisionByZero):
        with c.pipeline():
            c.execute("SELECT 1")
            c.execute("SELECT 1/0")
            c.execute("SELECT 2")
    equal(c.execute("SELECT 3").fetchone(), (3,))


class raises_within:
    def __init__(self, kind):
        self.kind = kind

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        assert kind is not None and issubclass(kind, self.kind), f"{self.kind.__name__} was expected, not {kind}"
        return True


@check
def a_server_side_cursor_reads_piece_by_piece(c):
    with c.transaction():
        with c.cursor(name="many") as cursor:
            cursor.itersize = 1000
            cursor.execute("SELECT n FROM generate_series(1, 10000) AS n")
            equal(cursor.fetchmany(3), [(1,), (2,), (3,)])
            equal(sum(row[0] for row in cursor), 10000 * 10001 // 2 - 6)
        with c.cursor(name="bin", binary=True) as cursor:
            cursor.execute("SELECT n::int8 FROM generate_series(1, 10) AS n WHERE n > %s", [5])
            equal(cursor.fetchall(), [(n,) for n in range(6, 11)])
    with c.cursor(name="held", withhold=True) as cursor:
        cursor.execute("SELECT n FROM generate_series(1, 5) AS n")
        equal(cursor.fetchone(), (1,))
        equal(cursor.fetchall(), [(2,), (3,), (4,), (5,)])


@check
def rows_are_streamed_one_by_one(c):
    total = 0
    for (n,) in c.cursor().stream("SELECT n FROM generate_series(1, 20000) AS n"):
        total += n
    equal(total, 20000 * 20001 // 2)


@check
def copy_in_and_out_in_text_and_csv(c):
    c.execute("CREATE TABLE py3_copy (a int, b text, d date)")
    try:
        with c.cursor().copy("COPY py3_copy FROM STDIN") as copy:
            for n in range(5000):
                copy.write_row((n, None if n % 7 == 0 else f"tab\tnew\nline {n}", dt.date(2024, 1, 1)))
        equal(c.execute("SELECT count(*), count(b), sum(a) FROM py3_copy").fetchone(), (5000, 4285, 12497500))
        with c.cursor().copy("COPY (SELECT a, b, d FROM py3_copy ORDER BY a) TO STDOUT") as copy:
            copy.set_types(["int4", "text", "date"])
            rows = list(copy.rows())
        equal(len(rows), 5000)
        equal(rows[1], (1, "tab\tnew\nline 1", dt.date(2024, 1, 1)))
        with c.cursor().copy("COPY (SELECT a, b FROM py3_copy WHERE a < 2 ORDER BY a) TO STDOUT (FORMAT csv)") as copy:
            equal(b"".join(bytes(block) for block in copy), b'0,\n1,"tab\tnew\nline 1"\n')
        with c.cursor().copy("COPY py3_copy (a, b) FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write('a,b\n9000,"x,""y"""\n')
        equal(c.execute("SELECT b FROM py3_copy WHERE a = 9000").fetchone(), ('x,"y"',))
    finally:
        c.execute("DROP TABLE py3_copy")


@check
def a_failed_copy_leaves_nothing(c):
    c.execute("CREATE TABLE py3_fail (a int)")
    try:
        def wrong_value():
            with c.cursor().copy("COPY py3_fail FROM STDIN") as copy:
                copy.write("1\nx\n")
        error = raises(psycopg.errors.InvalidTextRepresentation, wrong_value)
        assert "line 2, column a" in error.diag.context, error.diag.context

        def given_up():
            with c.cursor().copy("COPY py3_fail FROM STDIN") as copy:
                copy.write("1\n")
                raise KeyError("mine")
        raises(KeyError, given_up)
        equal(c.execute("SELECT count(*) FROM py3_fail").fetchone(), (0,))
    finally:
        c.execute("DROP TABLE py3_fail")


@check
def errors_have_their_class_and_fields(c):
    c.execute("CREATE TABLE py3_err (a int PRIMARY KEY, b int NOT NULL, CONSTRAINT b_small CHECK (b < 10))")
    try:
        c.execute("INSERT INTO py3_err VALUES (1, 1)")
        error = raises(psycopg.errors.UniqueViolation, c.execute, "INSERT INTO py3_err VALUES (1, 2)")
        equal((error.diag.schema_name, error.diag.table_name, error.diag.constraint_name),
              ("public", "py3_err", "py3_err_pkey"))
        error = raises(psycopg.errors.NotNullViolation, c.execute, "INSERT INTO py3_err VALUES (2, NULL)")
        equal(error.diag.column_name, "b")
        error = raises(psycopg.errors.CheckViolation, c.execute, "INSERT INTO py3_err VALUES (2, 10)")
        equal(error.diag.constraint_name, "b_small")
        error = raises(psycopg.errors.UndefinedTable, c.execute, "SELECT * FROM py3_gone")
        equal(error.diag.statement_position, "15")
        raises(psycopg.errors.SyntaxError, c.execute, "SELEC 1")
        raises(psycopg.errors.UndefinedColumn, c.execute, "SELECT nothing FROM py3_err")
        raises(psycopg.errors.NumericValueOutOfRange, c.execute, "SELECT 2147483647 + 1")
    finally:
        c.execute("DROP TABLE py3_err")


@check
def notices_reach_the_handler(c):
    seen = []
    c.add_notice_handler(lambda diag: seen.append(diag.message_primary))
    c.execute("DROP TABLE IF EXISTS py3_never")
    equal(seen, ['table "py3_never" does not exist, skipping'])


@check
def cancel_stops_a_running_query(c):
    timer = threading.Timer(0.3, c.cancel_safe)
    timer.start()
    raises(psycopg.errors.QueryCanceled, c.execute, "SELECT pg_sleep(20)")
    timer.join()
    equal(c.execute("SELECT 1").fetchone(), (1,))


@check
def composed_sql_quotes_as_the_server_reads(c):
    query = sql.SQL("SELECT {} AS {}").format(sql.Literal("it's \\ ok"), sql.Identifier('odd "name'))
    cursor = c.execute(query)
    equal(cursor.fetchone()[0], "it's \\ ok")
    equal(cursor.description[0].name, 'odd "name')


@check
def several_statements_give_several_results(c):
    cursor = c.execute("SELECT 1; SELECT 2, 3")
    equal(cursor.fetchall(), [(1,)])
    assert cursor.nextset()
    equal(cursor.fetchall(), [(2, 3)])


@check
def a_wrong_password_is_refused(c):
    error = raises(psycopg.OperationalError, psycopg.connect, password="wrong")
    assert "password authentication failed" in str(error), error


with connect() as connection:
    run(connection)
