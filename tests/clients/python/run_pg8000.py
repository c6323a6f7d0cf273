"""pg8000: a driver in pure Python, extended protocol, everything in text."""
import datetime as dt
import decimal
import os
import ssl
import uuid

import pg8000.dbapi
import pg8000.native
from harness import check, env, equal, raises, run


def arguments():
    context = None
    if os.environ.get("PGSSLMODE") == "require":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return dict(user=env("user"), password=env("password"), host=env("host"), port=int(env("port")),
                database=env("database"), ssl_context=context)


@check
def every_type_goes_both_ways(c):
    cases = {
        "boolean": True, "integer": 7, "bigint": 2**40, "double precision": 1.5, "numeric": decimal.Decimal("1.50"),
        "text": "äöü", "bytea": b"\x00\xff", "date": dt.date(2024, 2, 29), "time": dt.time(1, 2, 3),
        "timestamp": dt.datetime(2024, 2, 29, 1, 2, 3),
        "timestamptz": dt.datetime(2024, 2, 29, 1, 2, 3, tzinfo=dt.timezone.utc),
        "interval": dt.timedelta(days=1, seconds=2), "uuid": uuid.uuid4(), "integer[]": [1, 2, None], "text[]": ["a", None],
    }
    for name, value in cases.items():
        got = c.run(f"SELECT cast(:v AS {name})", v=value)[0][0]
        assert got == value, f"{name}: {got!r} instead of {value!r}"


@check
def rows_and_columns_are_described(c):
    equal(c.run("SELECT 1 AS a, 'x' AS b"), [[1, "x"]])
    equal([column["name"] for column in c.columns], ["a", "b"])


@check
def prepared_statements_run_again(c):
    statement = c.prepare("SELECT cast(:v AS integer) + 1")
    for n in range(10):
        equal(statement.run(v=n), [[n + 1]])
    statement.close()


@check
def errors_carry_their_fields(c):
    error = raises(pg8000.native.DatabaseError, c.run, "SELECT * FROM p8_gone")
    equal(error.args[0]["C"], "42P01")
    equal(error.args[0]["P"], "15")


@check
def copy_goes_both_ways(c):
    import io
    c.run("CREATE TABLE p8_copy (a integer, b text)")
    try:
        c.run("COPY p8_copy FROM STDIN WITH (FORMAT csv)", stream=io.StringIO("1,one\n2,\n"))
        equal(c.row_count, 2)
        out = io.BytesIO()
        c.run("COPY p8_copy TO STDOUT WITH (FORMAT csv)", stream=out)
        equal(out.getvalue(), b"1,one\n2,\n")
    finally:
        c.run("DROP TABLE p8_copy")


@check
def the_dbapi_commits_and_rolls_back(_):
    connection = pg8000.dbapi.connect(**arguments())
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE p8_tx (a integer)")
    cursor.executemany("INSERT INTO p8_tx VALUES (%s)", [(1,), (2,)])
    cursor.execute("SELECT a FROM p8_tx ORDER BY a")
    equal(cursor.fetchall(), ([1], [2]))
    connection.rollback()
    raises(pg8000.dbapi.DatabaseError, cursor.execute, "SELECT a FROM p8_tx")
    connection.close()


run(pg8000.native.Connection(**arguments()))
