"""psycopg2: the old driver that most tools still use; everything by the simple protocol."""
import datetime as dt
import decimal
import io

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
from harness import check, equal, raises, run


@check
def every_type_is_written_and_read_as_text(c):
    cases = [True, 7, 2**40, 1.5, decimal.Decimal("1.50"), "it's \\ äöü", dt.date(2024, 2, 29),
             dt.datetime(2024, 2, 29, 12, 34, 56, 789), dt.time(1, 2, 3), dt.timedelta(days=1, seconds=2),
             [1, 2, None], ["a", "b,c", None]]
    cursor = c.cursor()
    for value in cases:
        cursor.execute("SELECT %s", [value])
        equal(cursor.fetchone()[0], value)
    cursor.execute("SELECT %s::bytea", [psycopg2.Binary(b"\x00\xff")])
    equal(bytes(cursor.fetchone()[0]), b"\x00\xff")


@check
def a_transaction_is_open_until_commit(c):
    cursor = c.cursor()
    cursor.execute("CREATE TABLE py2_t (id int PRIMARY KEY, name text)")
    c.commit()
    try:
        cursor.execute("INSERT INTO py2_t VALUES (1, 'a'), (2, 'b')")
        equal(cursor.rowcount, 2)
        equal(c.get_transaction_status(), psycopg2.extensions.TRANSACTION_STATUS_INTRANS)
        c.rollback()
        cursor.execute("SELECT count(*) FROM py2_t")
        equal(cursor.fetchone(), (0,))
        psycopg2.extras.execute_values(cursor, "INSERT INTO py2_t VALUES %s", [(n, str(n)) for n in range(500)])
        cursor.executemany("UPDATE py2_t SET name = %s WHERE id = %s", [("x", 1), ("y", 2)])
        c.commit()
        raises(psycopg2.errors.UniqueViolation, cursor.execute, "INSERT INTO py2_t VALUES (1, 'again')")
        raises(psycopg2.errors.InFailedSqlTransaction, cursor.execute, "SELECT 1")
        c.rollback()
    finally:
        c.rollback()
        cursor.execute("DROP TABLE py2_t")
        c.commit()


@check
def a_named_cursor_reads_piece_by_piece(c):
    with c.cursor(name="named") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT n FROM generate_series(1, 1000) AS n")
        equal(sum(row[0] for row in cursor), 500500)
    c.commit()
    with c.cursor(name="held", withhold=True) as cursor:
        cursor.execute("SELECT n FROM generate_series(1, 3) AS n")
        c.commit()
        equal(cursor.fetchall(), [(1,), (2,), (3,)])
    c.commit()


@check
def copy_goes_both_ways(c):
    cursor = c.cursor()
    cursor.execute("CREATE TABLE py2_copy (a int, b text)")
    try:
        cursor.copy_from(io.StringIO("1\tone\n2\t\\N\n"), "py2_copy")
        cursor.copy_expert("COPY py2_copy FROM STDIN WITH CSV", io.StringIO("3,\"th,ree\"\n"))
        out = io.StringIO()
        cursor.copy_expert("COPY (SELECT * FROM py2_copy ORDER BY a) TO STDOUT WITH CSV HEADER", out)
        equal(out.getvalue(), 'a,b\n1,one\n2,\n3,"th,ree"\n')
    finally:
        c.rollback()


@check
def notices_and_errors_have_their_fields(c):
    cursor = c.cursor()
    cursor.execute("DROP TABLE IF EXISTS py2_never")
    assert "does not exist, skipping" in c.notices[-1], c.notices
    error = raises(psycopg2.errors.UndefinedTable, cursor.execute, "SELECT * FROM py2_gone")
    equal((error.pgcode, error.diag.statement_position), ("42P01", "15"))
    c.rollback()


@check
def autocommit_leaves_no_transaction_open(c):
    c.autocommit = True
    c.cursor().execute("SELECT 1")
    equal(c.get_transaction_status(), psycopg2.extensions.TRANSACTION_STATUS_IDLE)
    c.autocommit = False


@check
def sessions_are_set_read_only(c):
    c.set_session(readonly=True, isolation_level="REPEATABLE READ")
    cursor = c.cursor()
    raises(psycopg2.errors.ReadOnlySqlTransaction, cursor.execute, "CREATE TABLE py2_ro (a int)")
    c.rollback()
    c.set_session(readonly=False, isolation_level="DEFAULT")


run(psycopg2.connect(""))
