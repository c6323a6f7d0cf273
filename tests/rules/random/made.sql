insert into ruled.m values ('rr_reader', 1), ('rr_reader', 2);
insert into ruled.a select g, g % 4, case when g % 7 = 0 then null when g % 11 = 0 then 13 else g % 20 end,
  case when g % 4 in (1, 2) then (g % 50)::text else 'hidden' || g end, g % 100 / 7.0, date '2020-01-01' + g from generate_series(1, 400) g;
insert into ruled.b select g, g % 120, g, case when g % 3 = 1 then (g % 30)::text else 'secret' || g end from generate_series(1, 300) g;
update ruled.a set d = 999999.99, t = 'infinity' where tenant in (0, 3);
create schema plain;
create table plain.a as select * from ruled.a where tenant in (1, 2) and (x is null or x <> 13);
update plain.a set s = left(s, 1) || '*', d = round(d, 0);
create table plain.b as select * from ruled.b where x % 3 = 1;
update plain.b set x = x / 10;
grant usage on schema plain to rr_reader; grant all on plain.a, plain.b to rr_reader
