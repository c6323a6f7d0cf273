create table t (a integer primary key, b integer, n numeric(10,2), m numeric, s text, v varchar(5), c char(4), f double precision, d date, ts timestamp, k boolean, l integer[], i8 bigint, i2 smallint);
create table u (a integer, x text, w numeric(12,4), check (a > 0), constraint u_w check (w < 100));
create table e (a integer, b text);
