"""ADBC: it reads by COPY in binary and ingests by COPY in binary; pandas and polars on the other side."""
import datetime
import decimal
import os
import urllib.parse

import adbc_driver_postgresql.dbapi as dbapi
import pandas
import polars
import pyarrow

from harness import check, env, equal, raises, run

URL = f"postgresql://{env('user')}:{urllib.parse.quote(env('password'))}@{env('host')}:{env('port')}/{env('database')}?sslmode={os.environ.get('PGSSLMODE', 'prefer')}"
MOMENT = datetime.datetime(2024, 2, 29, 12, 30, 15, 250000)
DATA = {
    "id": [1, 2, 3],
    "small": pyarrow.array([1, None, -3], pyarrow.int16()),
    "large": [1 << 60, None, -5],
    "ratio": [0.5, float("inf"), None],
    "name": ["ä 漢", "", None],
    "raw": [b"\x00\xff", b"", None],
    "ok": [True, False, None],
    "day": [datetime.date(2024, 2, 29), datetime.date(1, 1, 1), None],
    "stamp": pyarrow.array([MOMENT, None, None], pyarrow.timestamp("us")),
    "at": pyarrow.array([MOMENT, None, None], pyarrow.timestamp("us", "UTC")),
    "price": pyarrow.array([decimal.Decimal("1.50"), decimal.Decimal("-99999.25"), None], pyarrow.decimal128(12, 2)),
    "numbers": pyarrow.array([[1, None], [], None], pyarrow.list_(pyarrow.int32())),
    "words": pyarrow.array([["a", None], [], None], pyarrow.list_(pyarrow.string())),
}


@check
def an_arrow_table_is_ingested_and_comes_back(connection):
    table = pyarrow.table(DATA)
    with connection.cursor() as cursor:
        equal(cursor.adbc_ingest("adbc_rows", table, mode="create"), 3)
        equal(cursor.adbc_ingest("adbc_rows", table.slice(0, 1), mode="append"), 1)
        cursor.execute("SELECT * FROM adbc_rows WHERE id <> 1 OR name IS NOT NULL ORDER BY id")
        back = cursor.fetch_arrow_table().to_pylist()
    connection.commit()
    rows = table.to_pylist()
    for given, expected in zip(back, [rows[0], *rows]):
        # numeric comes as text: it may have any precision.
        given["price"] = given["price"] and decimal.Decimal(given["price"])
        equal(given, expected)


@check
def pandas_frames_go_in_and_come_out(connection):
    frame = pandas.DataFrame({"id": range(20_000), "word": [f"w{i % 7}" for i in range(20_000)], "half": [i / 2 for i in range(20_000)]})
    with connection.cursor() as cursor:
        equal(cursor.adbc_ingest("adbc_pandas", pyarrow.Table.from_pandas(frame), mode="create"), 20_000)
    connection.commit()
    back = pandas.read_sql("SELECT id, word, half FROM adbc_pandas ORDER BY id", connection)
    assert back.equals(frame), back
    equal(frame.to_sql("adbc_pandas", connection, if_exists="append", index=False), 20_000)
    connection.commit()
    equal(int(pandas.read_sql("SELECT count(*) AS n FROM adbc_pandas", connection)["n"][0]), 40_000)


@check
def polars_frames_go_in_and_come_out(connection):
    frame = polars.DataFrame({"id": range(20_000), "word": [None if i % 5 == 0 else f"w{i}" for i in range(20_000)]})
    equal(frame.write_database("adbc_polars", URL, engine="adbc", if_table_exists="replace"), 20_000)
    back = polars.read_database_uri("SELECT id, word FROM adbc_polars ORDER BY id", URL, engine="adbc")
    assert back.equals(frame), back
    again = polars.read_database("SELECT id, word FROM adbc_polars WHERE id < 10 ORDER BY id", connection)
    assert again.equals(frame.head(10)), again


@check
def what_is_wrong_leaves_nothing(connection):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE adbc_key (id int8 PRIMARY KEY, name text NOT NULL)")
        connection.commit()
        for rows in [{"id": [1, 1], "name": ["a", "b"]}, {"id": [1, 2], "name": ["a", None]}]:
            error = raises(dbapi.Error, cursor.adbc_ingest, "adbc_key", pyarrow.table(rows), mode="append")
            assert error.sqlstate in ("23505", "23502"), (error, error.sqlstate)
            connection.rollback()
        cursor.execute("SELECT count(*) FROM adbc_key")
        equal(cursor.fetchone(), (0,))
    connection.rollback()


TABLES = ["adbc_rows", "adbc_pandas", "adbc_polars", "adbc_key"]


def drop(connection):
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
    connection.commit()


with dbapi.connect(URL) as connection:
    drop(connection)
    try:
        run(connection)
    finally:
        connection.rollback()
        drop(connection)
