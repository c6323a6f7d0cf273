select 7 / 2, -7 / 2, 7 % -2, -7 % 2
select 1 / 0
select a / (a - 1) from t order by a
select 2147483647 + a from t
select (-2147483648) / (-1)
select 1.5 + 2, 1.5 * 2.25, 1.50 - 0.5, -1.5, abs(-2.50)
select 1 / 3.0, 10.0 / 4, 2 / 3.000000000000000000001
select 100.0 / 0
select 5.5 % 2.2, mod(7.5, -2)
select n, n * 2, n + 0.125, n * n, n / 3 from t order by a
select m, m + 1, m * n, m / 3 from t order by a
select case when a = 1 then 1.50 else 0 end from t order by a
select case when a = 1 then n else m end from t order by a
select coalesce(n, 0) from t order by a
select sum(case when a = 1 then n else 0 end), sum(case when a > 9 then n else 0 end) from t
select sum(a), sum(i8), sum(i2), sum(n), sum(m), sum(f) from t where a < 4
select avg(a), avg(i8), avg(n), avg(m), avg(f) from t where a < 3
select avg(a) from t where a > 99
select min(n), max(n), min(m), max(m), min(s), max(d) from t
select count(*), count(b), count(distinct b), count(distinct m) from t
select m, count(*) from t group by m order by m
select distinct m from t where m < 50 order by m
select b, sum(n) from t group by b order by b
select b, sum(n) from t group by b order by b desc
select b, count(*) from t group by b having count(*) > 1
select a from t where m = 1 order by a
select a from t where n > m order by a
select a from t where m in (1, 100.00) order by a
select a from t order by n
select a from t order by n desc
select a, m from t order by m desc, a
select a from t order by s nulls first
select a from t order by 1 desc limit 2
select a from t order by a limit 2 offset 1
select a from t limit -1
select a from t offset -1
select distinct on (b) b, a from t order by b, a desc
select distinct b % 20 from t order by 1
select 2.5::int, 3.5::int, -2.5::int, 2.5::float8::int, 3.5::float8::int
select n::int, f::int from t where a < 3 order by a
select 'abcdef'::varchar(3), 'ab'::char(4) || '|', 'abcdef'::char(2)
select c = 'x   ', c = 'x', length(c) from t order by a
select n::numeric(10,1), n::numeric(3,0) from t order by a
select 123.45::numeric(4,2)
select true::text, 12::text, 1.50::text, 0.05::text, 'x'::text
select '12'::int + 1, '1.50'::numeric + 1, 't'::bool
select date '2020-01-31' + 1, date '2020-03-01' - date '2020-02-01', date '2020-01-31' + interval '1 month'
select a from t where d >= date '2020-01-01' - interval '1 month' order by a
select extract(year from d), extract(month from d), date_part('day', d) from t order by a
select extract(second from ts), extract(hour from ts), extract(epoch from d) from t order by a
select a from t where a in (1, 3, null) order by a
select a from t where a not in (1, null) order by a
select a from t where b = any (array[10, 20]) order by a
select 5 = any (l), 5 <> all (l), 2 = any (l) from t order by a
select l[1], l[0], l[5], l[2:3], l[:1] from t order by a
select array[1, 2, null], array[1.5, 2.25], array_length(l, 1) from t order by a
select array(select a from t order by a desc)
select (1, 2) < (1, 3), (1, null) = (1, 2), (2, null) > (1, 5), (1, 2) = (1, 2)
select null is distinct from 1, 1 is distinct from 1, m is distinct from 1 from t order by a
select nullif(a, 1), nullif(m, 1) from t order by a
select greatest(1, null, 3), least(2.5, 1), greatest(n, m) from t order by a
select k, not k, k is true, k is not true, k is unknown, k and null, k or true from t order by a
select (select max(a) from t), exists (select 1 from t where a = 9)
select a, (select u.x from u where u.a = t.a and u.w is not null) from t order by a
select a from t where a in (select a from u) order by a
select a from t where a > all (select a from u) order by a
select a from t where (a, 'p') in (select a, x from u) order by a
select (select a from t)
select t.a, u.x from t join u on t.a = u.a order by t.a, u.x
select t.a, u.x from t left join u using (a) order by t.a, u.x
select count(*) from t, u
select t.a, q.z from t, lateral (select u.a * 10 as z from u where u.a = t.a limit 1) q order by t.a
select a, rank() over (order by b), row_number() over (order by a desc), sum(a) over (order by a) from t order by a
select a, sum(n) over (partition by b order by a rows between 1 preceding and current row) from t order by a
select a, avg(a) over (order by a rows between unbounded preceding and current row exclude current row) from t order by a
select a, lag(s) over (order by a), lead(a, 1, 0) over (order by a), first_value(a) over (order by a desc), ntile(2) over (order by a) from t order by a
select string_agg(s, ',' order by a desc), array_agg(a order by a desc) filter (where a < 4) from t
select b, grouping(b), count(*) from t group by rollup (b) order by b, 2, 3
select a, b, count(*) from t where a < 3 group by grouping sets ((a), (b), ()) order by a, b, 3
select a from t union select a from u order by a
select 1.5 union all select 2 order by 1
select 1.0 union select 1.00
select a from t intersect select a from u order by 1
select a from t except select a from u order by 1
values (1, 'a'), (2, null) order by 1 desc
with q as (select a, b from t where a < 3) select sum(a) from q
with recursive q(i) as (select 1 union all select i + 1 from q where i < 5) select sum(i), count(*) from q
select * from generate_series(1, 3)
select * from generate_series(5, 1, -2) g
select i, j from generate_series(1, 2) i, generate_series(i, 2) j order by 1, 2
select x, o from unnest(array['a', 'b']) with ordinality as q(x, o)
select unnest(array[1, 2]), a from t where a = 1
select a, unnest(l) from t where a = 1
select generate_series(timestamp '2020-01-31', timestamp '2020-04-30', interval '1 month')
select t.* from t where a = 3
select row(1, 'x')
select sum(w) / count(*) from u
select a from t where n < (select avg(n) from t) order by a
select a from t where 0.5 * a > (select avg(n) from t) order by a
select round(n, 1), trunc(n), ceil(n), floor(n) from t order by a
select concat('a', 1, null, 'b'), 'x' || 5, 1.50 || 'y'
select n::float8, m::float8, f::numeric from t where a < 3 order by a
select count(*) filter (where k) from t
select s like '%o%', s ilike 'F%', s not like 'o%' from t order by a
select upper(s), length(s), substring(s from 1 for 2), s || '!' from t order by a
select percentile_cont(0.5) within group (order by f) from t where a < 3
insert into e values (1, 'x'), (2, default) returning a, b, a + 1
insert into e (b) select s from t where a = 1 returning *
insert into u values (0, 'bad', 1)
insert into u values (5, 'bad', 100)
insert into u (a, w) values (7, null) returning w
update u set w = w + 1 where a = 1 returning a, w
update u set a = -a where x = 'p'
update t set b = u.a from u where u.a = t.a and u.x = 'p' returning t.a, t.b
delete from e where a = 2 returning *
delete from e using u where e.a = u.a
insert into t (a, b) values (1, 5) on conflict (a) do nothing
insert into t (a, b) values (1, 5), (99, 6) on conflict (a) do update set b = excluded.b + t.b returning a, b
insert into t (a, b) values (77, 5), (77, 6) on conflict (a) do update set b = excluded.b
insert into t (a, v) values (50, 'toolong')
insert into t (a, v) values (51, 'fits    ') returning v
insert into t (a, n) values (52, 1.005) returning n
insert into t (a, n) values (53, 123456789)
select a from t order by a limit 1 + 1
select a from t order by a offset 2 rows fetch next 1 row only
select m from t order by m limit null
select coalesce(n, m, 0), coalesce(b, 0) from t order by a
select sum(distinct b), count(distinct n), avg(distinct b) from t
select sum(n) over (), avg(n) over (partition by b), min(m) over () from t order by a
select max(case when a = 1 then 1.5 else 2 end) from t
select sum(case when a = 1 then 1.50 when a = 2 then 2 end), avg(case when a = 1 then 1.50 else 2 end) from t
select case when a > 1 then 1.5 end + 1 from t order by a
select (case when a = 1 then 1.50 else 0 end) * 2.0 from t order by a
select 99999999999999.99 * 99999999999999.99, 12345678901234567890 * 98765432109876543210
select 99999999999999999999999999999999999999 + 1
select 0.000000000000000000000000000000000001 * 0.000000000000000000000000000000000001
select i8 * i8, i8 + i2, a * 2.5 from t where a < 3 order by a
select i8 * 9000000000 from t where a = 1
select 32767::smallint + 1::smallint
select 1e308::float8 * 10
select 5 / 2.0::float8, 7::float8 / 0
select -i2, +a, @ n, abs(f) from t where a < 3 order by a
select 2 ^ 10, 2.5 ^ 2, |/ 16.0
select 'NaN'::numeric, 'NaN'::numeric = 'NaN'::numeric, 'NaN'::numeric > 1e30, 1 < 'Infinity'::numeric
select 1.0 = 1.00, 1.10 < 1.2, 0.1 + 0.2 = 0.3, 1.0 in (1.00, 2), 3 not in (1.5, 2)
select count(*) from t x join t y on x.m = y.m
select x.a, y.a from t x left join t y on x.n = y.m order by 1, 2
select distinct m * 1 from t order by 1
select m from t union all select n from t order by 1
select m from t union select m from t order by 1
select array_agg(m order by m), array_agg(distinct b order by b) from t
select array[n, m] from t order by a
select array[1,2] || 3, 0 || array[1,2], array[1] || array[2,3], array_append(l, 9), array_prepend(0, l), array_cat(l, l) from t order by a
select l = array[1,2,3], l < array[2], l <> '{}' from t order by a
select array_position(array['a','b'], 'b'), array_to_string(array[1,null,3], ',', '*'), string_to_array('a,b,,c', ',')
select cardinality(l), array_upper(l, 1), array_lower(l, 1), array_ndims(l) from t order by a
select '{1,2}'::int[], array[1,2]::text[], array['1','2']::int[], '{}'::text[]
select array[1.5, 2]::int[], l::bigint[], array[1.234]::numeric(5,1)[] from t where a = 1
select 3 = any ('{1,2,3}'::int[]), 'a' = any (array['b', null]), 1 < all ('{2,3}'::int[]), 1 = all ('{}'::int[])
select a in (select b / 10 from t), a not in (select b from t where b is not null), a not in (select b from t) from t order by a
select a from t where m in (select n from t) order by a
select a from t where m = any (select 1.000) order by a
select (select n from t where a = 1) + 1, (select m from t where a = 9)
select a from t where exists (select from u where u.a = t.a) order by a
select array(select m from t order by m), array(select 1 where false)
select row(1, 2) = row(1, 2), row(1, null) is null, row(null, null) is null, row(1, null) is not null
select (1, 2, 3) <= (1, 2, 3), (2, 1) > (1, 5), (1, 2) <> (1, null), (1, 2) <> (2, null)
select (1.0, 2) = (1.00, 2.0), (n, a) < (m, 5) from t order by a
select 1 is not distinct from null, null is not distinct from null, 1.0 is distinct from 1.00, 'a' is distinct from 'b'
select greatest('a', 'b'), least(date '2020-01-01', d), greatest(m, 50) from t order by a
select nullif('a', 'a'), nullif(1.0, 1.00), nullif(1, 2)
select bool_and(k), bool_or(k), every(a > 0), bit_or(a), bit_and(a) from t
select string_agg(s, null), string_agg(distinct v, '-' order by v) from t
select a, count(*) over (), sum(a) over (order by a range between 1 preceding and 1 following), dense_rank() over (order by b nulls first) from t order by a
select a, sum(a) over (order by a groups between 1 preceding and current row exclude ties), nth_value(a, 2) over (order by a), percent_rank() over (order by a), cume_dist() over (order by a) from t order by a
select a, lag(a, 2, -1) over w, last_value(m) over w from t window w as (order by a rows between unbounded preceding and unbounded following) order by a
select a, string_agg(s, ',') over (order by a) from t order by a
select b, count(*), sum(count(*)) over () from t group by b order by b
select nth_value(a, 0) over () from t
select sum(a) over (order by a rows between -1 preceding and current row) from t
select grouping(b, k), b, k, count(*) from t group by cube (b, k) order by 1, 2, 3
select m, grouping(m), count(*) from t group by rollup (m) order by 2, 1
select count(*) from t group by () having count(*) > 100
select b + 1, count(*) from t group by b + 1 order by 1
select upper(s), count(*) from t group by 1 order by 1
select m + 1, sum(a) from t group by m order by m
select 'x' as q, count(*) from t group by 'x'
select distinct on (m) m, a from t order by m, a desc
select distinct k, b from t order by b, k
select a from t where a between 2 and 3 or s like 'F%' order by a
select a from t where not (b > 10) order by a
select a from t where b is null or k is true order by a
select case b when 10 then 'ten' when 30 then 'thirty' else 'none' end from t order by a
select t.a from t natural join (select 1 as a union all select 3) q order by a
select coalesce(x.a, y.a) as q, x.s, y.x from t x full join u y on x.a = y.a order by 1, 3
select a, x from t right join u using (a) order by a, x
select x.a from t x cross join lateral (select count(*) as c from u where u.a = x.a) q where q.c > 0 order by 1
select t.a, z from t left join lateral (select max(x) as z from u where u.a = t.a) q on true order by 1
with q as materialized (select 1 as a), r as not materialized (select 2 as a) select q.a, r.a from q, r
with recursive q(a, d) as (select a, 1 from u where x = 'p' union select t.a, d + 1 from t join q on t.a = q.a + 1) select * from q order by 1
with recursive q(x) as (select 1.0 union all select x * 1.5 from q where x < 3) select * from q
select * from (values (1, 1.5), (2, 2)) as q(a, b) order by b desc
select * from (values (null, 'a'), (1, null)) q(a, b) order by a
values (1.5), (2.25), (null)
table e
select i from generate_series(1, 10, 3) i
select i from generate_series(3, 1) i
select generate_series(1, 3), generate_series(1, 2)
select * from generate_series(1, 3) with ordinality as g(i, n)
select * from unnest(array[1,2], array['a']) as q(x, y)
select * from generate_series(1, 2, 0)
select x from unnest(array[1.5, 2.50]) x
select d + 1, d - 1, d - d, ts - interval '1 day', d + interval '1 hour' from t where a = 1
select d = ts::date, d < ts, ts > date '2020-01-01', d = timestamp '2020-01-31' from t order by a
select ts::date, ts::time, d::timestamp, ts::text, d::text from t where a = 1
select date_trunc('month', ts), date_trunc('day', d) from t where a = 1
select extract(dow from d), extract(doy from d), extract(week from d), extract(quarter from d), extract(isodow from d) from t where a = 1
select extract(milliseconds from ts), extract(microseconds from ts), date_part('second', ts), extract(epoch from ts) from t where a = 1
select 'infinity'::date, 'infinity'::timestamp > now()
select date '2020-02-30'
select '12x'::int
select s::int from t where a = 1
select 'maybe'::bool
select '1.5'::int
select 99999::smallint
select 3000000000::int
select 1e10::float8::int
select 'abc'::numeric
select true::int, 1::bool, 0::boolean
select 'yes'::bool, 'off'::bool, 't'::text::bool
select 123.456::numeric(5,2), 1.005::numeric(10,2), -1.005::numeric(10,2), 0.5::numeric(2,2), 12.5::int
select n::text, m::text, f::text, k::text, a::text from t order by a
select cast(n as numeric(12,4)), m::numeric(10,1) from t order by a
select 1::oid, 'x'::char, 'abc'::name, 'ab'::bpchar
select length('ab  '::char(6)), 'ab'::char(5) = 'ab   '::char(3), 'ab'::char(5) || 'c'
select v || '|', c || '|', length(c), c like 'x%', v = c from t order by a
select position('n' in s), strpos(s, 'o'), left(s, 2), right(s, 2), repeat(s, 2), replace(s, 'o', '0') from t order by a
select lpad(s, 5, '*'), rpad(s, 5), trim(' x '), ltrim('xxa', 'x'), split_part('a-b-c', '-', 2), initcap('hello world') from t where a = 1
select concat_ws(',', a, null, s), format('%s-%I', a, s), a || s from t where a = 1
select round(2.5), round(-2.5), round(2.345, 2), trunc(2.789, 1), ceil(1.1), floor(-1.1), sign(-3), mod(7, 3), div(7, 2), power(2, 3)
select round(n), round(m, 1), trunc(m, 2), sign(m), n % 1, -m from t order by a
select current_date is not null, now() = current_timestamp, localtimestamp is not null
select md5('a'), ascii('a'), chr(65), to_hex(255), reverse('abc'), translate('abc', 'ab', 'xy')
select random() >= 0, random() < 1
select a / nullif(b, 0) from t order by a
select sum(a) / count(*), sum(n) / count(n), 100.0 * sum(case when k then 1 else 0 end) / count(*) from t
select t from t where a = 3
select count(t), count(t.*) from t
select e from e
insert into e select a, s from t where a < 3 returning *
insert into e values (1, 'x') returning (select max(a) from t)
insert into e default values returning *
insert into e (a) values (1), (2), (3)
insert into u select a, s, n from t where n > 0 returning *
insert into u (a, w) values (1, 1.23456), (2, 2) returning *
insert into u (a, w) values (1, 123456789)
insert into t (a) values (1)
insert into t (a) values (null)
insert into t (b) values (1)
insert into t (a, b) values (1, 5) on conflict do nothing returning a
insert into t (a, b) values (1, 5) on conflict (a) do update set b = 77 where t.b > 1000 returning a, b
insert into t (a, b) values (1, 5) on conflict (a) do update set a = excluded.a, b = excluded.b, m = t.m + 1 returning a, b, m
insert into t (a, v) select 60 + a, 'abcdef' from u
insert into t (a, c) values (70, 'toolong')
insert into t (a, l, m, k) values (71, array[1,2], 1.50, 'yes') returning a, l, m, k
with q as (select 90 as a) insert into e select a, 'q' from q returning *
update t set b = b + 1, n = n * 2 where a = 1 returning b, n
update t set m = 1.23, v = 'abc' where a = 2 returning m, v
update t set v = 'toolong' where a = 1
update t set n = 123456789 where a = 1
update t set (b, s) = (5, 'q') where a = 1 returning b, s
update t set b = (select max(u.a) from u) where a = 1 returning b
update t set b = (select u.a from u where u.a = t.a and u.x = 'p') where a < 3 returning a, b
update u set a = 0 where x = 'q'
update u set x = 'zz' where a = 2
update t set a = 2 where a = 1
update t set a = null where a = 1
update t set b = q.c from (select a, count(*) as c from u group by a) q where q.a = t.a returning t.a, t.b
with q as (select a from u) update t set b = 0 where a in (select a from q) returning a
delete from t where a > 2
delete from t where a in (select a from u) returning a, m
delete from u using t where t.a = u.a and t.b is null returning u.x
select * from nosuch
select nosuch from t
select a from t for update
select a from t where a = 1 for share
select 1 where false
select a as "A b", a as a from t where a = 1
select '{"a": 1}'::json, '{"b":1, "a":2}'::jsonb
select 1 + null, null || 'x', null and false, null or true, not null
select a, a from t where a = 1 order by 2
select s collate "C" from t order by s collate "C"
select (a, b) in ((1, 10), (3, 30)) from t order by a
select a from t where (a, b) = (1, 10)
select tableoid is not null from t where a = 1
select max(a) filter (where a < 3), min(s) from t
select a from t tablesample bernoulli (100) order by a
select count(*) from t where f = 'NaN'
select f from t order by f desc
select f, count(*) from t group by f order by f
select abs(-2147483648::int8), abs(-5), abs(-5.5::float8)
select 7 & 3, 7 | 8, 7 # 2, ~7, 1 << 4, 256 >> 2
select not 1 > 2
select exists (select 1 where false) or exists (select 1)
select (select count(*) from u where u.a = t.a) from t order by a
select (select sum(u.w) from u where u.a = t.a) from t order by a
select sum((select max(u.a) from u where u.a = t.a)) from t
select a, (select string_agg(x, ',' order by x) from u where u.a = t.a) from t order by a
insert into t (a, v) select 61, 'abcdef'
select a, s from t order by b desc nulls last, a fetch first 2 rows with ties
select mode() within group (order by b) from t
select string_agg(s, s) from t
select extract(day from interval '40 days'), extract(hour from interval '30 hours'), extract(epoch from interval '1 day 00:00:01.5'), date_part('month', interval '14 months')
select generate_series(1.5, 3, 0.5)
select * from generate_series(1, 3::numeric) g
select percentile_disc(0.5) within group (order by b desc), percentile_cont(0.25) within group (order by a desc) from t
select array_agg(row(a, b) order by a) from t where a < 3
select sum(x.c) from (select count(*) as c from t group by b) x
update t set b = 1 from u where u.a = t.a and u.x = 'p' returning t.a, u.x
delete from t using u where t.a = u.a and u.x = 'p' returning u.x, t.a
select a from t group by a having sum(b) > (select avg(b) from t) order by a
select distinct a + 0.0, m from t order by 1
select a, count(distinct m) over () from t
select a, first_value(m) over (partition by b order by m desc), min(n) over (order by a rows 1 preceding) from t order by a
select min(k::int), max(ts), min(l), max(c), min(v) from t
select sum(f), avg(f), stddev(f), variance(a), stddev_pop(n) from t where a < 3
select corr(a, f), regr_slope(f, a), covar_pop(a, f) from t where a < 3
select json_agg(a order by a), jsonb_object_agg(a, s) from t where a < 3
select d - interval '1 month', ts + '1 day'::interval, interval '1 day' * 2, age(date '2020-03-01', date '2019-01-31') from t where a = 1
select '1 year 2 mons'::interval, interval '1 day' + interval '25 hours', justify_hours(interval '25 hours'), interval '1 month' = interval '30 days'
select ts::timestamp(0), '10:11:12.55'::time(1) from t where a = 1
select '\xdeadbeef'::bytea, encode('abc'::bytea, 'hex'), length('\x00ff'::bytea)
select '550e8400-e29b-41d4-a716-446655440000'::uuid, 'x'::"char"
select to_char(ts, 'YYYY-MM-DD HH24:MI'), to_char(1234.5, '9,999.99'), to_date('2020-01-02', 'YYYY-MM-DD') from t where a = 1
select s ~ '^o', s ~* 'FOUR', s !~ 'x', regexp_replace(s, 'o', '0', 'g'), s similar to '(one|two)' from t order by a
select cast(null as integer[]), null::text, coalesce(null, 'x'), nullif(null, 1)
select case when null then 1 end, case when a > 2 then null else a end from t order by a
select a from t where s > 'a' collate "C" order by a
select count(*) from (select from t) q
select exists (select from t where a = 99)
select a, b from t order by b nulls first, a desc limit 3
select -5 / 2, -5 % 2, 5.0 / -2, mod(-5, 2), 5 / -2, (-5.5)::int, 4.5::int, 5.5::int
select 0.1::float8 + 0.2::float8, 1e15::float8, 1e16::float8, 1.0::float8, 'Infinity'::float8, 1e-7::float8
select 1.0::float4 / 3, 16777217::float4, 0.1::float4 + 0.2::float4, 3.4e38::float4 * 10
select 10 / 4.0, 1.00 / 3, 1e10 / 3, 0.0001 / 3, 123456789.123 / 0.001, 1 / 7.0::numeric(10,5)
select avg(x) from (values (1), (2), (2)) q(x)
select avg(x), sum(x) from (values (1.5), (2.25), (null)) q(x)
select sum(x) from (values (9223372036854775807), (1)) q(x)
select sum(x) from (values (2147483647), (1)) q(x)
select sum(x::int8) from (values (2147483647), (1)) q(x)
select round(avg(n), 2), round(sum(n) / 3, 3), avg(n)::numeric(10,2) from t
select n || '', n::text || m::text from t order by a
select (n * 100)::int, (n / 0.5)::int, ceil(n * 10) / 10 from t order by a
select n between 0 and 2, n in (1.5, -2.25), n <> 1.5, n >= m from t order by a
select case when n > 0 then n end, case when n > 0 then n else -n end, greatest(n, 0), least(n, 0, m) from t order by a
select t.n, u.w from t join u on t.n = u.w - 1 order by 1
select n from t union all select w from u order by 1
select n from t union select w from u order by 1
select w from u intersect select n from t
select distinct n from (select n from t union all select 1.5) q order by 1
update t set b = q.v from (values (1, 5), (1, 5)) q(a, v) where q.a = t.a returning t.a, t.b
delete from t using (values (1), (1)) q(a) where q.a = t.a returning t.a
select a, b from t order by b nulls first offset 1 fetch next 1 rows with ties
select w from u except select n from t order by 1
select m + 0.000 from t intersect select 1.000
select string_agg(s, '<' || a || '>' order by a desc) from t
select percentile_disc(0) within group (order by a desc), percentile_disc(1) within group (order by a), percentile_cont(0.3) within group (order by a desc) from t
select generate_series(1.00, 0.5, -0.25)
select x, generate_series(1,x) from (values (3),(1),(2)) v(x) order by x desc
select x, generate_series(1,x) g from (values (3),(1),(2)) v(x) order by x desc, g desc
select x, generate_series(1,x) g from (values (3),(1),(2)) v(x) order by x limit 4 offset 1
select x+1, x*2, generate_series(1,x) + x from (values (3),(1),(2)) v(x) order by x+1
select case when true then 1 else 1/0 end, case when 1=2 then 1/0 else 3 end
select case when null then 1/0 end
select pg_typeof(case when false then 1 end)
select sum(1/x) filter (where x > 0) from (values (0),(1)) v(x)
select array_agg(distinct x) from (values (3),(null),(1),(3)) v(x)
select string_agg(distinct x, ',') from (values ('b'),('a'),('b')) v(x)
select string_agg(distinct x, ',' order by x desc) from (values ('b'),('a'),('b')) v(x)
select percentile_disc(0.5) within group (order by x), percentile_cont(0.5) within group (order by x) from (values (1),(2),(4),(9)) v(x)
select percentile_cont(array[0.1,0.5,null,0.9]) within group (order by x) from (values (1.5),(2.25),(4),(9)) v(x)
select percentile_disc(array[0.1,0.5,null,0.9]) within group (order by x desc) from (values (1.5),(2.25),(4),(9)) v(x)
select percentile_disc(array[0.1,0.5]) within group (order by x) from (values ('a'),('b'),(null)) v(x)
select percentile_cont(x) within group (order by y) from (values (0.5::float8,1),(0.5,3)) v(x,y) group by x
select percentile_cont(1.5) within group (order by y) from (values (1),(3)) v(y)
select percentile_disc(x) within group (order by y) from (values (1.5::float8,1)) v(x,y) group by x
select mode() within group (order by x), mode() within group (order by x desc) from (values (1),(2),(2),(3),(3)) v(x)
select mode() within group (order by x) from (values (null::text)) v(x)
select rank(3) within group (order by x desc), dense_rank(3) within group (order by x), percent_rank(3) within group (order by x nulls first), cume_dist(3) within group (order by x) from (values (1),(1),(3),(null),(5)) v(x)
select rank(3,'b') within group (order by x desc, y) from (values (3,'a'),(3,'c'),(4,'z')) v(x,y)
select rank('x') within group (order by x) from (values (1)) v(x)
select rank(1,2) within group (order by x) from (values (1)) v(x)
select rank(x) within group (order by x) from (values (1)) v(x)
select variance(x), stddev(x), var_pop(x), stddev_pop(x) from (values (1),(2),(4)) v(x)
select variance(x), stddev(x), var_pop(x), stddev_pop(x) from (values (1.50),(2.255),(4)) v(x)
select variance(x), stddev(x), var_pop(x), stddev_pop(x) from (values (1::float8),(2),(4)) v(x)
select variance(x), var_pop(x) from (values (1)) v(x)
select corr(y,x), regr_slope(y,x), regr_intercept(y,x), regr_r2(y,x), regr_sxx(y,x), regr_syy(y,x), regr_sxy(y,x), regr_avgx(y,x), regr_avgy(y,x), regr_count(y,x), covar_pop(y,x), covar_samp(y,x) from (values (1,2),(3,5),(7,11),(null,3)) v(x,y)
select corr(y,x), regr_r2(y,x) from (values (1,2),(3,2)) v(x,y)
select sum(x), avg(x) from (values ('inf'::float8),(1)) v(x)
select sum(x), avg(x) from (values ('inf'::float8),('-inf')) v(x)
select sum(x) from (values ('1e308'::float8),('1e308')) v(x)
select string_agg(x, '\x2c'::bytea) from (values ('\x61'::bytea),('\x62'),(null)) v(x)
select string_agg(x, y order by x desc) from (values ('\x61'::bytea,'\x2d'::bytea),('\x62','\x2e')) v(x,y)
select min(x), max(x) from (values (array[1,2]),(array[1]),(array[0,9])) v(x)
select stddev(x) over (order by x), variance(x) over () from (values (1),(2),(4)) v(x) order by x
select x, sum(x) over (order by x rows between 1 preceding and 1 following exclude current row), sum(x) over (order by x rows between 1 preceding and 1 following), sum(x) over (order by x rows between unbounded preceding and current row exclude ties) from (values (1),(2),(4)) v(x) order by x
select x, sum(x) over (order by x groups between unbounded preceding and unbounded following exclude group) from (values (1),(2),(2),(4)) v(x) order by x
select sum(x) over () from (values (1.5::numeric),(2.25),(null)) v(x)
select sum(x::text::numeric) over () from (values (1.5::numeric),(2.25),(null)) v(x)
select sum(x::text::numeric) over (order by x) from (values (1.5::numeric),(2.25),(null)) v(x)
with recursive x(id) as (select * from y union all select id+1 from x where id<5), y(id) as (values (1)) select * from x
with recursive t(j) as (with recursive s(i) as (values (1) union all select i+1 from s where i<3) select i from s union all select j+1 from t where j<3) select * from t
with recursive x as (select 1 as n union all (select n+1 from x where n<3)) select * from x
with recursive x as (select 1 as n union select n from x) select * from x
with recursive x as (select 1 as n) select * from x
with recursive x as (select 1 as n union all select 2) select * from x
select * from (values (1)) a(x) join (values (1)) b(x) join (values (1)) c(x) on b.x=c.x on a.x=b.x
select * from (values (1)) a(x) left join (values (1)) b(x) cross join (values (3)) c(y) on a.x=b.x
select * from (values (1)) a(x) join (values (1)) b(x)
select * from (values (1)) a(x) join (values (1)) b(x) using (x) as j
select j.x, j.* from (values (1,2)) a(x,y) join (values (1,3)) b(x,z) using (x) as j
select j.y from (values (1,2)) a(x,y) join (values (1,3)) b(x,z) using (x) as j
select * from (values (1,2)) a(x,y) join (values (1,3)) b(x,z) using (x) as a
select * from generate_series(1,3) g order by g using >
select * from generate_series(1,3) g order by g using =
select x from generate_series(1,5) x order by x fetch first 2 rows only
select x from generate_series(1,5) x order by x offset 1 fetch next row only
select x from generate_series(1,5) x order by x fetch first (1+1) rows with ties
select x from generate_series(1,5) x order by x/2 fetch first 2 rows with ties offset 1
select x from generate_series(1,5) x fetch first 2 rows with ties
select x from generate_series(1,5) x order by x fetch first null rows with ties
select (values (1)), (values (1),(2) limit 1), ((select 1) union (select 1))
select 1 like any (array['1','2']), 'a' not like all (array['b%']), 'a' ilike any (array['A'])
select 33 * any ('{1,2,3}')
select 33 * any (44)
select * from rows from (generate_series(1,2), generate_series(1,3)) as t(a,b)
select * from rows from (generate_series(1,2), generate_series(1,3)) with ordinality as t(a,b,c)
select * from rows from (generate_series(1,2), unnest(array['a','b'], array[1,2,3])) with ordinality
select * from unnest(array[1,2],array['a','b','c']) with ordinality as t(a,b,o)
select 1 union select
select 123abc
select 0x1F
select 1_000
select 1.5e
select 1e
select * from (values (1)) a(x) for update of a limit 1
select operator(pg_catalog.-) 1, 1 operator(pg_catalog.+) 2
select array_position(array[1.0,2.50,3],2.5), array_positions(array[1.0,2,1],1), array_remove(array[1.0,2.1],1), array_replace(array[1.0,2],2.00,5)
select array_position(array['a','b','a'],'a',2), array_position(array[1,null],null), array_positions(array[null,1,null]::int[],null)
select array_position(null::int[],1), array_positions(null::int[],1), array_remove(null::int[],1), array_replace(null::int[],1,2)
select array_position(array[1],1,null)
select array_dims(array[1,2]), array_dims('{}'::int[])
select array_fill(7,array[3]), array_fill(null::int,array[2]), array_fill('a'::text,'{}'), array_fill(7,array[0])
select array_fill(7,array[3],array[1])
select array_fill(7,null)
select array_fill(7,array[null]::int[])
select width_bucket(5,array[1,5,9]), width_bucket(5.0,array[1,5.1]), width_bucket('b'::text,array['a','c']), width_bucket(5,'{}')
select width_bucket(5,array[null]::int[])
select array(select array[1,2] from generate_series(1,2))
select '{{1,2},{3,4}}'::int[], array[[1,2],[3,4]], array[array[1,2],array[3,4]]
select array[array[1,2],array[3]]
select array[x,x] from (values (array[1,2]),('{}'),(array[3])) v(x)
select array[a,b] from (values (array[1,2],array[3])) v(a,b)
select ('{{1,2},{3,4}}'::int[])[1], ('{{1,2},{3,4}}'::int[])[2][1], ('{{1,2},{3,4}}'::int[])[3][1], ('{{1,2},{3,4}}'::int[])[1][2][1], ('{{1,2},{3,4}}'::int[])[0][1], ('{{1,2},{3,4}}'::int[])[null][1]
select ('{{1,2,3},{4,5,6},{7,8,9}}'::int[])[1:2][2], ('{{1,2,3},{4,5,6},{7,8,9}}'::int[])[2:3][2:3], ('{{1,2,3},{4,5,6}}'::int[])[2:], ('{{1,2,3},{4,5,6}}'::int[])[:1][:2], ('{{1,2,3},{4,5,6}}'::int[])[5:6], ('{{1,2,3},{4,5,6}}'::int[])[1:2][7:8], ('{{1,2,3}}'::int[])[1:null]
select (array[1,2,3])[1][1], (array[1,2,3])[1:2][1:1], (array[1,2,3])[1:2][1]
select array_dims('{{1,2},{3,4}}'::int[]), array_ndims('{{1,2},{3,4}}'::int[]), array_length('{{1,2},{3,4}}'::int[],2), array_length('{{1,2},{3,4}}'::int[],3), array_upper('{{1,2,5},{3,4,5}}'::int[],2), array_lower('{{1,2},{3,4}}'::int[],2), cardinality('{{1,2},{3,4}}'::int[])
select unnest('{{1,2},{3,4}}'::int[])
select * from unnest('{{1,2},{3,4}}'::int[]) with ordinality
select array_agg(array[x,x+1]) from generate_series(1,2) x
select array_agg(x) from (values (array[1,2]),(array[3])) v(x)
select array_agg(x) from (values (array[1,2]),(null)) v(x)
select array_agg(x) from (values ('{}'::int[])) v(x)
select array_agg(x) from (values (array[1])) v(x) where false
select array(select array[x,2] from generate_series(1,2) x)
select array(select array[x,2] from generate_series(1,2) x where false)
select array[1,2] || array[[3,4]], array[[3,4]] || array[1,2], array[[1,2]] || array[[3,4]]
select array[[1,2]] || array[3]
select array[1,2] || '{{3,4},{5,6}}'
select array[[1,2]] = array[[1,2]], array[[1,2]] < array[[1,3]], 3 = any(array[[1,2],[3,4]]), 5 <> all(array[[1,2],[3,4]])
select array_position(array[[1,2]], 3)
select array[['a','b'],['c',null]]::varchar[], array[[1,2]]::int8[], '{{1.5,2}}'::numeric[], '{{a,"b c"},{NULL,""}}'::text[]
select array[[1,2]]::text[]
select array[[[1,2],[3,4]],[[5,6],[7,8]]], (array[[[1,2],[3,4]],[[5,6],[7,8]]])[2][1][2]
select count(array[[1]]), max(array[[x]]) from generate_series(1,3) x
select array[[1,2]] union all select array[[3,4]]
select case when true then array[[1]] else array[1] end
select array[]::int[][], array[[]]::int[]
select array['{1,2}'::int[], null]
select array[null::int[], '{1,2}']
select array_length(array[[1,2],[3,4]], x) from generate_series(0,3) x
select max(array[[x]]) from (values ('a'),('b')) v(x)
select nullif(array[['a']], array[['b']])
select first_value(array[['a']]) over ()
select greatest(array[['a']], array[['b']])
select x from (values (array[['a']]),(array[['b','c']])) v(x) order by x
select distinct x from (values (array[[1]]),(array[[1]])) v(x)
select (array[['a']])::varchar(1)[]
select 'a' = any(array[['a']])
select s, m, count(*) from t group by a order by a
select t.s, lower(t.v), sum(u.w) from t left join u on u.a = t.a group by t.a having t.b is not null or t.n > 0 order by t.d, t.a
select u.x, t.s, count(*) from u left join t on t.a = u.a + 1 group by u.x, t.a order by 1, 2, 3
select (select t.s || max(u.x) from u) from t group by t.a order by 1
select s, grouping(a) from t group by grouping sets ((a, b), (a)) order by 1, 2
select s from t group by rollup (a)
select s from t group by b
select a, t is not null from t group by a order by a
select max(c) as a, min(c), coalesce(c, 'x'), greatest(c, 'z') from (values ('a'::char(4))) v(c) group by c
select array_agg(c), json_agg(c), to_json(max(c)) from (values ('a'::char(4)), ('ab'::char(4))) v(c)
select v, v::text, row_to_json(v), to_jsonb(v), (v).c from (values ('a'::char(4)), ('ab'::char(4))) v(c)
select c from (values ('a'::char(4))) v(c) union all select 'b'::char(2) union all select 'x'::text
select c from (values ('a'::char(4)), ('b'::char(6))) v(c) order by c
select case when true then 'a'::char(4) else 'b'::char(2) end, nullif('a'::char(4), 'b'), coalesce('a'::char(4), 'b'::text)
select array['a'::char(4)]::text, ('{a,b}'::char(3)[])::text, array_to_string(array['a'::char(4), 'b'], '-'), (array['a'::char(4)])[1]
select 'a'::char(3) like 'a', 'a'::char(3) like 'a  ', 'a'::char(3) like 'a%', 'a'::char(3) like 'a_%', 'a'::char(3) ~ '^a$', 'a'::char(3) ilike 'A__'
select 'a '::bpchar, 'a '::bpchar || '|', 'a '::bpchar = 'a'::bpchar, length('a  '::bpchar), octet_length('a  '::bpchar), 'a '::bpchar = 'a  '::char(5), 'a '::bpchar in ('a', 'b'), 'a '::bpchar < 'a  '::bpchar
select lag(c) over (order by c), first_value(c) over (order by c), lead(c, 1, 'q') over (order by c) from (values ('a'::char(4)), ('ab'::char(4))) v(c)
select distinct c from (values ('a'::char(4)), ('a '::char(6)), ('b')) v(c) order by c desc limit 1
select row('a'::char(3)), row('a'::char(3))::text, json_object_agg('k'::char(3), 'a'::char(3)), format('%s|', 'a'::char(3))
select interval '9223372036854775807 microseconds', interval '-2147483648 months -2147483648 days -9223372036854775808 us', make_interval(secs := 7e12)
select interval '2562047788 hours' - interval '1 hour', interval '2562047788 hours' / 2, array[interval '2562047788 hours'], interval 'P10.5e4Y'
select interval '-1 day 86399 s' = interval '-1 s', interval '1 mon -30 days' = interval '0', interval '1 mon -1 day' <= interval '29 days', interval '1 mon -1 day' < interval '29 days 1 s', interval '-1 day 86399 s' <> interval '-1 s', interval '-1 day 86399 s' is distinct from interval '-1 s'
select x from (values (interval '1 mon -1 day'), (interval '29 days 1 s'), (interval '28 days')) v(x) order by x
select max(x), min(x) from (values (interval '1 mon -5 day'), (interval '29 days 1 s'), (interval '28 days')) v(x)
select count(*) from (select distinct x from (values (interval '-1 day 86399 s'), (interval '-1 s')) v(x)) s
select count(*) from (values (interval '-1 day 86399 s'), (interval '-1 s'), (null)) v(x) group by x order by 1
select greatest(interval '1 mon -5 day', interval '26 days'), least(interval '1 mon -5 day', interval '24 days 24:00:00')
select interval '29 days' in (interval '1 mon -1 day', null), array[interval '1 mon -1 day'] = array[interval '29 days']
select nullif(interval '1 mon -1 day', interval '29 days'), interval '178000000 years' > interval '2147483647 days'
select least(interval '1 day', '25:00:00'), greatest(v, '25:00:00', null), least('25:00:00', v, '3 days') from (values ('1 day'::interval)) v(v)
select least(0.00, 0::numeric), greatest(a, b), greatest(b, a), least(a, b, 0.000) from (values (0.00::numeric, 0::numeric)) v(a, b)
select json_agg(v), json_agg(v order by i desc) from (values (1, array[1]), (2, null), (3, array[2]), (4, null)) t(i, v)
select json_agg(v) from (values (null::int[])) t(v) where false
select bpchar_larger('ab  '::bpchar, 'Zed'), bpchar_smaller('ab  '::bpchar, 'ab'), bpchar('a '::name), 'b '::text::name::bpchar || '|'
select pg_size_pretty(10239.5), pg_size_pretty(10240.5), pg_size_pretty(99999999999999999999999999999999999999999.5), pg_size_pretty('-Infinity'::numeric), pg_size_pretty(-10500::bigint), pg_size_pretty(-1048577.0), pg_size_pretty(9223372036854775807::bigint)
select format_type(25, 3), format_type(23, 3), format_type(19, 0), format_type(1700, 655366), format_type(1043, -1), format_type(16, 4)
select '1e10'::numeric::int4
select 99999999999999999999::numeric::int8
select 'Infinity'::float8::numeric(5,2)
select interval 'PT2562047788.0152155019444', interval 'PT-2562047788.0152155022222', interval 'PT1.1234567S', interval 'P1.25Y', interval 'PT123456.789012345S'
select '""=r*/""'::aclitem
select 'nobody=r/nobody'::aclitem
select (interval '1 day 02:03:04.5678' * n)::interval(2), (interval '1 year 2 mons' * n)::interval year, (interval '-1 day -02:03:04' * n)::interval day to minute from generate_series(1, 3) n
select array_agg(interval '1.256 s' * n)::interval(1)[] from generate_series(1, 3) n
select '12:00:00.5'::time::timetz
select l.a, r.a, r.b from (values (1, 'x'), (2, 'y'), (2, 'x'), (null, 'x')) l(a, k) left join (values (1, 'p'), (2, 'q'), (2, null), (3, 'x')) r(a, b) on l.a = r.a and l.k = 'x' order by 1, 2, 3
select l.a, r.a from (values (1, 3), (2, 4), (3, null)) l(a, k) left join (values (1), (2), (3)) r(a) on l.k > 3 and l.a = r.a and (l.k is not null and l.a < 9) order by 1, 2
select l.a, r.a from (values (1), (2)) l(a) right join (values (1, 'x'), (2, 'y'), (4, 'x')) r(a, k) on r.a = l.a and r.k = 'x' order by 1, 2
select l.a, r.a from (values (1, 3), (2, 4)) l(a, k) full join (values (1, true), (2, true), (1, false)) r(a, k) on l.a = r.a and l.k = 3 and r.k order by 1, 2
select l.a, r.a from (values (1, 'x'), (2, 'y')) l(a, k) full join (values (1), (2)) r(a) on l.a = r.a and l.k <> 'y' order by 1, 2
select l.a, r.b from (values (1, 0), (5, 0)) l(a, d) left join (values (2, 'no')) r(a, b) on l.a = r.a and 1 / l.d > 0 order by 1
select l.a, r.a from (values (1.0, 'x'), (2.50, 'y')) l(a, k) left join (values (1), (2)) r(a) on r.a = l.a and l.k in ('x', 'z') and l.k is not null order by 1
select l.a, m.a, r.a from (values (1, 'x'), (2, 'y')) l(a, k) left join (values (1, 'x'), (2, 'y')) m(a, k) on l.a = m.a and l.k = 'x' left join (values (1), (2)) r(a) on r.a = m.a and m.k = l.k and l.a < 2 order by 1
select array[[1,2],[3,4]]
select '[0:2]={1,2,3}'::int[], ('[0:2]={1,2,3}'::int[])[0], array_lower('[0:2]={1,2,3}'::int[],1), array_upper('[0:2]={1,2,3}'::int[],1)
select '[2:3][-1:0]={{1,2},{3,4}}'::int[], array_dims('[2:3][-1:0]={{1,2},{3,4}}'::int[]), array_ndims('{{{1}}}'::int[])
select ('[2:3][-1:0]={{1,2},{3,4}}'::int[])[2:2], ('[2:3][-1:0]={{1,2},{3,4}}'::int[])[2][0], ('{{1,2},{3,4}}'::int[])[:2][2:], ('{{1,2},{3,4}}'::int[])[1:2][2]
select ('{{1,2},{3,4}}'::int[])[1:9][2:3], ('{{1,2},{3,4}}'::int[])[1:1], ('{{1,2},{3,4}}'::int[])[5:6], ('{{1,2},{3,4}}'::int[])[1:1][1:1][1:1], ('{{1,2},{3,4}}'::int[])[null:1]
select array_length('{{1,2,3},{3,4,5}}'::int[],1), array_length('{{1,2,3},{3,4,5}}'::int[],2), array_length('{{1,2,3},{3,4,5}}'::int[],3), cardinality('{{1,2,3},{3,4,5}}'::int[]), array_length('{}'::int[],1)
select unnest('{{1,2,3},{3,4,5}}'::int[])
select * from unnest('[0:1][0:1]={{a,b},{c,NULL}}'::text[]) with ordinality
select generate_subscripts('[2:3][-1:0]={{1,2},{3,4}}'::int[], 2), generate_subscripts('{{1,2},{3,4}}'::int[], 1, true)
select array[[1,2]] || array[[3,4]], array[1,2] || array[[3,4]], array[[3,4]] || array[5,6], array_cat('{}'::int[], array[[1]])
select array[[1,2]] || array[[3,4,5]]
select array[[1,2]] || 5
select array[[[1]]] || array[1]
select '[0:1]={1,2}'::int[] || 3, 0 || '[0:1]={1,2}'::int[], array_append(array[1],2), '[5:6]={1,2}'::int[] || array[9]
select array_append('{{1}}'::int[], 1)
select null::int[] || array[[1,2]], array[[1,2]] || null::int[]
select array[[1,2],[3,4]] = '{{1,2},{3,4}}', array[[1,2],[3,4]] = array[1,2,3,4], array[[1,2],[3,4]] < array[1,2,3,5], '[0:1]={1,2}'::int[] = array[1,2], array[[1],[2]] > array[[1,2]]
select x from (values (array[[1,2]]), (array[1,2]), ('[0:1]={1,2}'), ('{}'), (null), (array[1]), (array[1,null]), (array[[1,3]])) v(x) order by x
select x, count(*) from (values (array[[1,2]]), (array[1,2]), ('[0:1]={1,2}'), ('{}'), (null), (array[[1,2]]), ('{}')) v(x) group by x order by x
select distinct x from (values (array[[1.0,2]]), (array[[1.00,2]]), (array[1,2])) v(x) order by 1
select array_agg(x) from (values (array[1,2]), (array[3,4])) v(x)
select array_agg(x) from (values (array[[1,2]]), (array[[3,4]])) v(x)
select array_agg(x) from (values (array[1,2]), (null)) v(x)
select array_agg(x) from (values (array[1,2]), ('{}')) v(x)
select array_agg(x) from (values (array[1,2]), (array[1])) v(x)
select array_agg(x) from (select array[1] x where false) v
select array(select array[i,i+1] from generate_series(1,3) i)
select array(select array[i] from generate_series(1,0) i)
select array_fill(7, array[2,3]), array_fill(7, array[2,2], array[0,5]), array_fill(null::int, array[2]), array_fill('x'::text, array[3]), array_fill(1, '{}'), array_fill(1, array[0])
select array_fill(1, null)
select array_fill(1, array[1,null])
select array_fill(1, array[1,2], array[1])
select array_fill(1, array[-1])
select array_position('[2:4]={a,b,c}'::text[], 'b'), array_positions('[0:2]={1,2,1}'::int[], 1), array_position('[2:5]={1,2,1,2}'::int[], 2, 4)
select array_position(array[[1,2]], 1)
select array_remove('[2:4]={1,2,1}'::int[], 1), array_replace(array[[1,2],[2,3]], 2, 9), array_remove('[2:3]={1,1}'::int[], 1)
select array_remove(array[[1,2]], 1)
select 3 = any(array[[1,2],[3,4]]), 5 = any(array[[1,2],[3,4]]), 5 > all('{{1,2},{3,4}}'::int[]), 2 = any('[0:1]={1,2}'::int[])
select array[[1,2],[3,4]] @> array[4,1], array[1] <@ array[[1,2]], array[[1,2]] && array[2]
select array_to_string(array[[1,2],[3,null]], ','), array_to_string(array[[1,2],[3,null]], ',', '*')
select array[[1,2],[3,4]]::text, array[['a b','c'],[null,'"']]::text, '[0:1]={1,2}'::int[]::text
select array[[1,2],[3,4]]::text[], array[['1','2']]::int[], array[[1.5,2.5]]::int[], array[[1,2]]::numeric(5,2)[], array[['abc','def']]::varchar(2)[]
select to_json(array[[1,2],[3,4]]), to_jsonb(array[['a','b'],[null,'d']]), array_to_json('{{1,2},{3,4}}'::int[], true), row_to_json(row(array[[1,2]])), json_agg(x) from (values (array[[1,2]])) v(x)
select array[array[]::int[], array[]::int[]], array['{}'::int[]], array[array[1,2], null]
select array[array[1,2], array[3]]
select array[array[1,2], '{}'::int[]]
select array[[[[[[[1]]]]]]]
select '{{1,2},{3}}'::int[]
select pg_typeof(array[[1]]), array[[1]] is null, coalesce(null, array[[1,2]]), case when true then array[1] else array[[2,3]] end
select array[[1,2],[3,4]] is distinct from array[[1,2],[3,4]], nullif(array[[1]], array[[1]]), greatest(array[[1]], array[2]), least(array[[1,2]], array[1])
select min(x), max(x), count(x), count(distinct x) from (values (array[[1,2]]), (array[1,2]), ('{}'), (array[[1,2]])) v(x)
select row(array[[1,2]], 1), (row(array[[1,2]], 1))::text
select array[[row(1,'a')]], array[[1,2]] in (array[[1,2]]), array[[1,2]] = any (select array[[1,2]])
select array[[1,2],[3,4]] union select array[1] order by 1
select '[1,5]'::int4range, '(1,5)'::int4range, '[1,5)'::int8range, 'empty'::int4range, '(,5]'::int4range, '[3,)'::int4range, '(,)'::int4range, '[3,3)'::int4range
select '[1.10,5.0]'::numrange, '(1,1.0)'::numrange, '[2020-01-01,2020-01-31]'::daterange, '[2020-01-01 10:00,)'::tsrange, '[2020-01-01 10:00+02,2020-01-02 00:00+00)'::tstzrange
select ' [ 1 , 5 ) '::int4range
select '[5,1]'::int4range
select '[1,5'::int4range
select '1,5]'::int4range
select '[1,5] x'::int4range
select '[a,5]'::int4range
select '[2147483647,2147483647]'::int4range
select '["a b",c)'::int4range
select int4range(1,5), int4range(1,5,'[]'), int4range(null,5), int4range(1,null,'()'), numrange(1.5,2), daterange('2020-01-01','2020-02-01','[]'), int8range(1,1), int8range(1,1,'[]')
select int4range(5,1)
select int4range(1,5,'[x')
select int4range(1,5,null)
select lower(int4range(1,5)), upper(int4range(1,5,'[]')), lower('(,5]'::int4range), upper('empty'::numrange), lower('[1.50,2]'::numrange), upper('[2020-01-01,2020-01-02)'::tsrange)
select isempty('empty'::int4range), isempty(int4range(1,2)), lower_inc('[1,2)'::numrange), upper_inc('[1,2)'::numrange), lower_inf('(,1)'::int4range), upper_inf('[1,)'::int4range), lower_inc('(,1)'::int4range), upper_inf('empty'::int4range)
select int4range(1,5) @> 3, int4range(1,5) @> 5, 3 <@ int4range(1,5), int4range(1,5) @> int4range(2,3), int4range(2,3) <@ int4range(1,5), numrange(1,2) @> 1.5, '(,5]'::int4range @> -100
select int4range(1,5) && int4range(4,8), int4range(1,5) && int4range(5,8), int4range(1,5) << int4range(5,8), int4range(5,8) >> int4range(1,5), int4range(1,5) &< int4range(2,5), int4range(1,5) &> int4range(0,3), int4range(1,5) -|- int4range(5,7), numrange(1,5) -|- numrange(5,7,'()')
select int4range(1,5) + int4range(4,8), int4range(1,5) * int4range(3,8), int4range(1,5) - int4range(3,8), int4range(1,5) * int4range(6,8), int4range(1,5) - 'empty', numrange(1.0,5.0) * numrange(2.00,9)
select int4range(1,5) + int4range(7,8)
select int4range(1,9) - int4range(3,5)
select range_merge(int4range(1,3), int4range(7,9)), range_merge('empty'::int4range, int4range(1,2))
select x from (values ('empty'::int4range),('[1,5)'),('(,5)'),('[1,)'),('[1,3)'),(null),('(,)'),('[0,2)')) v(x) order by x
select x from (values ('empty'::numrange),('[1,5)'),('(1,5)'),('[1,5]'),('[1.0,5.00)'),('[-1,3)'),('[-10.5,3)'),('[100,3000)')) v(x) order by x, x::text
select '[1.0,2]'::numrange = '[1,2.00]', '[1.0,2]'::numrange <> '[1,2.00]', int4range(1,5) < int4range(1,6), int4range(1,5) >= int4range(1,5), 'empty'::int4range < int4range(1,2), range_cmp(int4range(1,2), int4range(1,3))
select x, count(*) from (values ('[1.0,2)'::numrange),('[1,2)'),('empty'),('(3,3)')) v(x) group by x order by count(*), x
select distinct x from (values ('[1,2]'::int4range),('[1,3)'),('empty')) v(x) order by x
select '{[1,2],[5,9)}'::int4multirange, '{}'::int4multirange, '{[1,5),[3,9),empty}'::int4multirange, '{[1,2),[2,3)}'::nummultirange, '{ [5,6) , [1,2) }'::int4multirange
select '{[1,2}'::int4multirange
select '{[1,2)'::int4multirange
select '{1,2}'::int4multirange
select int4multirange(), int4multirange(int4range(1,3)), int4multirange(int4range(5,9), int4range(1,3)), multirange(int4range(1,3)), int4range(1,3)::int4multirange, nummultirange(numrange(1.5,2), numrange(2,3))
select '{[1,3),[5,9)}'::int4multirange @> 6, '{[1,3),[5,9)}'::int4multirange @> 4, '{[1,3),[5,9)}'::int4multirange && int4range(3,6), int4range(1,2) <@ '{[1,3),[5,9)}'::int4multirange, '{[1,3)}'::int4multirange << int4range(7,8), '{[1,3)}'::int4multirange -|- int4range(3,8)
select '{[1,3),[5,9)}'::int4multirange + '{[3,5)}', '{[1,3),[5,9)}'::int4multirange - '{[2,6)}', '{[1,3),[5,9)}'::int4multirange * '{[2,6)}', '{[1,9)}'::int4multirange - '{[3,5)}'
select lower('{[1,3),[5,9)}'::int4multirange), upper('{[1,3),[5,9)}'::int4multirange), isempty('{}'::int4multirange), lower_inf('{(,3)}'::int4multirange), range_merge('{[1,3),[5,9)}'::int4multirange)
select unnest('{[1,3),[5,9)}'::int4multirange)
select * from unnest('{[1,3),[5,9)}'::int4multirange) with ordinality
select range_agg(x), range_intersect_agg(x) from (values (int4range(1,5)), (int4range(3,9)), (null), (int4range(4,20))) v(x)
select range_agg(x), range_intersect_agg(x) from (select int4range(1,2) x where false) v
select range_agg(x) from (values ('{[1,2)}'::int4multirange), ('{[5,6)}')) v(x)
select x from (values ('{}'::int4multirange), ('{[1,2)}'), ('{[1,2),[3,4)}'), ('{(,1)}'), (null), ('{[1,3)}')) v(x) order by x
select array[int4range(1,2), 'empty'], '{"[1,2)","[3,4)"}'::int4range[], array[int4range(1,2)] = array['[1,1]'::int4range], int4range(1,2) = any(array[int4range(1,2)])
select int4range(1,5)::text, '[1,5]'::text::int4range, to_json(int4range(1,5)), row(int4range(1,5)), coalesce(null::int4range, int4range(1,2)), pg_typeof(int4range(1,2)), concat(int4range(1,2), 'x')
select int4range(1,5) is null, null::int4range, null::int4range @> 3, int4range(1,5) is distinct from int4range(1,5,'[)'), nullif(int4range(1,2), int4range(1,2)), greatest(int4range(1,2), int4range(1,3)), int4range(1,2) in (int4range(1,2))
select '[-infinity,infinity]'::daterange, '[2020-01-01,infinity)'::tsrange, '(-infinity,2020-01-01]'::daterange, daterange('-infinity', 'infinity', '()')
select numrange('NaN','NaN','[]'), numrange(-1.5,1e20), '[-0.001,0]'::numrange, '[0,0.0010]'::numrange, '[123456789012345678901234567890.123,)'::numrange, '[-infinity,infinity]'::numrange
select '[9223372036854775807,)'::int8range, '(9223372036854775806,)'::int8range
select '[1,9223372036854775807]'::int8range
select anyrange_x from (select int4range(a, a+2) as anyrange_x from t order by a limit 3) s
select int4range(1,2) || 'x', length(int4range(10,20)::text)
select json_object('{{a,1},{b,2},{3,NULL},{"d e f","a b c"}}'), jsonb_object('{{b,1},{a,2}}')
select json_object('{{a},{b}}')
select json_object('{{{a,b},{c,d}},{{b,c},{d,e}}}')
select json_object('{{a,1},{b,2}}', '{{a,1},{b,2}}')
select width_bucket(5, array[[1,2],[3,4]])
select width_bucket(5, '[0:2]={1,4,7}'::int[])
select array_fill(1, array[[1,2],[3,4]])
select arr, trim_array(arr, 2) from (values ('{1,2,3,4,5,6}'::bigint[]), ('{1,2}'), ('[10:16]={1,2,3,4,5,6,7}'), ('[-15:-10]={1,2,3,4,5,6}'), ('{{1,10},{2,20},{3,30},{4,40}}')) v(arr)
select trim_array('[0:1]={1,2}'::int[], 3)
select trim_array('[0:1]={1,2}'::int[], -1), 1
select trim_array(array[[1,2],[3,4]], 0), trim_array('{}'::int[], 0), trim_array(array[[1]], 1)
select json_agg(x), jsonb_agg(x) from (values (array[[1,2]]), (array[3,4])) v(x)
select * from json_to_record('{"ia": [[1, 2], [3, 4]]}') as x(ia int[])
select * from json_to_record('{"ia": [[1], 2]}') as x(ia int[])
select * from jsonb_to_record('{"ia": [[], []], "ta": [["a",null],["b","c"]]}') as x(ia int[], ta text[])
select * from json_to_record('{"ia": [[1],[2,3]]}') as x(ia int[])
select * from json_to_record('{"ja": ["a",[1,2]], "ia": "{1,2}"}') as x(ja json[], ia int[])
select ia[2], ia || 5, array_length(ia, 1) from json_to_record('{"ia": [1, "2", null, 4]}') as x(ia int[])
select - -9223372036854775808, -(-9223372036854775808), - - 5, pg_typeof(- -9223372036854775808), pg_typeof(-9223372036854775808)
values (row('foo'::text)), (row('bar'::text, 'baz'::text))
select row(1, 2) union all select row(1, 'x'::text)
select case when a = 1 then row(1) else row(2, 3) end from t where a < 3 order by a
select array[row(1, 2), row('a'::text, 'b'::text)]
select row(1.5, 'a'::text) union all select row(2.25, 'b'::varchar) order by 1
values (row(1, array[1])), (row(null, '{2,3}'::int[]))
select '(1,2)'::point, '1,2'::point, ' ( 1.5 , -2e10 ) '::point, 'nan,inf'::point, '(1,2'::point
select '(1,2)'::point, '1,2'::point, ' ( 1.5 , -2e10 ) '::point, 'nan,inf'::point
select '[(1,2),(3,4)]'::lseg, '(1,2),(3,4)'::lseg, '((1,2),(3,4))'::lseg, '1,2,3,4'::lseg
select '(1,2),(3,4)'::box, '3,4,1,2'::box, '((1,4),(3,2))'::box
select '[(1,2),(3,4)]'::path, '((1,2),(3,4),(5,6))'::path, '(1,2),(3,4)'::path, '1,2,3,4'::path, '(1,2,3,4)'::path
select '((1,2),(3,4))'::polygon, '1,2,3,4,5,6'::polygon, '(1,2)'::polygon
select '<(1,2),3>'::circle, '((1,2),3)'::circle, '(1,2),3'::circle, '1,2,3'::circle
select '{1,2,3}'::line, '[(0,0),(1,1)]'::line, '(0,0),(0,5)'::line, '(1,3),(5,3)'::line
select '{0,0,1}'::line
select '(1,1),(1,1)'::line
select '(1,2,3)'::point
select 'x'::box
select '[(1,2),(3,4)'::path
select '(1,2),(3,4)'::circle
select '<(1,2),-3>'::circle
select '(1e400,2)'::point
select '{"(1,2)","(3,4)"}'::point[], array['(1,2)'::point, null]
select '{(2,2),(1,1);(5,6),(3,4)}'::box[], array['(2,2),(1,1)'::box]
select '((0,0),(1,1))'::box = '((0,0),(1,1))'::box
select point(1,2) = point(1,2)
select distinct '(1,2)'::point
select '(1,2)'::point order by 1
select count(*) from (values ('(1,2)'::point)) v(p) group by p
select '(1,2)'::point union select '(1,2)'::point
select point(1,2) <-> point(4,6), point(1,2)+point(3,4), point(1,2)-point(3,4), point(1,2)*point(3,4), point(1,2)/point(3,4)
select point(1,2)/point(0,0)
select box(point(1,2),point(0,5)), circle(point(0,0),2), lseg(point(0,0),point(1,1)), line(point(0,0),point(1,2)), box(point(1,2))
select area('(0,0),(2,3)'::box), center('(0,0),(2,3)'::box), width('(0,0),(2,3)'::box), height('(0,0),(2,3)'::box), diagonal('(0,0),(2,3)'::box)
select area('<(0,0),2>'::circle), radius('<(0,0),2>'::circle), diameter('<(0,0),2>'::circle), center('<(0,0),2>'::circle), box('<(0,0),2>'::circle), circle('(0,0),(2,2)'::box)
select npoints('(1,2),(3,4)'::path), length('((0,0),(3,4))'::path), length('[(0,0),(3,4)]'::path), isopen('[(0,0),(3,4)]'::path), isclosed('[(0,0),(3,4)]'::path), pclose('[(0,0),(3,4)]'::path), popen('((0,0),(3,4))'::path)
select '(0,0),(2,2)'::box::polygon, '((0,0),(2,2),(0,2))'::polygon::box, '((0,0),(2,2),(0,2))'::polygon::circle, '((0,0),(2,2),(0,2))'::polygon::path, '((0,0),(2,2),(0,2))'::path::polygon, '[(0,0),(2,2)]'::path::polygon
select '(0,0),(2,2)'::box::polygon, '((0,0),(2,2),(0,2))'::polygon::box, '((0,0),(2,2),(0,2))'::polygon::circle, '((0,0),(2,2),(0,2))'::polygon::path, '((0,0),(2,2),(0,2))'::path::polygon
select point(1,1) <@ '(0,0),(2,2)'::box, '(0,0),(2,2)'::box @> point(3,1), '(0,0),(2,2)'::box && '(1,1),(5,5)'::box, '(0,0),(2,2)'::box << '(3,3),(5,5)'::box, point(1,1) <@ '<(0,0),2>'::circle
select to_json('(1,2)'::point), row('(1,2)'::point, 1)
select 1 = any (array[point(1,2)]::point[])
select '(1,2)'::point in ('(1,2)'::point)
select slope(point(0,0),point(1,2)), slope(point(0,0),point(0,2)), point(1,1) ?- point(2,1), point(1,1) ?| point(1,5)
select array['1'::json] = array['1'::json]
select array['(1,2)'::point] = array['(1,2)'::point]
select row('(1,2)'::point) = row('(1,2)'::point)
select row('1'::json) = row('1'::json)
select distinct array['1'::json]
select distinct array['(1,2)'::point]
select array['(1,2)'::point] order by 1
select row('(1,2)'::point) order by 1
select distinct row('1'::json)
select '(1,2)'::point is distinct from '(1,2)'::point
select '<(1,2),3>'::circle is distinct from '<(1,2),3>'::circle
select nullif('(1,2)'::point, '(1,2)'::point)
select array_position(array['(1,2)'::point], '(1,2)'::point)
select count(distinct '(1,2)'::point)
select rank() over (order by '(1,2)'::point)
select rank() over (partition by '<(1,2),3>'::circle)
select array_agg('(1,2)'::point order by '(1,2)'::point)
select array_remove(array['(1,2)'::point], '(1,2)')
select * from (values ('<(1,2),3>'::circle)) a(p) intersect select '<(1,2),3>'::circle
select '<(1,2),3>'::circle union select '<(1,2),3>'::circle
select '<(1,2),3>'::circle order by 1
select array['(1,2)'::point] @> array['(1,2)'::point]
select count(distinct '<(1,2),3>'::circle)
with recursive r(c) as (select '<(1,2),3>'::circle union select c from r) select * from r
select '<(1,2),3>'::circle in (select '<(1,2),3>'::circle)
select least('(1,2)'::point, '(1,2)'::point)
select least('<(1,2),3>'::circle, '<(1,2),3>'::circle)
select ?- lseg '(1,0),(1,1)', ?| lseg '(1,0),(1,1)', lseg '(1,0),(1,1)' ?# lseg '(2,3),(4,5)', lseg '(0,0),(2,2)' ?# lseg '(0,2),(2,0)', lseg '(0,0),(1,1)' ?# lseg '(2,2),(3,3)'
select lseg '(0,0),(0,2)' ?# lseg '(-1,1),(1,1)', lseg '(-1,1),(1,1)' ?# lseg '(0,0),(0,2)', lseg '(0,0),(0,2)' ?# lseg '(1,0),(1,2)'
select array_to_string(l, ','), count(*) from t group by 1 order by 1
select 1 > all(l), count(*) from t group by 1 order by 1
select array_remove(l, 1), count(*), sum(a) from t group by 1 having array_remove(l, 1) is not null order by 1
select l::text[], count(*) from t group by 1 order by 1
select array_to_string('{1,2}'::int[], ','), count(*) from t group by rollup(1) order by 1
select array_to_string(l, ','), k, count(*), grouping(k), grouping(array_to_string(l, ',')) from t group by rollup(array_to_string(l, ','), k) order by 1, 2, 4
select array_to_string(l, ',') || 'x', sum(length(array_to_string(l, ','))) from t group by array_to_string(l, ',') order by 1
select array_to_string(l, ','), row_number() over (order by array_to_string(l, ',')) from t group by array_to_string(l, ',') order by 2
select distinct array_to_string(l, ',') || '.' from t order by array_to_string(l, ',') || '.' desc
select distinct on (array_to_string(l, ',')) a, array_to_string(l, ',') from t order by array_to_string(l, ',') desc, a
select a from t where exists (select 1 from t q where q.a > all(t.l)) order by 1
select a, x.c from t, lateral (select array_remove(array[1, 2, 3], t.a) c) x order by 1
select a, (select array_agg(q.a order by q.a) from t q where array_position(t.l, q.a) is not null) from t order by 1
select t.a, r.x from t, unnest(array_remove(array[1, 2, 3], t.a)) r(x) order by 1, 2
select t.a, r.x from t, lateral (values (array_remove(array[1, 2], t.a)), (array_remove(array[1, 4], t.a))) r(x) order by 1, 2
select t.a, (select count(*) from t q join t r on array_position(t.l, q.a) = r.a) from t order by 1
select t.a, (select count(*) from t q left join t r on array_position(t.l, q.a) = r.a) from t order by 1
select t.a, (select count(*) from t q right join t r on array_position(t.l, q.a) = r.a) from t order by 1
select t.a, (select array_position(t.l, max(q.a)) from t q where q.a < 4) from t order by 1
select t.a, (select array_to_string(array_remove(array[1, 2, 3], t.a), min(q.s)) from t q group by q.k order by q.k limit 1) from t order by 1
select t.a, (select string_agg(q.s, array_to_string(t.l, ',') order by q.a) from t q) from t order by 1
select t.a, (select array_remove(array[1, 2], t.a) union all select array_remove(array[1, 2], t.a) limit 1) from t order by 1
update t set s = (select array_to_string(array_remove(array[1, 2, 3], t.a), ',')) where a < 3 returning a, s
select distinct 1, 'x'::text, '1.5'::jsonb, 1.50::numeric from t
select distinct '1.5'::jsonb, 2, m from t where m is not null order by 3
select a in (select 1), count(*) from t group by 1 order by 1
select (select max(q.a) from t q where q.a <= t.b), count(*) from t group by 1 order by 1
select exists (select 1 from t q where q.a < t.a), count(*) from t group by 1 order by 1
select (select count(*) from t q where q.a < t.b) c, count(*) from t group by c having (select count(*) from t q where q.a < t.b) > 1 order by c
select case when a in (select 2) then 'a' else 'b' end, count(*) from t group by case when a in (select 2) then 'a' else 'b' end order by 1
select (select max(q.a) from t q where q.a <= t.a) m, k, count(*) from t group by rollup(m, k) order by m, k, 3
select distinct (select max(q.a) from t q where q.a <= t.a) from t order by (select max(q.a) from t q where q.a <= t.a)
select (select max(q.a) from t q where q.a <= t.a), count(*) from t group by (select max(r.a) from t r where r.a < t.a) order by 1
select a, (a, b) in (select 1, 10), (a, b) not in (select 1, 10), (b, a) in (select null::int, 2) from t order by 1
select a from t where (a, b) not in (select 2, 7) order by 1
select a from t where (a, b) in (select a, b from t) order by 1
select 2<>-3, 2=-2, 2<=-1, 10*-3, 10/-3, 10-+3, 5+-3
select 10^-3
select 10 %-3
select a from t where a<>-1 and a>=-1 order by 1
select 'a' || inet '1.2.3.4', quote_literal(inet '1.2.3.4'), 'b' || cidr '10.0.0.0/8', quote_nullable(inet '::1')
select sum(a) over (order by a rows between a preceding and current row) from t
select a, count(*) over (order by f range between '1' preceding and '4.5' following) from t where f < 5 order by a
select upper('straße'), upper(upper('xß')), upper(null::text), upper('')
select 5 operator(pg_catalog.-) 3, operator(pg_catalog.-) 3
