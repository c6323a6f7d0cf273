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
select a, b, count(*) from t where a < 3 group by grouping sets ((a), (b), ()) order by a, b
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
