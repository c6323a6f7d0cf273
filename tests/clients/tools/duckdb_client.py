"""DuckDB itself as a client, by its postgres extension: ATTACH, what it sees, reads, filters, joins, inserts, transactions."""
import importlib.util
import pathlib

import duckdb

from show import DATABASE, HOST, PASSWORD, PORT, SSLMODE, USER, show

package = importlib.util.find_spec("duckdb_extension_postgres_scanner") or importlib.util.find_spec("duckdb_extensions")
folder = pathlib.Path(package.submodule_search_locations[0])
extension = next(folder.rglob("postgres_scanner.duckdb_extension"))
own = duckdb.connect()
own.execute(f"load '{extension}'")
own.execute("set timezone = 'UTC'")
TARGET = f"host={HOST} port={PORT} user={USER} password={PASSWORD} dbname={DATABASE} sslmode={SSLMODE}"


def attach():
    own.execute(f"attach '{TARGET}' as pg (type postgres)")


def ask(text):
    try:
        rows = own.execute(text).fetchall()
    except duckdb.Error as error:
        rows = str(error).splitlines()[0]
    show(" ".join(text.split()), rows)


attach()
ask("select table_name, column_count, estimated_size is null from duckdb_tables() where database_name = 'pg' and schema_name = 'shop' order by 1")
ask("select view_name from duckdb_views() where database_name = 'pg' and schema_name = 'shop' order by 1")
ask("select table_name, column_name, data_type, is_nullable from duckdb_columns() where database_name = 'pg' and schema_name = 'shop' order by 1, column_index")
ask("select id, email, name, mood::text, discount, tags, born, seen, opens, stamp, score, small, ratio, active, ref, doc, raw, note, span from pg.shop.customer order by id")
ask("select name from pg.shop.customer where id = 2")
ask("select name from pg.shop.customer where email = 'eve@x.org' and score is not null")
ask("select count(*) from pg.shop.orders where total > 100 and placed >= timestamp '2024-01-02'")
ask("select name, count(*), sum(o.total) from pg.shop.customer c join pg.shop.orders o on o.customer_id = c.id group by all order by 1")
ask("select * from pg.shop.totals order by 1")
ask("select * from pg.shop.best order by 1")
ask("select * from pg.shop.event")
ask("select \"Id\" from pg.shop.\"Mixed Case\"")
ask("select * from postgres_query('pg', 'select id, total from shop.orders order by id')")
ask("create table pg.shop.loaded (a integer, b varchar, c double, d date, e timestamp, f decimal(10,2), g boolean, h varchar[])")
ask("insert into pg.shop.loaded select i, 'n' || i, i / 4, date '2024-01-01' + i::integer, timestamp '2024-01-01' + to_hours(i), i / 8, i % 2 = 0, [i::varchar, null] from range(1, 4) t(i)")
ask("insert into pg.shop.loaded (a, b) values (10, 'it''s')")
ask("select * from pg.shop.loaded order by a")
ask("insert into pg.shop.loaded (a) select i from range(100000) t(i)")
# What it has written itself it reads by ctid; attached anew it does not know of pages, as with PostgreSQL before VACUUM.
ask("select count(*), sum(a) from pg.shop.loaded")
own.execute("detach pg")
attach()
ask("select count(*), sum(a) from pg.shop.loaded")
ask("select a from pg.shop.loaded where a between 50 and 52 order by a")
ask("update pg.shop.loaded set b = 'changed' where a = 2 and b is not null")
ask("delete from pg.shop.loaded where a > 10")
ask("select count(*), count(b), max(b) from pg.shop.loaded")
ask("begin")
ask("delete from pg.shop.loaded")
ask("select count(*) from pg.shop.loaded")
ask("rollback")
ask("select count(*) from pg.shop.loaded")
ask("alter table pg.shop.loaded add column k integer")
ask("create view pg.shop.seen as select 1 as one")
ask("insert into pg.shop.orders (id, customer_id, total) values (1, 1, 1)")
ask("insert into pg.shop.orders (id, customer_id, total) values (100, 99, 1)")
ask("select * from postgres_execute('pg', 'drop table if exists shop.nothing')")
ask("drop table pg.shop.loaded")
ask("create table pg.shop.copied as select * from pg.shop.orders")
ask("select count(*), sum(total) from pg.shop.copied")
ask("drop table pg.shop.copied")
