"""COPY beyond PostgreSQL 15: Arrow by psycopg 3, with pyarrow and polars on the other side, and later options."""
import datetime
import decimal
import io

import polars
import psycopg
import pyarrow
import pyarrow.parquet

from harness import check, raises, run

COLUMNS = """id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2) DEFAULT 7.5, day date, at timestamptz,
             ratio float8, tags text[], number serial, short varchar(3), key uuid"""


def load(connection, data, statement="COPY arrows FROM STDIN (FORMAT arrow)", piece=60000):
    if isinstance(data, pyarrow.Table):
        sink = io.BytesIO()
        with pyarrow.ipc.new_stream(sink, data.schema) as writer:
            writer.write_table(data)
        data = sink.getvalue()
    cursor = connection.cursor()
    with cursor.copy(statement) as copy:
        for at in range(0, len(data), piece):
            copy.write(data[at : at + piece])
    return cursor.statusmessage


def unload(connection, statement):
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(piece) for piece in copy)


def table(data):
    return pyarrow.ipc.open_stream(data).read_all()


@check
def a_pyarrow_table_is_loaded_by_name_and_what_is_missing_has_its_default(connection):
    utc = datetime.timezone.utc
    rows = pyarrow.table(
        {
            "name": ["a", "b"],
            "id": pyarrow.array([1, 2], pyarrow.int32()),
            "at": [datetime.datetime(2020, 1, 1, tzinfo=utc), None],
            "tags": [["x", None], []],
        }
    )
    assert load(connection, rows, piece=100) == "COPY 2"
    back = table(unload(connection, "COPY (SELECT * FROM arrows ORDER BY id) TO STDOUT (FORMAT arrow)")).to_pylist()
    assert [row["amount"] for row in back] == [decimal.Decimal("7.50")] * 2
    assert [row["number"] for row in back] == [1, 2]
    assert [row["tags"] for row in back] == [["x", None], []]
    assert back[0]["at"] == datetime.datetime(2020, 1, 1, tzinfo=utc) and back[1]["at"] is None


@check
def a_polars_frame_goes_in_and_comes_out(connection):
    frame = polars.DataFrame(
        {
            "id": [3, 4],
            "name": ["c", "d"],
            "amount": [decimal.Decimal("1.50"), None],
            "day": [datetime.date(2020, 2, 2), None],
            "ratio": [0.5, 1.5],
            "short": ["abc", "x"],
            "key": ["00000000-0000-0000-0000-000000000003", None],
        }
    )
    sink = io.BytesIO()
    frame.write_ipc_stream(sink)
    assert load(connection, sink.getvalue()) == "COPY 2"
    statement = """COPY (SELECT id, name, amount, day, ratio, short, key FROM arrows WHERE id > 2 ORDER BY id)
                   TO STDOUT (FORMAT arrow)"""
    back = polars.read_ipc_stream(io.BytesIO(unload(connection, statement)))
    assert back.to_dicts() == frame.to_dicts(), back


@check
def pandas_timestamps_in_nanoseconds_and_large_batches_load(connection):
    rows = 200_000
    data = pyarrow.table(
        {
            "id": pyarrow.array(range(1000, 1000 + rows)),
            "name": pyarrow.array(["n%d" % (i % 7) for i in range(rows)]).dictionary_encode(),
            "at": pyarrow.array([1_600_000_000_000_000_000] * rows, pyarrow.timestamp("ns", "Europe/Berlin")),
        }
    )
    assert load(connection, data) == f"COPY {rows}"
    row = connection.execute("SELECT count(*), count(DISTINCT name), min(at) = max(at) FROM arrows WHERE id >= 1000").fetchone()
    assert row == (rows, 7, True), row


@check
def dictionaries_runs_and_lists_of_a_fixed_size_load(connection):
    rows = 100_000
    words = pyarrow.array(["a text", "b" * 100])
    data = pyarrow.table(
        {
            "id": pyarrow.array(range(500_000, 500_000 + rows)),
            "name": pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([3, rows], pyarrow.int32()), words),
            "ratio": pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1] * (rows // 2), pyarrow.int8()), pyarrow.array([0.5, 2.5])),
            "tags": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(["x", "y"] * rows), 2),
        }
    )
    assert load(connection, data, piece=250_000) == f"COPY {rows}"
    sums = "SELECT sum(length(name)), sum(ratio), count(*) FILTER (WHERE tags = '{x,y}') FROM arrows WHERE id >= 500000"
    row = connection.execute(sums).fetchone()
    assert row == (3 * 6 + (rows - 3) * 100, 1.5 * rows, rows), row
    connection.execute("DELETE FROM arrows WHERE id >= 500000")
    # A long text that is said once for many rows, 200 MB in all, is written out in pieces.
    long = pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([1000], pyarrow.int32()), pyarrow.array(["x" * 200_000]))
    ids = pyarrow.array(range(500_000, 501_000))
    assert load(connection, pyarrow.table({"id": ids, "name": long})) == "COPY 1000"
    row = connection.execute("SELECT count(*), sum(length(name)) FROM arrows WHERE id >= 500000").fetchone()
    assert row == (1000, 200_000_000), row
    connection.execute("DELETE FROM arrows WHERE id >= 500000")


@check
def errors_name_line_and_column_and_leave_nothing(connection):
    before = connection.execute("SELECT count(*) FROM arrows").fetchone()
    for data, code in [
        ({"id": [9], "nme": ["x"]}, "42703"),
        ({"id": [9]}, "23502"),
        ({"id": [9.5], "name": ["x"]}, "42804"),
        ({"id": [8, 1], "name": ["x", "y"]}, "23505"),
        ({"id": [8, 9], "name": ["x", "y"], "short": ["abc", "abcd"]}, "22001"),
        ({"id": [8, 9], "name": ["x", "y"], "day": ["2020-01-01", "x"]}, "22007"),
    ]:
        error = raises(psycopg.Error, load, connection, pyarrow.table(data))
        assert error.sqlstate == code, (data, error)
        if code == "22001":
            assert error.diag.context == 'COPY arrows, line 2, column short: "abcd"', error.diag.context
    assert connection.execute("SELECT count(*) FROM arrows").fetchone() == before


@check
def what_is_no_stream_is_an_error(connection):
    whole = io.BytesIO()
    data = pyarrow.table({"id": [70], "name": ["x"]})
    with pyarrow.ipc.new_stream(whole, data.schema) as writer:
        writer.write_table(data)
    whole = whole.getvalue()
    for data in [b"", b"rubbish that is no stream", whole[: len(whole) // 2], whole + b"more"]:
        assert raises(psycopg.Error, load, connection, data).sqlstate == "22P04"


@check
def compressed_streams_load(connection):
    for codec, first in [("lz4", 300_000), ("zstd", 310_000)]:
        data = pyarrow.table({"id": range(first, first + 5000), "name": ["x" * (i % 90) for i in range(5000)]})
        compressed = io.BytesIO()
        options = pyarrow.ipc.IpcWriteOptions(compression=codec)
        with pyarrow.ipc.new_stream(compressed, data.schema, options=options) as writer:
            writer.write_table(data, max_chunksize=1700)
        assert len(compressed.getvalue()) < data.nbytes
        assert load(connection, compressed.getvalue()) == "COPY 5000", codec
        sums = "SELECT count(*), sum(length(name)) FROM arrows WHERE id >= %s"
        assert connection.execute(sums, [first]).fetchone() == (5000, sum(i % 90 for i in range(5000))), codec
    connection.execute("DELETE FROM arrows WHERE id >= 300000")


@check
def parquet_files_of_pyarrow_and_polars_load_and_they_read_ours(connection):
    statement = "COPY arrows FROM STDIN (FORMAT parquet)"
    utc = datetime.timezone.utc
    rows = {
        "id": [400_000, 400_001],
        "name": ["p", "ä 漢"],
        "amount": [decimal.Decimal("1.50"), None],
        "day": [datetime.date(2020, 2, 2), None],
        "at": [datetime.datetime(2020, 1, 1, 12, 30, tzinfo=utc), None],
        "ratio": [0.5, float("inf")],
        "tags": [["x", None], []],
    }
    for codec in ["snappy", "zstd", "gzip", "none"]:
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(rows), file, compression=codec)
        assert load(connection, file.getvalue(), statement, piece=100) == "COPY 2", codec
        columns = ", ".join(rows)
        out = f"COPY (SELECT {columns} FROM arrows WHERE id >= 400000 ORDER BY id) TO STDOUT (FORMAT parquet)"
        ours = unload(connection, out)
        assert pyarrow.parquet.read_table(io.BytesIO(ours)).to_pydict() == rows, codec
        assert polars.read_parquet(io.BytesIO(ours)).to_dict(as_series=False)["tags"] == rows["tags"], codec
        connection.execute("DELETE FROM arrows WHERE id >= 400000")
    file = io.BytesIO()
    polars.DataFrame({"id": range(400_000, 500_000), "name": ["many"] * 100_000}).write_parquet(file)
    assert load(connection, file.getvalue(), statement) == "COPY 100000"
    connection.execute("DELETE FROM arrows WHERE id >= 400000")
    whole = file.getvalue()
    for data in [b"", b"PAR1", b"rubbish", whole[:-9], whole[: len(whole) // 2], whole[200:]]:
        assert raises(psycopg.Error, load, connection, data, statement).sqlstate == "22P04"
    for data, code in [({"id": [1], "nme": ["x"]}, "42703"), ({"id": [9.5], "name": ["x"]}, "42804"), ({"id": [3], "name": ["x"]}, "23505")]:
        file = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(data), file)
        error = raises(psycopg.Error, load, connection, file.getvalue(), statement)
        assert error.sqlstate == code, (data, error)
    twice = raises(psycopg.Error, unload, connection, 'COPY (SELECT 1 AS a, 2 AS "A") TO STDOUT (FORMAT parquet)')
    assert twice.sqlstate == "42701", twice


@check
def rows_with_wrong_fields_are_skipped_if_errors_are_ignored(connection):
    notices = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    skips = "COPY arrows (id, name, day) FROM STDIN (ON_ERROR ignore"
    data = b"80\tx\t2020-01-01\ny\tx\t2020-01-01\n81\tx\tnever\n82\tx\t\\N\n"
    assert load(connection, data, skips + ", LOG_VERBOSITY verbose)") == "COPY 2"
    assert notices == [
        'skipping row due to data type incompatibility at line 2 for column "id": "y"',
        'skipping row due to data type incompatibility at line 3 for column "day": "never"',
        "2 rows were skipped due to data type incompatibility",
    ], notices
    error = raises(psycopg.Error, load, connection, data, skips + ", REJECT_LIMIT 1)")
    assert error.sqlstate == "22P02" and "skipped more than REJECT_LIMIT (1) rows" in str(error), error
    for option, code in [
        ("ON_ERROR ignore, FORMAT binary", "42601"),
        ("ON_ERROR sometimes", "22023"),
        ("REJECT_LIMIT 3", "22023"),
        ("ON_ERROR ignore, REJECT_LIMIT 0", "22023"),
        ("LOG_VERBOSITY loud", "22023"),
    ]:
        assert raises(psycopg.Error, load, connection, b"", f"COPY arrows FROM STDIN ({option})").sqlstate == code, option
    assert raises(psycopg.Error, unload, connection, "COPY arrows TO STDOUT (ON_ERROR ignore)").sqlstate == "22023"


with psycopg.connect(autocommit=True) as connection:
    connection.execute("DROP TABLE IF EXISTS arrows")
    connection.execute(f"CREATE TABLE arrows ({COLUMNS})")
    try:
        run(connection)
    finally:
        connection.execute("DROP TABLE arrows")
