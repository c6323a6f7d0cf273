"""asyncpg: its own pool, prepared statements, cursors, COPY; everything in binary."""
import asyncio
import datetime as dt
import decimal
import os
import ssl
import uuid

import asyncpg

FAILED = 0


async def connect():
    context = None
    if os.environ.get("PGSSLMODE") == "require":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return await asyncpg.connect(ssl=context or False)


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"


async def types(c):
    "every type goes both ways in binary"
    cases = {
        "boolean": True, "smallint": -7, "integer": 2147483647, "bigint": -9223372036854775808, "real": 1.5,
        "double precision": 0.1, "numeric": decimal.Decimal("123456789012345678901234567890.000001"),
        "text": "äöü€😀", "varchar(5)": "abcde", "bytea": b"\x00\xff", "date": dt.date(2024, 2, 29),
        "time": dt.time(23, 59, 59, 999999), "timestamp": dt.datetime(2024, 2, 29, 12, 34, 56, 789000),
        "timestamptz": dt.datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=dt.timezone.utc),
        "interval": dt.timedelta(days=3, hours=4, microseconds=5),
        "uuid": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "integer[]": [1, None, 3], "text[]": ["a", None, ""],
        "json": '{"a": 1}', "jsonb": '{"a": 1}',
    }
    for name, value in cases.items():
        got = await c.fetchval(f"SELECT $1::{name}", value)
        assert got == value, f"{name}: {got!r} instead of {value!r}"
        assert await c.fetchval(f"SELECT $1::{name}", None) is None
    equal(await c.fetchval("SELECT sum(n) FROM generate_series(1, 100000) AS n"), 5000050000)


async def prepared(c):
    "a prepared statement knows its parameters and attributes"
    statement = await c.prepare("SELECT $1::int4 + 1 AS next, $2::text AS t")
    equal([t.name for t in statement.get_parameters()], ["int4", "text"])
    equal([(a.name, a.type.name) for a in statement.get_attributes()], [("next", "int4"), ("t", "text")])
    for n in range(20):
        equal(dict(await statement.fetchrow(n, "x")), {"next": n + 1, "t": "x"})


async def dml(c):
    "rows are inserted, many at once too, changed and counted"
    await c.execute("CREATE TABLE apg_t (id int PRIMARY KEY, name text)")
    try:
        await c.executemany("INSERT INTO apg_t VALUES ($1, $2)", [(n, f"row {n}") for n in range(1000)])
        equal(await c.fetchval("SELECT count(*) FROM apg_t"), 1000)
        equal(await c.execute("UPDATE apg_t SET name = 'x' WHERE id < $1", 10), "UPDATE 10")
        equal([r["id"] for r in await c.fetch("DELETE FROM apg_t WHERE id < 3 RETURNING id")], [0, 1, 2])
        try:
            await c.executemany("INSERT INTO apg_t VALUES ($1, $2)", [(5000, "a"), (5, "b")])
            raise AssertionError("a unique violation was expected")
        except asyncpg.UniqueViolationError as error:
            equal((error.table_name, error.constraint_name), ("apg_t", "apg_t_pkey"))
        equal(await c.fetchval("SELECT count(*) FROM apg_t WHERE id = 5000"), 0)
    finally:
        await c.execute("DROP TABLE apg_t")


async def cursors(c):
    "a cursor reads piece by piece within a transaction"
    async with c.transaction():
        total = 0
        async for row in c.cursor("SELECT n FROM generate_series(1, $1::int4) AS n", 5000, prefetch=100):
            total += row[0]
        equal(total, 5000 * 5001 // 2)
        cursor = await c.cursor("SELECT n FROM generate_series(1, 10) AS n")
        equal([r[0] for r in await cursor.fetch(3)], [1, 2, 3])
        await cursor.forward(2)
        equal((await cursor.fetchrow())[0], 6)


async def transactions(c):
    "transactions roll back, are read-only, and take isolation levels"
    await c.execute("CREATE TABLE apg_tx (a int)")
    try:
        try:
            async with c.transaction():
                await c.execute("INSERT INTO apg_tx VALUES (1)")
                raise KeyError
        except KeyError:
            pass
        equal(await c.fetchval("SELECT count(*) FROM apg_tx"), 0)
        try:
            async with c.transaction(readonly=True):
                await c.execute("INSERT INTO apg_tx VALUES (1)")
            raise AssertionError("a read-only error was expected")
        except asyncpg.ReadOnlySQLTransactionError:
            pass
        async with c.transaction(isolation="repeatable_read"):
            await c.execute("INSERT INTO apg_tx VALUES (1)")
        equal(await c.fetchval("SELECT count(*) FROM apg_tx"), 1)
    finally:
        await c.execute("DROP TABLE apg_tx")


async def copy(c):
    "COPY in csv and out in text"
    await c.execute("CREATE TABLE apg_copy (a int, b text)")
    try:
        import io
        source = io.BytesIO(b"".join(b"%d,\"row, %d\"\n" % (n, n) for n in range(10000)))
        equal(await c.copy_to_table("apg_copy", source=source, format="csv"), "COPY 10000")
        sink = io.BytesIO()
        equal(await c.copy_from_query("SELECT a, b FROM apg_copy WHERE a < 2 ORDER BY a", output=sink), "COPY 2")
        equal(sink.getvalue(), b"0\trow, 0\n1\trow, 1\n")
    finally:
        await c.execute("DROP TABLE apg_copy")


async def copy_records(c):
    "COPY of records in binary, of every kind of value that asyncpg encodes"
    columns = """a int, small int2, large int8, real float8, exact numeric, price numeric(12,2), words text, bytes bytea, flag bool, day date,
                 at timestamp, tz timestamptz, span interval, key uuid, doc jsonb, ints int[], texts text[]"""
    await c.execute(f"CREATE TABLE apg_records ({columns})")
    try:
        import datetime, decimal, io, uuid
        utc = datetime.timezone.utc
        def record(n):
            if n % 10 == 9:
                return (n,) + (None,) * 16
            return (n, n % 30000, n * 10**12, n / 7, decimal.Decimal(n) / 8, decimal.Decimal(n) / 100, f"ä {n}", bytes([n % 256]), n % 2 == 0,
                    datetime.date(2020, 1, 1) + datetime.timedelta(n % 5000), datetime.datetime(2020, 1, 1, 0, 0, 0, n),
                    datetime.datetime(2020, 1, 1, 0, 0, n % 60, tzinfo=utc), datetime.timedelta(days=n % 9, seconds=n),
                    uuid.UUID(int=n), f'{{"n": {n}}}', [n, None, -n], [f"t{n}", None, ""])
        records = [record(n) for n in range(2000)]
        equal(await c.copy_records_to_table("apg_records", records=records), "COPY 2000")
        rows = await c.fetch("SELECT * FROM apg_records ORDER BY a")
        for row, sent in zip(rows, records, strict=True):
            equal(tuple(row), sent)
        sink = io.BytesIO()
        equal(await c.copy_from_table("apg_records", output=sink, format="binary"), "COPY 2000")
        await c.execute("TRUNCATE apg_records")
        sink.seek(0)
        equal(await c.copy_to_table("apg_records", source=sink, format="binary"), "COPY 2000")
        equal(await c.fetchval("SELECT sum(a) FROM apg_records"), 1999000)
    finally:
        await c.execute("DROP TABLE apg_records")


async def timeouts(c):
    "a timeout cancels the query and the connection goes on"
    try:
        await c.fetch("SELECT pg_sleep(20)", timeout=0.3)
        raise AssertionError("a timeout was expected")
    except asyncio.TimeoutError:
        pass
    equal(await c.fetchval("SELECT 1"), 1)


async def settings(c):
    "settings are reported and reset"
    equal(c.get_settings().TimeZone is not None, True)
    await c.execute("SET TimeZone = 'Asia/Tokyo'")
    equal(c.get_settings().TimeZone, "Asia/Tokyo")
    await c.reset()
    equal(await c.fetchval("SELECT 1"), 1)


async def enums(c):
    "a type of the user's is looked up and decoded"
    await c.execute("CREATE TYPE apg_mood AS ENUM ('sad', 'happy')")
    try:
        equal(await c.fetchval("SELECT 'happy'::apg_mood"), "happy")
        equal(await c.fetchval("SELECT $1::apg_mood", "sad"), "sad")
    finally:
        await c.execute("DROP TYPE apg_mood")


async def pool(_):
    "a pool serves many tasks at once"
    context = None
    if os.environ.get("PGSSLMODE") == "require":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    async with asyncpg.create_pool(min_size=2, max_size=5, ssl=context or False) as p:
        equal(await asyncio.gather(*(p.fetchval("SELECT $1::int4", n) for n in range(100))), list(range(100)))


async def main():
    global FAILED
    for check in [types, prepared, dml, cursors, transactions, copy, copy_records, timeouts, settings, enums, pool]:
        c = await connect()
        try:
            await asyncio.wait_for(check(c), 60)
            print(f"ok - {check.__doc__}", flush=True)
        except Exception as error:
            FAILED += 1
            print(f"NOT OK - {check.__doc__}: {type(error).__name__}: {error}", flush=True)
        finally:
            c.terminate()


asyncio.run(main())
raise SystemExit(1 if FAILED else 0)
