select count(*), max(a.x), min(upper('2*')), sum(a.x) from a where a.x not in (select b2.x from b b2 where b2.x <> b2.a)
select a.id, a.* from a where a.x in (select a2.x from a a2 where a2.x = a2.x)
select a.id, b.id, a.s, b.s, coalesce(b.s::int, b.s::int) from a join b on b.s = a.s where (select count(*) from a a2 where a2.x = b.id and not (a2.tenant <= a2.x)) > 1
select a.id, b.id, a.s, b.s, a.id from a right join b on b.a = a.id and a.x in (select a2.x from a a2 where (a2.x <= a2.x or a2.tenant <= a2.x)) where length(substr(a.s, 1, a.x)) <> a.tenant
select a.x, count(*), sum(a.x) from a where a.id <= a.id group by 1 having count(*) > 1
with c as materialized (select * from b) select c.id, c.s from c where not exists (select 1 from b b2 where b2.x = c.x and not exists (select 1 from a a2 where a2.x = b2.x and a2.tenant <> a2.x))
select a.id, b.id, a.s, b.s, 4 from a full join b on b.a = a.id
with c as (select * from b) select c.id, c.s from c where ((c.x - c.x) > c.a and (c.a / c.x) = c.id)
select b.id, b.* from b
update b set id = 571 where (b.x / (b.a / b.a)) <= b.x returning b.id, b.s
select count(*), max(a.id), min(chr(a.id)), sum(a.x) from a where (case when a.tenant <> a.x then a.x end) is null
delete from b where (b.s || '1') like 'h%' returning b.id, b.s
select b.id, substr(b.s, 1, coalesce(b.a, b.x)) from b where b.s < substr(upper(b.s), 1, length(b.s))
delete from b where '' like '1%' returning b.id, b.s
delete from b where not exists (select 1 from b b2 where b2.x = b.id and b2.id < b2.x) returning b.id, b.s
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where b.x = b.id
select count(*), max(a.tenant), min(substr(a.s, 1, a.tenant)), sum(a.x) from a where a.s::int is not null
select a.id, a.* from a
select a.id, b.id, a.s, b.s, (a.id / a.tenant) from a join b on b.s = a.s and a.s = a.s where a.tenant is not null
select count(*), max((case when not (b.x > b.id) then b.x end)), min(b.s), sum(b.x) from b where b.x <> b.x
delete from a where a.x <> a.tenant
select id, s from a intersect select id, s from b
delete from a where exists (select 1 from a a2 where a2.id = a.id and (select count(*) from b b2 where b2.x = a2.x and b2.a <= b2.a) > 0) returning a.id, a.s
update a set id = 585 where a.x in (select b2.x from b b2 where b2.s < b2.s)
select a.id, b.id, a.s, b.s, b.x from a left join b on b.s = a.s and b.s::int is not null where b.id > length(upper(b.s))
select a.id, a.s from a where a.s like '%2'
update b set id = 567 where upper(b.s) < (chr(b.id) || (b.s || b.s))
update b set id = 509 where '2*' = chr(b.id)
select id, s from a intersect select id, s from b where 26 = b.a
select count(*), max(a.tenant), min(a.s), sum(a.x) from a
select b.id, b.s from b
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where b.x in (select b2.x from b b2 where b2.s like 'h%')
delete from a where length(upper(a.s)) is null
delete from b where (select count(*) from b b2 where b2.x = b.x and b2.x < b2.a) > 0
select x.n from (select b.id as n, b.x as v from b) x where x.v > 3
select count(*), max(b.a), min('2*'), sum(b.x) from b where coalesce(b.id, b.a) > b.a
select b.id, chr(((b.a / b.a) - b.x)) from b where b.x in (select a2.x from a a2 where exists (select 1 from b b2 where b2.id = a2.id and b2.id <> b2.id))
select a.id, a.* from a where a.id is not null
select b.id, b.* from b where (((b.x = b.id or b.a <> b.a) and b.x is not null) or -1 <= b.id)
select a.id, substr(a.s, 1, a.tenant) from a
select a.id, (substr(a.s, 1, a.s::int) || a.s) from a where (a.x in (select b2.x from b b2 where b2.id < b2.a) and a.tenant > (case when a.id > a.id then a.tenant end))
delete from b where b.x is not null
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where a.tenant < a.x
select a.id, b.id, a.s, b.s, a.x from a join b on b.x = a.x and coalesce(a.s::int, a.tenant) < (a.s::int + a.tenant) where (a.s = chr(a.x) and a.s like '%2')
select a.id, b.id, a.s, b.s, b.a from a full join b on b.a = a.id
delete from a where substr(substr(a.s, 1, a.tenant), 1, a.tenant) > a.s
select b.id, b.s::int from b where (select count(*) from b b2 where b2.id = b.x and b2.x not in (select b2.x from b b2 where b2.x = b2.a)) > 0
select b.id, b.a from b where (b.x in (select b2.x from b b2 where b2.id < b2.id) or (b.x - b.id) <= (b.a + b.x))
select a.id % 3, count(*), sum(a.id) from a where a.id = (a.tenant / a.id) group by 1 having count(*) > 0
with c as materialized (select * from a) select c.id, c.s from c where c.id <= c.id
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where not exists (select 1 from b b2 where b2.id = a.x and b2.id = b2.id)
select count(*), max((length(b.s) * b.id)), min(b.s), sum(b.x) from b where (b.x in (select a2.x from a a2 where a2.id < a2.tenant) and b.a <> b.x)
select a.id, a.* from a where (a.id < a.tenant or upper(a.s) like '1%')
delete from a where ((a.x not in (select b2.x from b b2 where b2.id <> b2.x) and a.x > a.tenant) and not exists (select 1 from a a2 where a2.x = a.id and a2.tenant <= a2.x))
with c as (select * from a) select c.id, c.s from c where (c.tenant > c.id and c.s > c.s)
with c as materialized (select * from b) select c.id, c.s from c where c.s > c.s
select a.id, b.id, a.s, b.s, (b.x / 3) from a full join b on b.a = a.id where b.x = length((b.s || b.s))
select a.id, b.id, a.s, b.s, b.id from a join b on b.s = a.s and 16 <> b.id
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where a.s like '%2'
select count(*), max(b.a), min(chr(b.id)), sum(b.x) from b where (b.s < 'h' or b.id < -1)
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where b.a < b.a
select a.id, a.* from a
select a.id, b.id, a.s, b.s, b.x from a right join b on b.s = a.s and ((case when b.a = b.id then b.x end) / b.id) < b.a where b.x in (select a2.x from a a2 where a2.x is null)
select x.n from (select a.id as n, ((a.id / a.x) - a.id) as v from a) x where x.v > 3
select x.n from (select b.id as n, coalesce(b.x, b.a) as v from b) x where x.v > 3
update b set id = 507 where b.a <= 15
select a.id, b.id, a.s, b.s, (case when 26 = 3 then length(substr(a.s, 1, a.tenant)) end) from a full join b on b.a = a.id where ((a.tenant < a.x and (a.tenant > a.x or a.x <> a.tenant)) or a.id = a.id)
select a.id, (a.id * a.tenant) from a
select count(*), max(a.id), min(substr(a.s, 1, ((case when a.x > a.tenant then a.tenant end) * a.id))), sum(a.x) from a
select id, s from a union all select id, s from b
select count(*), max(b.a), min(b.s), sum(b.x) from b where not exists (select 1 from a a2 where a2.id = b.x and not (a2.id <= a2.id))
select x.n from (select a.id as n, a.s::int as v from a) x where x.v > 3
select count(*), max((20 - -2)), min(b.s), sum(b.x) from b
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where (not exists (select 1 from b b2 where b2.id = a.x and b2.a <= b2.a) and a.x <> a.x)
select b.id, b.s from b where upper('2*') < b.s
select b.id, b.* from b where b.x not in (select a2.x from a a2 where a2.x <> a2.id)
delete from a where (a.s like 'h%' or (a.tenant - a.tenant) < (a.x / a.x)) returning a.id, a.s
select a.id, a.* from a
select count(*), max(a.tenant), min(substr(a.s, 1, (coalesce(a.id, a.id) * a.x))), sum(a.x) from a where (exists (select 1 from b b2 where b2.id = a.x and b2.a = b2.id) or a.tenant <> a.x)
select a.id, 9 from a
select b.id, substr(b.s, 1, b.x) from b
select b.x, count(*), sum(b.a) from b group by 1 having count(*) > 0
select id, s from a intersect select id, s from b where (select count(*) from b b2 where b2.id = b.id and (b2.id < b2.x and b2.a > b2.id)) > 1
select b.id, b.* from b where b.s like 'h%'
select id, s from a union all select id, s from b
select a.id, a.x from a where a.x not in (select b2.x from b b2 where b2.a = b2.a)
delete from a where (a.id + (a.x * a.x)) > a.x
select a.id, a.* from a where (a.id / a.id) > (a.x / length(a.s))
select a.id, b.id, a.s, b.s, a.id from a left join b on b.a = a.id and a.x <= (length(a.s) / coalesce(a.tenant, a.id)) where a.x is not null
select count(*), max(a.tenant), min(substr(a.s, 1, a.id)), sum(a.x) from a where a.tenant = a.id
select count(*), max(b.id), min((upper(substr(b.s, 1, b.id)) || b.s)), sum(b.x) from b where b.id < (length(b.s) - b.x)
select b.id, (b.s || 'h') from b where not exists (select 1 from a a2 where a2.x = b.x and a2.tenant is null)
with c as (select * from b) select c.id, c.s from c where coalesce(c.a, (c.x + c.a)) = (c.a / (c.x * c.x))
select b.id, ('h' || (upper(b.s) || (b.s || b.s))) from b where (((b.a <= b.id or b.x = b.id) or b.x < b.x) and b.s::int is not null)
select a.id, a.id from a
with c as materialized (select * from b) select c.id, c.s from c
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where b.a < b.x
select b.id, b.* from b where b.x = b.id
select x.n from (select a.id as n, a.id as v from a) x where x.v > 3
select count(*), max(b.s::int), min(b.s), sum(b.x) from b where b.a < b.id
select count(*), max(a.s::int), min(a.s), sum(a.x) from a where ((case when a.tenant < a.tenant then a.x end) / coalesce(a.x, a.id)) < (a.tenant + length(a.s))
delete from a where a.x in (select a2.x from a a2 where a2.x <= a2.x) returning a.id, a.s
select count(*), max(b.x), min(b.s), sum(b.x) from b where upper(b.s) = (b.s || b.s)
select count(*), max(a.id), min('2*'), sum(a.x) from a
select id, s from a except select id, s from b where (coalesce(b.id, b.x) * b.s::int) > b.x
select a.id, b.id, a.s, b.s, a.tenant from a right join b on b.x = a.x where substr(a.s, 1, a.x) like '%*'
select count(*), max((length(b.s) - (b.id / 13))), min(b.s), sum(b.x) from b where b.s > b.s
select b.id, b.* from b where (upper(b.s) || upper(b.s)) = b.s
select id, s from a except select id, s from b where b.id > ((b.x * b.a) - (b.id * b.a))
select count(*), max(10), min(upper(upper(b.s))), sum(b.x) from b where (b.x = b.id and b.a <> b.x)
select b.id % 3, count(*), sum((case when not (b.x <= b.a) then b.a end)) from b where b.s::int < b.a group by 1 having count(*) > 0
select x.n from (select a.id as n, coalesce(22, coalesce((a.tenant / a.id), a.x)) as v from a) x where x.v > 3
delete from a returning a.id, a.s
select a.id, (18 / -1) from a where length(upper(a.s)) > a.tenant
select count(*), max(b.id), min((b.s || ((b.s || b.s) || b.s))), sum(b.x) from b where b.s like '%*'
select count(*), max(b.id), min(substr(b.s, 1, b.x)), sum(b.x) from b where chr(b.a) like '%*'
select a.id, (a.tenant - a.id) from a where 5 is not null
update b set id = 533 where b.s > b.s returning b.id, b.s
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where a.x < (a.x / a.id)
select a.id, a.* from a
update b set id = 539 where b.x not in (select a2.x from a a2 where a2.s like '%*') returning b.id, b.s
select b.id % 3, count(*), sum(b.x) from b where ((b.x / b.a) * 2) > b.a group by 1 having count(*) > 2
with c as materialized (select * from b) select c.id, c.s from c where 0 <> length(chr(c.id))
select a.id, b.id, a.s, b.s, (b.x + 0) from a join b on b.a = a.id and (b.a + b.x) < (case when b.s > b.s then 20 end)
select a.id, a.s from a where a.s = '2*'
select count(*), max(b.id), min(b.s), sum(b.x) from b where (select count(*) from a a2 where a2.x = b.x and a2.tenant is not null) > 2
delete from b where ((b.s || b.s) || b.s) like '%2'
select a.id, b.id, a.s, b.s, a.id from a right join b on b.x = a.x where a.id <> a.s::int
select count(*), max((case when 8 <> 25 then b.x end)), min(b.s), sum(b.x) from b where b.x not in (select b2.x from b b2 where b2.x = b2.a)
select a.id, 30 from a where (a.x not in (select b2.x from b b2 where b2.x > b2.a) or a.s = a.s)
select count(*), max((1 + (b.id * b.a))), min(substr(b.s, 1, b.a)), sum(b.x) from b
select a.id, b.id, a.s, b.s, (a.x - (4 / length(a.s))) from a full join b on b.a = a.id where substr(a.s, 1, (a.id / a.id)) like '%2'
select a.id, b.id, a.s, b.s, b.id from a join b on b.s = a.s
select a.id, a.* from a where length(a.s) <= ((a.tenant / a.x) + a.id)
select a.id, b.id, a.s, b.s, a.x from a left join b on b.a = a.id where a.id > a.tenant
with c as (select * from b) select c.id, c.s from c where not (length(c.s) <= length(c.s))
select b.id, b.s from b where coalesce(b.a, b.id) <> length(b.s)
update b set id = 549 where b.s like 'h%' returning b.id, b.s
select b.id, (b.a / b.id) from b where (b.s::int / coalesce(b.x, b.x)) <= coalesce(b.id, b.a)
select a.id, ('hidden' || a.s) from a
delete from b where (b.x > 25 and (case when b.a <= b.id then b.id end) < b.x) returning b.id, b.s
select x.n from (select b.id as n, b.id as v from b) x where x.v > 3
select a.id, b.id, a.s, b.s, b.a from a full join b on b.a = a.id where b.s::int < b.x
select a.id, (a.x * a.tenant) from a where a.s::int > 23
select x.n from (select a.id as n, ((a.id / a.id) * coalesce((a.x + a.id), a.x)) as v from a) x where x.v > 3
select count(*), max(a.id), min(a.s), sum(a.x) from a where not exists (select 1 from a a2 where a2.x = a.x and a2.x <> a2.x)
select id, s from a except select id, s from b
update a set id = 569 where not (((a.tenant <= a.id and a.tenant > a.x) and a.s = a.s))
select id, s from a union select id, s from b
select b.id, b.id from b where (case when b.x in (select b2.x from b b2 where b2.id < b2.id) then (b.x * b.a) end) < b.s::int
with c as (select * from a) select c.id, c.s from c where (c.x / c.tenant) <= (c.tenant - c.x)
select count(*), max(((13 + a.id) - -1)), min((a.s || 'h')), sum(a.x) from a where a.x > a.id
select count(*), max(b.a), min(upper(b.s)), sum(b.x) from b where exists (select 1 from b b2 where b2.id = b.id and b2.s > b2.s)
select a.s, count(*), sum(((a.id - 28) + (a.x * a.x))) from a group by 1 having count(*) > 1
select count(*), max(a.x), min(a.s), sum(a.x) from a where a.id > a.s::int
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where (case when a.s < a.s then a.x end) = a.id
select b.id, b.s from b where b.s > b.s
select count(*), max(a.x), min(a.s), sum(a.x) from a
select count(*), max(-3), min((a.s || a.s)), sum(a.x) from a where a.x not in (select a2.x from a a2 where a2.s like 'h%')
select b.id % 3, count(*), sum(b.id) from b group by 1 having count(*) > 0
select id, s from a union select id, s from b
select b.id, b.s from b where b.x > b.a
select b.id, b.* from b where b.x < b.id
select a.id, b.id, a.s, b.s, 15 from a join b on b.s = a.s
select id, s from a intersect select id, s from b
select count(*), max(a.tenant), min(upper(a.s)), sum(a.x) from a where (a.tenant / length(a.s)) < (case when exists (select 1 from a a2 where a2.x = a.x and a2.x <> a2.id) then (a.tenant / a.id) end)
select id, s from a except select id, s from b
select b.x, count(*), sum(length(chr(b.id))) from b where b.a = b.x group by 1 having count(*) > 0
select a.id, b.id, a.s, b.s, b.id from a left join b on b.x = a.x and b.s::int = b.a
select a.id, a.* from a where ((exists (select 1 from b b2 where b2.x = a.id and b2.a < b2.a) and (select count(*) from b b2 where b2.id = a.id and b2.a > b2.id) > 0) or (case when a.tenant < a.x then a.x end) > a.tenant)
select count(*), max(coalesce(coalesce(b.a, 20), b.id)), min(''), sum(b.x) from b where (select count(*) from a a2 where a2.x = b.x and a2.tenant > a2.id) > 0
select a.id, b.id, a.s, b.s, b.x from a right join b on b.s = a.s and ((b.id / b.x) / b.id) < (coalesce(b.a, b.a) + b.a)
select a.id, b.id, a.s, b.s, b.s::int from a right join b on b.x = a.x and b.s like 'h%' where b.a <> b.a
select a.id, b.id, a.s, b.s, coalesce(a.id, a.id) from a join b on b.s = a.s where a.x < a.x
select count(*), max(a.tenant), min(a.s), sum(a.x) from a where 5 <> a.tenant
select b.s, count(*), sum(b.id) from b where ((b.s || b.s) < b.s and coalesce(b.id, b.id) is null) group by 1 having count(*) > 0
select b.id, b.s from b where exists (select 1 from a a2 where a2.x = b.x and a2.s < a2.s)
delete from b where (b.s || (b.s || b.s)) < substr('2*', 1, (b.a / b.x)) returning b.id, b.s
select a.id, b.id, a.s, b.s, coalesce(((case when a.x > a.x then a.id end) + a.x), (a.tenant / (a.tenant + a.id))) from a full join b on b.a = a.id where ((a.tenant - a.x) / 5) <> coalesce(a.x, coalesce(a.tenant, a.x))
select x.n from (select a.id as n, a.id as v from a) x where x.v > 3
select count(*), max((case when (b.s like '1%' or b.x < b.id) then b.a end)), min(b.s), sum(b.x) from b where b.a <> (b.a + length(b.s))
select b.id, b.* from b where b.id = b.a
update a set id = 585 where (select count(*) from a a2 where a2.x = a.id and a2.x not in (select a2.x from a a2 where a2.tenant <= a2.tenant)) > 2 returning a.id, a.s
select count(*), max(coalesce((coalesce(a.id, a.tenant) * a.tenant), a.id)), min(a.s), sum(a.x) from a where 7 < 18
select count(*), max((b.a - (case when (b.x <> b.id and b.x <> b.a) then b.a end))), min(substr('', 1, b.x)), sum(b.x) from b where b.x = length(b.s)
select a.id, -1 from a where a.x < coalesce(a.tenant, a.id)
select b.id, b.x from b
select b.id, b.* from b where (substr(b.s, 1, b.id) || b.s) like '%*'
select b.id, (b.a / (-2 / b.x)) from b where b.a is null
update b set id = 557 where b.x < ((b.x / b.id) / -2) returning b.id, b.s
update b set id = 521 where b.id < b.a
delete from a where ((a.s || a.s) || a.s) > a.s returning a.id, a.s
select a.id, b.id, a.s, b.s, length(a.s) from a left join b on b.s = a.s where ((select count(*) from a a2 where a2.x = a.x and a2.id < a2.x) > 2 or a.s::int <= length(a.s))
update b set id = 596 where substr(substr(b.s, 1, b.id), 1, coalesce(b.id, b.id)) = b.s returning b.id, b.s
select a.s, count(*), sum(23) from a where (a.x <= a.id and length(a.s) <> a.tenant) group by 1 having count(*) > 1
select id, s from a except select id, s from b where length(b.s) < b.s::int
delete from b where b.x in (select a2.x from a a2 where (a2.id > a2.x and a2.id > a2.tenant))
select id, s from a except select id, s from b
with c as materialized (select * from b) select c.id, c.s from c where (c.a + c.x) = c.id
select a.id, b.id, a.s, b.s, a.x from a right join b on b.x = a.x and a.x = a.tenant where a.x in (select b2.x from b b2 where not exists (select 1 from b b2 where b2.x = b2.x and b2.id = b2.a))
select b.id, b.s from b where (chr(b.a) || b.s) = b.s
update a set id = 557 where (not (a.s < a.s) and not exists (select 1 from a a2 where a2.id = a.id and a2.tenant <= a2.id))
select count(*), max((length((a.s || a.s)) + (8 / a.id))), min(upper(substr(a.s, 1, a.x))), sum(a.x) from a where ((a.x <> a.id and a.tenant <> a.id) or a.x in (select b2.x from b b2 where b2.id = b2.a))
select b.id % 3, count(*), sum(b.id) from b group by 1 having count(*) > 1
select count(*), max(coalesce(coalesce(b.id, b.x), b.x)), min(b.s), sum(b.x) from b where (b.id / b.x) <> b.a
select a.id, b.id, a.s, b.s, b.a from a join b on b.x = a.x and b.x <> b.s::int where exists (select 1 from a a2 where a2.x = b.id and not exists (select 1 from a a2 where a2.x = a2.id and a2.x <= a2.x))
select count(*), max(coalesce(b.id, b.x)), min(b.s), sum(b.x) from b
select count(*), max(a.id), min((upper(substr(a.s, 1, a.id)) || a.s)), sum(a.x) from a
select b.id, (case when (case when b.id <> b.id then b.x end) is not null then b.s::int end) from b
select count(*), max(b.x), min(substr(b.s, 1, b.x)), sum(b.x) from b where ((b.s || b.s) > b.s or exists (select 1 from a a2 where a2.x = b.id and a2.tenant <= a2.id))
select a.id, b.id, a.s, b.s, b.x from a right join b on b.a = a.id where (exists (select 1 from b b2 where b2.x = b.id and b2.id = b2.id) and substr(b.s, 1, b.id) like '1%')
delete from a where a.x in (select b2.x from b b2 where b2.x > b2.x)
with c as (select * from b) select c.id, c.s from c where c.a = c.a
select count(*), max(b.a), min((b.s || b.s)), sum(b.x) from b
delete from a returning a.id, a.s
update a set id = 545 returning a.id, a.s
select count(*), max(b.id), min(upper(b.s)), sum(b.x) from b where b.s < b.s
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where (select count(*) from a a2 where a2.x = a.id and a2.s like '%2') > 2
update a set id = 549 where (a.tenant <> a.x or (a.s like '1%' and exists (select 1 from b b2 where b2.id = a.x and b2.id <= b2.x))) returning a.id, a.s
select b.id, b.* from b where (exists (select 1 from b b2 where b2.id = b.x and b2.x > b2.id) or b.id = b.id)
select a.id, b.id, a.s, b.s, (((b.id * b.id) * b.id) - 8) from a right join b on b.a = a.id and (b.id / b.a) < b.x where (select count(*) from b b2 where b2.x = b.x and exists (select 1 from a a2 where a2.id = b2.x and a2.id <> a2.x)) > 0
select a.id, substr(a.s, 1, a.tenant) from a where a.tenant <> a.tenant
select a.id, a.s from a where not exists (select 1 from a a2 where a2.id = a.id and a2.id <> a2.x)
delete from a where coalesce(a.tenant, 2) is not null returning a.id, a.s
with c as (select * from a) select c.id, c.s from c
select a.id, a.* from a where a.x not in (select a2.x from a a2 where a2.id <= a2.x)
select b.id, b.* from b
select a.s, count(*), sum(a.x) from a where coalesce(a.x, a.id) = length(a.s) group by 1 having count(*) > 2
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b
select a.id, a.s from a where not exists (select 1 from a a2 where a2.id = a.id and a2.s like 'h%')
update b set id = 566 where (select count(*) from b b2 where b2.id = b.id and b2.x <> b2.a) > 2
select id, s from a union select id, s from b where upper(chr(b.x)) like '1%'
select a.id, a.* from a where (a.s || chr(a.id)) like 'h%'
select a.id, a.s from a where 27 <= a.s::int
select a.id, b.id, a.s, b.s, b.x from a left join b on b.s = a.s and b.id <= b.a where b.s like '%*'
update a set id = 582 where not exists (select 1 from b b2 where b2.x = a.x and b2.id > b2.a) returning a.id, a.s
select b.id, chr(b.s::int) from b where (b.s || b.s) < (b.s || b.s)
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where not exists (select 1 from a a2 where a2.id = a.id and not (a2.id > a2.x))
select a.id, b.id, a.s, b.s, a.x from a left join b on b.s = a.s where upper(substr(a.s, 1, a.tenant)) = (a.s || substr(a.s, 1, a.x))
select b.id, b.* from b
update a set id = 534 where coalesce(coalesce(a.x, a.tenant), 10) = length(a.s)
update a set id = 522 where not exists (select 1 from b b2 where b2.id = a.id and b2.id < b2.id) returning a.id, a.s
select count(*), max(a.tenant), min('2*'), sum(a.x) from a where length(a.s) <= a.tenant
with c as materialized (select * from b) select c.id, c.s from c where substr(c.s, 1, (c.x / c.id)) = c.s
select a.id, b.id, a.s, b.s, b.x from a full join b on b.a = a.id where b.id = (b.id * b.a)
select id, s from a union select id, s from b where not ((select count(*) from a a2 where a2.x = b.x and a2.tenant < a2.x) > 1)
with c as materialized (select * from b) select c.id, c.s from c where (length(c.s) + coalesce(c.id, c.x)) is null
select count(*), max(b.id), min(upper(b.s)), sum(b.x) from b where 23 = (case when b.x = b.id then length(b.s) end)
select b.id % 3, count(*), sum(b.id) from b where not exists (select 1 from b b2 where b2.id = b.x and b2.id > b2.a) group by 1 having count(*) > 1
with c as materialized (select * from a) select c.id, c.s from c where coalesce(19, c.tenant) < (c.id / c.x)
select a.id, b.id, a.s, b.s, (coalesce(a.x, coalesce(a.id, a.id)) / coalesce(length(a.s), a.s::int)) from a full join b on b.a = a.id where not exists (select 1 from b b2 where b2.x = a.x and not (b2.x <= b2.id))
select count(*), max(((a.id * a.tenant) / coalesce(a.id, a.s::int))), min('2*'), sum(a.x) from a where not exists (select 1 from a a2 where a2.x = a.id and not exists (select 1 from b b2 where b2.x = a2.x and b2.a <= b2.id))
select b.id % 3, count(*), sum(b.a) from b group by 1 having count(*) > 1
select a.id, b.id, a.s, b.s, b.id from a left join b on b.s = a.s where b.id < ((case when b.id > b.id then b.x end) * 3)
select a.id, 'h' from a where a.x <= length('1')
select a.s, count(*), sum((case when (a.s = a.s or a.x > a.tenant) then a.tenant end)) from a group by 1 having count(*) > 2
select a.id, a.* from a where coalesce(a.x, (a.tenant / a.tenant)) <> a.tenant
select a.id, b.id, a.s, b.s, a.id from a full join b on b.a = a.id where a.tenant <> (a.x / a.tenant)
select a.id, b.id, a.s, b.s, length(substr(b.s, 1, (case when b.id <> b.id then b.id end))) from a join b on b.x = a.x where (b.x / 18) <= length(upper(b.s))
select a.id, a.* from a
select a.id, substr((substr(a.s, 1, a.id) || a.s), 1, a.tenant) from a where (4 / coalesce(a.x, a.tenant)) > (a.x + (a.x / a.id))
select count(*), max(a.x), min(substr(a.s, 1, a.tenant)), sum(a.x) from a where (a.id * 20) <= a.x
update a set id = 539 where ((select count(*) from a a2 where a2.id = a.id and a2.x < a2.x) > 2 or not ((select count(*) from b b2 where b2.x = a.id and b2.id <= b2.id) > 0))
select a.id, (15 / a.id) from a where (a.x / a.id) > length('2*')
select b.s, count(*), sum(20) from b where (11 * (case when b.a > b.id then b.a end)) <> b.id group by 1 having count(*) > 0
select a.id, b.id, a.s, b.s, a.tenant from a right join b on b.x = a.x
with c as materialized (select * from b) select c.id, c.s from c where c.x = c.id
select b.id, b.a from b where chr(b.a) like '%2'
select count(*), max(a.s::int), min((upper(a.s) || a.s)), sum(a.x) from a where a.x not in (select b2.x from b b2 where b2.id <> b2.a)
delete from b where b.s < b.s
select a.id, b.id, a.s, b.s, (coalesce(b.s::int, b.s::int) * 19) from a join b on b.s = a.s where exists (select 1 from b b2 where b2.x = b.id and b2.id = b2.x)
select a.id, a.s from a where (select count(*) from b b2 where b2.x = a.x and (b2.id > b2.id or b2.id = b2.id)) > 1
select a.id, 10 from a where upper(a.s) like '%*'
select b.id, b.* from b where b.s > '1'
delete from b where upper(b.s) like 'h%'
update a set id = 554 where not exists (select 1 from a a2 where a2.id = a.id and not (a2.tenant > a2.tenant))
with c as materialized (select * from b) select c.id, c.s from c where not ((c.x = c.a or c.x < c.id))
select count(*), max((b.x * b.x)), min((b.s || b.s)), sum(b.x) from b
select a.id, b.id, a.s, b.s, (b.s::int * b.s::int) from a right join b on b.a = a.id where b.s::int <= 23
delete from b where b.x in (select b2.x from b b2 where exists (select 1 from b b2 where b2.id = b2.id and b2.id = b2.x))
with c as materialized (select * from b) select c.id, c.s from c
select x.n from (select b.id as n, b.x as v from b) x where x.v > 3
delete from a where (a.x / a.tenant) is null returning a.id, a.s
select count(*), max(b.x), min(upper(b.s)), sum(b.x) from b where not (b.a <> 15)
select a.id, substr(upper(chr(a.id)), 1, a.tenant) from a where not exists (select 1 from b b2 where b2.id = a.id and b2.x <> b2.x)
select a.id, ((a.s || upper(a.s)) || a.s) from a where (select count(*) from a a2 where a2.id = a.x and a2.s like '%2') > 2
delete from a where (select count(*) from a a2 where a2.id = a.x and a2.tenant < a2.id) > 2
select b.id, b.* from b
select a.id, b.id, a.s, b.s, (case when (a.id - a.tenant) <= length(a.s) then 9 end) from a join b on b.s = a.s where not (not (a.x <= a.id))
select count(*), max(((a.tenant / length(a.s)) * coalesce((case when a.id <= a.tenant then a.tenant end), a.id))), min(substr(upper('1'), 1, a.tenant)), sum(a.x) from a where exists (select 1 from b b2 where b2.x = a.x and not (b2.x > b2.a))
select a.id, a.x from a where upper('2*') like 'h%'
select count(*), max(length(upper(b.s))), min(b.s), sum(b.x) from b where not (b.id < b.x)
with c as materialized (select * from b) select c.id, c.s from c where c.s like '1%'
select x.n from (select a.id as n, a.x as v from a) x where x.v > 3
update a set id = 599 where 18 <> a.tenant returning a.id, a.s
update b set id = 513
select a.id, b.id, a.s, b.s, a.tenant from a left join b on b.s = a.s where a.s like 'h%'
select b.id, b.* from b where b.x < b.id
select count(*), max(a.id), min(substr(chr(a.tenant), 1, (a.id * length(a.s)))), sum(a.x) from a where coalesce(a.x, a.tenant) = a.x
select a.id, a.id from a where ((a.x + a.id) < (case when a.tenant > a.id then a.x end) or a.tenant < 24)
select id, s from a except select id, s from b where b.x not in (select a2.x from a a2 where a2.x > a2.id)
select id, s from a intersect select id, s from b where (b.s like 'h%' or 15 <> (b.id * b.id))
select count(*), max((a.id * a.tenant)), min(upper(a.s)), sum(a.x) from a where (case when a.id is not null then length(a.s) end) <= a.id
select a.id, a.* from a
select count(*), max(a.id), min(a.s), sum(a.x) from a where not (a.s like '%*')
select b.s, count(*), sum((b.a + (b.x * (b.id + b.id)))) from b where length(b.s) > 9 group by 1 having count(*) > 0
select b.id, b.id from b where not (b.s > upper(b.s))
with c as (select * from b) select c.id, c.s from c where c.s::int <= c.a
select a.id, a.* from a where coalesce((a.x + a.x), a.id) <> a.tenant
select a.id, (length(substr(a.s, 1, a.tenant)) - a.x) from a where a.x in (select a2.x from a a2 where a2.s like '%2')
select a.x, count(*), sum(a.id) from a where a.tenant < 28 group by 1 having count(*) > 1
update b set id = 554 where b.id < b.s::int
select count(*), max(a.id), min((a.s || (chr(a.x) || a.s))), sum(a.x) from a
select b.id % 3, count(*), sum(b.id) from b where 2 <> coalesce(b.x, b.id) group by 1 having count(*) > 2
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where a.id <= length('1')
select count(*), max((3 / length('2*'))), min(a.s), sum(a.x) from a where a.id <= (a.x + -3)
select count(*), max(b.id), min(substr(b.s, 1, b.a)), sum(b.x) from b where (select count(*) from a a2 where a2.x = b.x and exists (select 1 from a a2 where a2.x = a2.x and a2.id <= a2.id)) > 1
select b.id, b.s from b where (b.x in (select b2.x from b b2 where b2.a > b2.a) or b.s::int <= b.id)
with c as (select * from b) select c.id, c.s from c where not (upper(c.s) like '%2')
select b.id % 3, count(*), sum(b.id) from b where 27 is null group by 1 having count(*) > 2
select a.s, count(*), sum(a.id) from a where (case when a.s like '%2' then a.tenant end) = a.tenant group by 1 having count(*) > 0
select x.n from (select b.id as n, (b.id / ((b.a - b.id) - b.x)) as v from b) x where x.v > 3
select b.id, b.id from b where exists (select 1 from b b2 where b2.x = b.x and b2.x > b2.id)
select b.id, b.s from b where length((b.s || b.s)) <= b.id
select b.id, b.* from b where b.x is not null
select a.id, b.id, a.s, b.s, length(b.s) from a join b on b.a = a.id where upper(upper(b.s)) like 'h%'
select a.id, b.id, a.s, b.s, a.tenant from a right join b on b.s = a.s where (a.x / a.tenant) <= a.tenant
select b.id, b.s::int from b where not ((b.x <= b.id or b.a > b.a))
select id, s from a intersect select id, s from b where length(b.s) = (28 + length(b.s))
select x.n from (select b.id as n, b.a as v from b) x where x.v > 3
select a.id, b.id, a.s, b.s, (a.id + a.id) from a full join b on b.a = a.id where a.x <> a.id
select id, s from a union select id, s from b
select x.n from (select a.id as n, a.id as v from a) x where x.v > 3
select a.id, b.id, a.s, b.s, b.a from a right join b on b.x = a.x and length(b.s) = (coalesce(b.id, b.a) - b.x)
select x.n from (select b.id as n, b.x as v from b) x where x.v > 3
select x.n from (select a.id as n, ((case when a.x = a.tenant then a.id end) - a.x) as v from a) x where x.v > 3
select id, s from a intersect select id, s from b
select a.id, b.id, a.s, b.s, a.x from a left join b on b.x = a.x where a.tenant > (a.id / a.tenant)
select a.id, a.* from a where a.s = a.s
select a.id, b.id, a.s, b.s, a.x from a right join b on b.s = a.s and not (a.x in (select b2.x from b b2 where b2.id > b2.x))
select a.id, a.* from a where a.s::int < (a.x * a.tenant)
select a.id, b.id, a.s, b.s, b.x from a full join b on b.a = a.id where chr(coalesce(b.x, b.a)) > b.s
select x.n from (select b.id as n, 8 as v from b) x where x.v > 3
delete from b where b.x not in (select b2.x from b b2 where (b2.a > b2.a and b2.a = b2.a)) returning b.id, b.s
select a.id, b.id, a.s, b.s, (length(b.s) + coalesce(b.a, (b.id / b.a))) from a join b on b.s = a.s and (select count(*) from b b2 where b2.id = b.id and b2.x > b2.a) > 1
select a.id, b.id, a.s, b.s, ((b.x * b.x) / b.a) from a full join b on b.a = a.id
select b.id, b.id from b where 19 <= (23 - b.a)
select count(*), max(coalesce(a.id, coalesce(a.x, a.id))), min(a.s), sum(a.x) from a where a.id = length(substr(a.s, 1, a.id))
select count(*), max(a.id), min(a.s), sum(a.x) from a where not ((a.tenant < a.x and a.x is null))
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where ((b.s || b.s) || (b.s || b.s)) like 'h%'
select a.id, b.id, a.s, b.s, b.x from a full join b on b.a = a.id where ((b.x + b.x) = 26 and b.id = b.id)
delete from a where a.x > a.s::int returning a.id, a.s
select a.s, count(*), sum((a.s::int * length((a.s || a.s)))) from a where a.s like '1%' group by 1 having count(*) > 2
select b.id, b.* from b
select a.id, 7 from a
select id, s from a except select id, s from b where b.x = 18
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where ((a.x + a.x) * a.tenant) < a.tenant
select b.id, b.s from b where chr((b.id / b.x)) like '1%'
update b set id = 515 where b.x <> b.a returning b.id, b.s
select a.id, b.id, a.s, b.s, (b.x / b.s::int) from a left join b on b.s = a.s and b.s = b.s where not (exists (select 1 from b b2 where b2.id = b.id and b2.x < b2.a))
update a set id = 519 where a.s < (a.s || upper(a.s))
select a.id, (3 / a.x) from a where (select count(*) from b b2 where b2.id = a.x and b2.id <= b2.id) > 2
select count(*), max(14), min(a.s), sum(a.x) from a where exists (select 1 from a a2 where a2.x = a.id and a2.s like '1%')
select a.id, b.id, a.s, b.s, a.x from a right join b on b.s = a.s and upper(a.s) = (substr(a.s, 1, a.tenant) || a.s)
delete from a where a.tenant <> a.tenant returning a.id, a.s
delete from a where a.s like '%*' returning a.id, a.s
select count(*), max(b.a), min((upper(upper(b.s)) || upper(b.s))), sum(b.x) from b where b.x in (select a2.x from a a2 where a2.s > a2.s)
select a.id, a.s::int from a
select a.id, substr(a.s, 1, length((a.s || a.s))) from a where chr(a.s::int) like '%2'
select b.s, count(*), sum(b.a) from b group by 1 having count(*) > 0
select b.id, 30 from b where coalesce(length(b.s), b.a) <> length(b.s)
select b.id, b.s from b where coalesce(b.a, b.x) < b.a
select b.id, b.a from b where b.x in (select b2.x from b b2 where b2.a > b2.a)
select count(*), max(coalesce(b.s::int, b.a)), min(substr(b.s, 1, b.a)), sum(b.x) from b where b.x not in (select b2.x from b b2 where b2.a <= b2.id)
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where upper('1') > chr(a.id)
select a.s, count(*), sum(((a.id / coalesce(a.id, a.x)) / a.tenant)) from a where a.x in (select a2.x from a a2 where a2.id > a2.id) group by 1 having count(*) > 1
select x.n from (select b.id as n, 18 as v from b) x where x.v > 3
select b.id, b.* from b where chr((b.id * b.id)) like 'h%'
with c as (select * from b) select c.id, c.s from c
delete from a where a.id <= 8
select id, s from a intersect select id, s from b
select count(*), max(b.a), min(b.s), sum(b.x) from b where b.s like '1%'
update a set id = 529 where a.tenant is null returning a.id, a.s
select a.s, count(*), sum((a.tenant / coalesce(a.tenant, a.x))) from a where a.tenant <= ((case when a.tenant < a.tenant then a.x end) + a.id) group by 1 having count(*) > 1
select a.id, a.id from a
select a.id, b.id, a.s, b.s, a.id from a left join b on b.x = a.x where a.id = 21
select count(*), max(b.id), min(b.s), sum(b.x) from b where (12 / (b.a / b.x)) <> (b.id / b.a)
select a.id, b.id, a.s, b.s, a.s::int from a right join b on b.s = a.s where a.x < a.x
update a set id = 542 where (a.id = length(a.s) and a.s = a.s)
select a.id, b.id, a.s, b.s, (((a.tenant / a.id) / a.id) + a.x) from a full join b on b.a = a.id where a.x in (select b2.x from b b2 where b2.id < b2.id)
select count(*), max(b.a), min(b.s), sum(b.x) from b where upper(upper(b.s)) like '%*'
with c as (select * from b) select c.id, c.s from c where c.a < 30
select a.s, count(*), sum((a.id + a.id)) from a where (case when a.x < a.x then (a.x / a.tenant) end) <> a.x group by 1 having count(*) > 2
update a set id = 579
select a.id, b.id, a.s, b.s, ((case when b.a = b.a then b.id end) * (b.id / b.id)) from a join b on b.x = a.x and b.x <= ((b.id + b.id) * length(b.s)) where b.s like '1%'
with c as materialized (select * from a) select c.id, c.s from c where c.id <> c.tenant
delete from b where b.x > b.x returning b.id, b.s
update b set id = 566 returning b.id, b.s
select a.id, b.id, a.s, b.s, (case when (select count(*) from b b2 where b2.x = b.id and b2.a < b2.x) > 2 then (b.x * b.x) end) from a full join b on b.a = a.id where exists (select 1 from b b2 where b2.x = b.id and b2.s = b2.s)
delete from a where length(upper(a.s)) <= length(chr(a.id))
select a.id, b.id, a.s, b.s, coalesce((coalesce(a.id, a.x) - a.tenant), a.id) from a full join b on b.a = a.id where ((a.tenant + a.id) / a.tenant) is not null
with c as (select * from b) select c.id, c.s from c where c.s = substr(c.s, 1, c.id)
select count(*), max(coalesce((a.id * a.id), a.x)), min(''), sum(a.x) from a
select a.id, b.id, a.s, b.s, b.id from a right join b on b.s = a.s and b.s like '%2' where (b.s || (b.s || b.s)) < b.s
select b.s, count(*), sum(b.x) from b where (b.s || b.s) > b.s group by 1 having count(*) > 1
select x.n from (select b.id as n, b.a as v from b) x where x.v > 3
select a.s, count(*), sum(length(a.s)) from a group by 1 having count(*) > 0
select count(*), max(b.a), min(b.s), sum(b.x) from b
delete from b where b.id <= (case when b.s < b.s then 26 end) returning b.id, b.s
select a.id, b.id, a.s, b.s, (2 / a.tenant) from a left join b on b.s = a.s
with c as materialized (select * from a) select c.id, c.s from c where not (c.x not in (select a2.x from a a2 where a2.id > a2.tenant))
select b.s, count(*), sum(coalesce(26, b.x)) from b group by 1 having count(*) > 1
select b.id, b.* from b where (b.x / b.x) is not null
select a.id, a.* from a where not exists (select 1 from a a2 where a2.id = a.id and not (a2.x <= a2.x))
update a set id = 548 where 17 < a.id
select a.id, b.id, a.s, b.s, a.tenant from a left join b on b.a = a.id and 5 <= (a.tenant - a.s::int)
select id, s from a union all select id, s from b
select a.id % 3, count(*), sum(a.id) from a where a.s like 'h%' group by 1 having count(*) > 2
select a.x, count(*), sum(a.id) from a where (select count(*) from b b2 where b2.id = a.id and b2.id <= b2.x) > 2 group by 1 having count(*) > 2
select a.id, a.* from a
select a.id, b.id, a.s, b.s, (b.x * b.x) from a join b on b.s = a.s
select count(*), max(30), min('h'), sum(b.x) from b where (b.a = 26 or (b.x / b.x) is not null)
with c as materialized (select * from b) select c.id, c.s from c where c.s like '%2'
select a.id, b.id, a.s, b.s, b.id from a join b on b.x = a.x and (b.a < b.id and 2 <> b.x) where (select count(*) from a a2 where a2.id = b.id and exists (select 1 from b b2 where b2.id = a2.x and b2.id <> b2.id)) > 2
select a.id, a.* from a
select a.id, b.id, a.s, b.s, b.x from a full join b on b.a = a.id where (select count(*) from a a2 where a2.id = b.x and a2.s like 'h%') > 2
select a.id, b.id, a.s, b.s, a.id from a right join b on b.x = a.x where a.s::int = (case when a.s like '1%' then coalesce(a.x, a.tenant) end)
delete from b where (b.s || 'h') > b.s
select a.id, b.id, a.s, b.s, ((b.a * b.x) * b.a) from a full join b on b.a = a.id where b.id = b.id
select id, s from a union select id, s from b where exists (select 1 from a a2 where a2.id = b.x and a2.x < a2.tenant)
select a.id, '2*' from a where a.s like '%*'
select a.id, b.id, a.s, b.s, b.x from a right join b on b.a = a.id where not exists (select 1 from a a2 where a2.x = b.x and (select count(*) from b b2 where b2.id = a2.x and b2.id <= b2.a) > 0)
with c as materialized (select * from a) select c.id, c.s from c where 23 = coalesce(c.x, (c.id + c.id))
select b.id, b.id from b where b.s > b.s
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where coalesce((case when b.a = b.x then b.x end), length(b.s)) = b.id
delete from a where exists (select 1 from a a2 where a2.x = a.x and a2.id > a2.x)
select a.id, b.id, a.s, b.s, (a.x + a.s::int) from a right join b on b.x = a.x and (9 / a.id) = ((case when a.x > a.x then a.x end) + a.id) where (case when a.x <> a.tenant then (a.x / a.tenant) end) > a.id
select b.id, b.id from b where b.s > b.s
select a.id, (a.tenant - a.x) from a where a.s like '%2'
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a
select x.n from (select a.id as n, a.x as v from a) x where x.v > 3
select b.id, 'h' from b where 17 = (b.x * (b.a - b.x))
select b.id, b.s from b where b.s like '1%'
select b.id, '1' from b where (not exists (select 1 from a a2 where a2.id = b.x and a2.x = a2.id) or b.a <> b.a)
select a.s, count(*), sum(a.s::int) from a where (a.s || substr(a.s, 1, a.x)) > a.s group by 1 having count(*) > 0
select count(*), max(a.id), min(a.s), sum(a.x) from a
select b.id, b.s from b where not exists (select 1 from a a2 where a2.x = b.id and a2.tenant <= a2.id)
delete from b returning b.id, b.s
select id, s from a intersect select id, s from b
delete from a where 25 = length(a.s)
select count(*), max(b.a), min(b.s), sum(b.x) from b where not (exists (select 1 from a a2 where a2.id = b.id and a2.x < a2.tenant))
select b.id, substr(substr(chr(b.id), 1, b.a), 1, b.a) from b
select id, s from a union select id, s from b where '1' < md5(b.s)
select a.id, a.s from a where btrim(upper(a.s), '1h') like '%2'
delete from a where coalesce(a.x, 30) < length(right(a.s, 2))
select x.n from (select a.id as n, coalesce((a.d::numeric(5,1) - a.id)::int, 19) as v from a) x where x.v > 3
select a.id, a.id from a where (select count(*) from a a2 where a2.id = a.id and a2.t < timestamp '2020-01-01' + interval '6 months') > 1
select count(*), max(b.x), min(reverse(b.s)), sum(b.x) from b where length(btrim(b.s, '1h')) <= b.a
update a set id = 572 where (a.d::numeric(5,1) - a.tenant)::int = 19 returning a.id, a.s
select a.id, b.id, a.s, b.s, a.x from a join b on b.x = a.x where ((a.s || a.s) || md5(a.s)) like '1%'
select count(*), max(length(a.s)), min(a.s), sum(a.x) from a where extract(year from a.t)::int > (a.x * a.x)
select a.id, b.id, a.s, b.s, (case when a.t > timestamp '2020-06-01' then 1 else (coalesce(a.tenant, a.x) / a.tenant) end) from a right join b on b.s = a.s and a.s like '%2' where a.s < a.s
select a.id, a.s from a where (a.d::numeric(5,1) - (a.tenant - a.x))::int <= 17
delete from a where a.x <> (a.d * 3)::int
select a.id, md5(chr(10)) from a
delete from a where ((a.t || '')::date - date '2020-01-01') <> coalesce(a.x, (a.id + a.tenant)) returning a.id, a.s
select id, s from a except select id, s from b where md5(upper(b.s)) like 'h%'
select count(*), max((coalesce((a.x + a.id), a.id) - length(a.s))), min('hidden'), sum(a.x) from a where btrim(a.s, '1h') = a.s
select id, s from a intersect select id, s from b where b.x not in (select a2.x from a a2 where a2.t < date '2020-09-01' + interval '3 months')
select a.id, a.* from a where (upper(a.s) || a.s) < (a.s || btrim(a.s, '1h'))
delete from a where a.t < timestamp '2020-05-01' + interval '4 months' returning a.id, a.s
select a.id, a.s::int from a where ((a.x in (select a2.x from a a2 where a2.x > a2.id) or a.tenant > a.tenant) or a.tenant = ((a.t || '')::date - date '2020-01-01'))
select a.id, (a.t - date '2020-01-01') from a where not (exists (select 1 from b b2 where b2.id = a.id and b2.id > b2.id))
select count(*), max(3), min(b.s), sum(b.x) from b where reverse(b.s) < b.s
select count(*), max(a.tenant), min(substr((left(a.s, a.x) || upper(a.s)), 1, -3)), sum(a.x) from a where not (not ((select count(*) from a a2 where a2.x = a.id and a2.x > a2.x) > 2))
update b set id = 534 where length(right(b.s, 2)) is not null returning b.id, b.s
select a.id, b.id, a.s, b.s, 0 from a join b on b.s = a.s and b.x in (select a2.x from a a2 where a2.t < timestamp '2020-03-01' + interval '7 months') where b.a <= 25
select a.id, md5(a.s) from a where a.x not in (select b2.x from b b2 where b2.x < b2.id)
select count(*), max(b.s::int), min((md5(b.s) || (b.s || b.s))), sum(b.x) from b where ('hidden' || b.s) like '%2'
select count(*), max(15), min(a.s), sum(a.x) from a where coalesce(a.id, (a.d::numeric(5,1) - a.id)::int) <= a.s::int
select a.id, a.* from a where (30 / a.tenant) <= (a.t - date '2020-01-01')
update a set id = 559 where (a.t >= timestamp '2020-01-01' + interval '6 months' and a.s like '%2')
update a set id = 515 where a.id < ((a.t || '')::date - date '2020-01-01')
update b set id = 543 where length(left(b.s, b.id)) = b.x
select a.id, length(a.s) from a where right(reverse(a.s), 2) like '%*'
select a.id, b.id, a.s, b.s, (a.d::numeric(5,1) - (a.d::numeric(5,1) - a.id)::int)::int from a right join b on b.x = a.x and not exists (select 1 from a a2 where a2.id = a.id and a2.s like '1%') where not (a.x in (select b2.x from b b2 where b2.a = b2.x))
select count(*), max((b.x / coalesce((b.x / b.x), 14))), min(right((b.s || 'h'), 2)), sum(b.x) from b where 20 <> b.id
select a.id, a.s from a where (select count(*) from a a2 where a2.x = a.x and a2.t >= date '2020-05-01' + interval '1 months') > 0
delete from a where a.t < date '2020-09-01' + interval '9 months' returning a.id, a.s
update b set id = 571 where b.s < (md5(b.s) || chr(b.id))
update a set id = 561 where coalesce((a.d::numeric(5,1) - a.tenant)::int, a.x) > ((a.t || '')::date - date '2020-01-01')
select a.id, a.* from a where a.id <> extract(year from a.t)::int
select a.id, b.id, a.s, b.s, ((case when a.x in (select a2.x from a a2 where a2.id <> a2.tenant) then 12 end) - a.tenant) from a right join b on b.a = a.id where a.id < ((a.d * a.id)::int + length(a.s))
select count(*), max(a.x), min(left(upper((a.s || a.s)), (a.t - date '2020-01-01'))), sum(a.x) from a where a.id = length(substr(a.s, 1, a.tenant))
update a set id = 545 where ((a.t - date '2020-01-01') <= a.s::int or (a.tenant * a.x) is not null)
select x.n from (select a.id as n, ((a.t || '')::date - date '2020-01-01') as v from a) x where x.v > 3
delete from a where (a.id < a.id and ((a.t || '')::date - date '2020-01-01') = a.x)
select count(*), max((a.id - a.id)), min(((reverse(a.s) || a.s) || a.s)), sum(a.x) from a
select a.id, b.id, a.s, b.s, (case when a.s like 'h%' then (24 / extract(year from a.t)::int) end) from a join b on b.x = a.x
select id, s from a except select id, s from b where (select count(*) from a a2 where a2.x = b.id and a2.t < date '2020-06-01' + interval '5 months') > 2
select a.id, a.* from a where a.id < (case when a.x < a.x then (case when a.t > timestamp '2020-06-01' then 1 else a.id end) end)
select a.id, reverse(a.s) from a where a.s like '1%'
update a set id = 539 where coalesce((case when a.tenant <= a.id then a.id end), (a.id / a.id)) < (a.d::numeric(5,1) - coalesce(a.x, a.x))::int returning a.id, a.s
delete from b where btrim((b.s || b.s), '1h') like 'h%'
select a.id, a.* from a where (a.tenant < a.tenant or a.x <= (a.d + a.d * 0.0)::int)
select count(*), max(a.x), min(a.s), sum(a.x) from a where a.t >= timestamp '2020-05-01' + interval '7 months'
select a.id, a.s::int from a where a.t >= timestamp '2020-02-01' + interval '9 months'
select count(*), max(b.id), min(left(b.s, b.id)), sum(b.x) from b where b.id <> coalesce(8, b.id)
update a set id = 581 where a.t >= timestamp '2020-01-01' + interval '1 months' returning a.id, a.s
select a.id, b.id, a.s, b.s, coalesce(length(md5(a.s)), 3) from a right join b on b.a = a.id
select a.x, count(*), sum(coalesce((11 / a.id), ((a.t || '')::date - date '2020-01-01'))) from a group by 1 having count(*) > 2
select a.id, b.id, a.s, b.s, a.id from a left join b on b.x = a.x where not ((a.d + a.d * 0.0)::int < a.id)
select a.id, b.id, a.s, b.s, a.id from a right join b on b.s = a.s and chr((case when a.id > a.id then a.x end)) > a.s where ((a.s || a.s) like '%*' or a.tenant = (case when a.t > timestamp '2020-06-01' then 1 else a.id end))
select count(*), max((a.s::int / length(substr(a.s, 1, 3)))), min((a.s || btrim(upper(a.s), '1h'))), sum(a.x) from a where ('hidden' < (a.s || a.s) or (a.id - a.x) > 17)
select a.id, b.id, a.s, b.s, (case when a.tenant <= 20 then (a.t - date '2020-01-01') end) from a join b on b.s = a.s and (21 = coalesce(a.x, a.tenant) or (a.x - a.tenant) <= a.x) where not exists (select 1 from b b2 where b2.id = a.id and b2.a is null)
update a set id = 507 where (a.s || '2*') > (btrim(a.s, '1h') || upper(a.s)) returning a.id, a.s
select count(*), max(a.id), min(a.s), sum(a.x) from a where a.t >= timestamp '2020-05-01' + interval '5 months'
update a set id = 529 where -2 <> extract(year from a.t)::int returning a.id, a.s
update a set id = 524 where a.id = ((a.t || '')::date - date '2020-01-01') returning a.id, a.s
select a.id, a.x from a where (not exists (select 1 from a a2 where a2.x = a.id and a2.id <> a2.tenant) and a.t < timestamp '2020-09-01' + interval '7 months')
select a.id, b.id, a.s, b.s, a.id from a right join b on b.x = a.x and not ((a.tenant / a.tenant) < coalesce(a.tenant, a.tenant)) where a.t < timestamp '2020-08-01' + interval '1 months'
select a.id, b.id, a.s, b.s, a.tenant from a join b on b.s = a.s where a.tenant > coalesce((a.d * a.id)::int, a.x)
delete from a where a.t < date '2020-02-01' + interval '3 months'
select a.id, b.id, a.s, b.s, (a.x + coalesce((case when a.x <= a.id then a.x end), 6)) from a join b on b.a = a.id where a.x in (select a2.x from a a2 where a2.t >= timestamp '2020-06-01' + interval '5 months')
select a.id, a.* from a where a.id <> (case when a.t >= timestamp '2020-04-01' + interval '9 months' then a.tenant end)
select a.id, coalesce((case when a.tenant > a.id then a.id end), 26) from a where a.id <> (a.d::numeric(5,1) - a.id)::int
update b set id = 520 where (btrim(b.s, '1h') || b.s) = b.s
delete from a where a.t >= timestamp '2020-05-01' + interval '6 months' returning a.id, a.s
select a.id, b.id, a.s, b.s, (a.tenant + 24) from a join b on b.s = a.s and a.t < timestamp '2020-02-01' + interval '6 months'
select a.id, b.id, a.s, b.s, (a.id / ((a.id * a.x) * extract(year from a.t)::int)) from a join b on b.s = a.s and (a.tenant / length(a.s)) < coalesce(a.id, a.x) where a.x not in (select a2.x from a a2 where not (a2.x < a2.x))
with c as (select * from b) select c.id, c.s from c where (c.a = c.id and right(c.s, 2) like '%2')
select b.id, count(*) over (partition by b.x), sum(b.x) over (order by b.id) from b where right(chr(b.x), 2) > b.s
select a.id, b.id, a.s, b.s, (b.a + b.x) from a join b on b.s = a.s where md5(substr(b.s, 1, b.a)) > substr(b.s, 1, b.x)
select a.id, a.x from a where (a.t - date '2020-01-01') <= a.id
select b.id, (md5(b.s) || substr(b.s, 1, (b.a + b.id))) from b
select b.id, '2*' from b where chr(coalesce(b.a, b.a)) > left(left(b.s, b.id), coalesce(b.a, b.id))
select count(*), max((case when a.t > timestamp '2020-06-01' then 1 else a.tenant end)), min(upper('1')), sum(a.x) from a where '2*' like 'h%'
select a.id, a.tenant from a where (a.id + (a.tenant / a.id)) > (a.s::int - (case when a.t > timestamp '2020-06-01' then 1 else a.x end))
select a.id, a.tenant from a where a.t >= timestamp '2020-03-01' + interval '7 months'
select a.x, count(*), sum(a.id) from a where 25 <= ((a.t || '')::date - date '2020-01-01') group by 1 having count(*) > 2
select a.id, upper((reverse(a.s) || reverse(a.s))) from a where (case when a.id < a.id then a.x end) is not null
select count(*), max((b.a / length(b.s))), min(md5(b.s)), sum(b.x) from b where b.x in (select a2.x from a a2 where a2.id < a2.tenant)
select a.id, coalesce(((a.t || '')::date - date '2020-01-01'), a.tenant) from a where length(a.s) is not null
delete from a where coalesce((case when a.tenant > a.id then a.id end), a.tenant) < ((a.d + a.d * 0.0)::int + (a.x / a.id)) returning a.id, a.s
select a.x, count(*), sum((a.tenant / 14)) from a where a.id <= length(reverse(a.s)) group by 1 having count(*) > 0
select count(*), max((a.tenant / 5)), min(a.s), sum(a.x) from a where (a.x / a.x) < ((a.d + a.d * 0.0)::int / a.id)
select count(*), max(b.id), min(('' || upper(b.s))), sum(b.x) from b where (btrim(b.s, '1h') || b.s) like '1%'
delete from a where extract(year from a.t)::int <= a.tenant returning a.id, a.s
update a set id = 505 where (a.tenant / a.id) <> (a.t - date '2020-01-01') returning a.id, a.s
select count(*), max(b.a), min(md5(b.s)), sum(b.x) from b where (b.id + coalesce(b.id, b.a)) < coalesce(b.id, 7)
select a.id, b.id, a.s, b.s, a.tenant from a join b on b.a = a.id where (a.x > a.x or a.s < btrim(a.s, '1h'))
select count(*), max(coalesce(a.tenant, (a.d + a.d * 0.0)::int)), min(a.s), sum(a.x) from a where a.tenant <> 26
select a.id, md5(((a.s || a.s) || 'h')) from a where a.x < a.x
with c as materialized (select * from a) select c.id, c.s from c where reverse(substr(c.s, 1, 3)) like 'h%'
select a.id, b.id, a.s, b.s, a.x from a full join b on b.a = a.id where (substr(a.s, 1, 3) like '1%' and a.t >= date '2020-01-01' + interval '9 months')
select count(*), max(((a.id + a.id) - (a.tenant / a.x))), min(right(a.s, 2)), sum(a.x) from a where not exists (select 1 from a a2 where a2.id = a.x and a2.x <> a2.tenant)
select a.id, (reverse(chr(a.x)) || a.s) from a
select a.x, count(*), sum((a.t - date '2020-01-01')) from a where a.id <= (a.x * a.tenant) group by 1 having count(*) > 2
update a set id = 585 where a.t >= timestamp '2020-04-01' + interval '3 months'
update a set id = 515 where a.id <> ((a.t || '')::date - date '2020-01-01')
select count(*), max(a.x), min((a.s || a.s)), sum(a.x) from a where (a.d::numeric(5,1) - length(a.s))::int > a.x
select b.id, substr(reverse(upper(b.s)), 1, b.a) from b
select count(*), max(coalesce(a.x, a.x)), min(btrim(left((a.s || a.s), a.x), '1h')), sum(a.x) from a where (a.id <= 27 and (a.s like '%*' or a.x in (select a2.x from a a2 where a2.id < a2.tenant)))
select count(*), max(b.x), min((btrim(b.s, '1h') || right(b.s, 2))), sum(b.x) from b where b.id > b.a
select b.id, ((chr(b.x) || upper(b.s)) || reverse(b.s)) from b where b.s like 'h%'
select a.id, a.s from a where not exists (select 1 from a a2 where a2.id = a.id and a2.t < date '2020-03-01' + interval '4 months')
select a.id, b.id, a.s, b.s, (a.d + a.d * 0.0)::int from a left join b on b.x = a.x
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where 'hidden' > btrim(chr(a.tenant), '1h')
select a.id, b.id, a.s, b.s, a.tenant from a right join b on b.x = a.x and 7 <> a.tenant where (a.tenant * a.id) < ((a.d + a.d * 0.0)::int / a.x)
select a.id, count(*) over (partition by a.x), sum(a.x) over (order by a.id) from a where a.t >= timestamp '2020-03-01' + interval '9 months'
select a.x, count(*), sum((a.t - date '2020-01-01')) from a where not exists (select 1 from a a2 where a2.x = a.x and a2.s like 'h%') group by 1 having count(*) > 0
select a.id, a.id from a where (a.x - (a.d * a.x)::int) < a.x
select a.id, a.x from a where (a.x in (select b2.x from b b2 where b2.x < b2.x) or a.t >= timestamp '2020-09-01' + interval '3 months')
select a.id, b.id, a.s, b.s, (a.d::numeric(5,1) - 9)::int from a join b on b.x = a.x where coalesce((a.x / a.id), a.x) <> a.x
delete from a where coalesce(a.x, (a.d + a.d * 0.0)::int) < coalesce(coalesce(a.id, a.x), a.id)
select b.id, (b.a + b.id) from b where (b.s || btrim(b.s, '1h')) like '%2'
select b.id, upper((right(b.s, 2) || b.s)) from b where b.id <> length('hidden')
select a.id, 6 from a where coalesce(a.id, ((a.t || '')::date - date '2020-01-01')) <= ((case when a.id = a.tenant then a.tenant end) + (a.d::numeric(5,1) - a.tenant)::int)
select count(*), max((a.s::int / coalesce(a.x, 9))), min(left('2*', a.id)), sum(a.x) from a where a.x in (select b2.x from b b2 where b2.id is null)
select b.id, b.x from b where upper(reverse(b.s)) like 'h%'
select b.id, left(b.s, b.a) from b where b.id < b.x
select count(*), max(((a.d * a.s::int)::int * a.tenant)), min(substr(a.s, 1, a.id)), sum(a.x) from a
select count(*), max(((a.t || '')::date - date '2020-01-01')), min(chr(length(a.s))), sum(a.x) from a where not (a.s::int < a.tenant)
select b.id, btrim(('h' || (b.s || b.s)), '1h') from b where coalesce(b.x, (case when b.x <> b.x then b.a end)) < (12 + b.id)
select count(*), max(a.id), min((chr(length(a.s)) || ('hidden' || a.s))), sum(a.x) from a where a.x <> (a.t - date '2020-01-01')
select a.id, b.id, a.s, b.s, (case when a.t > timestamp '2020-06-01' then 1 else a.tenant end) from a left join b on b.s = a.s where a.tenant is not null
select a.id, (a.s || md5((a.s || a.s))) from a where (a.x = (a.tenant * a.tenant) and coalesce(a.x, a.id) <> (a.id + a.tenant))
select count(*), max(a.x), min(upper(left(a.s, 1))), sum(a.x) from a where a.x not in (select b2.x from b b2 where b2.s < b2.s)
select a.id, b.id, a.s, b.s, a.id from a full join b on b.a = a.id where (btrim(a.s, '1h') || right(a.s, 2)) = (a.s || a.s)
select count(*), max(a.tenant), min(substr(a.s, 1, extract(year from a.t)::int)), sum(a.x) from a where (a.id / a.tenant) = length(a.s)
select count(*), max(a.x), min((a.s || substr(reverse(a.s), 1, a.id))), sum(a.x) from a where exists (select 1 from b b2 where b2.x = a.id and b2.s > b2.s)
select count(*), max((case when b.s like 'h%' then b.id end)), min((btrim((b.s || b.s), '1h') || b.s)), sum(b.x) from b
delete from a where (a.d + a.d * 0.0)::int <> a.tenant returning a.id, a.s
select a.id, upper('hidden') from a where a.t >= timestamp '2020-06-01' + interval '4 months'
select count(*), max(a.id), min(upper(btrim(substr(a.s, 1, a.x), '1h'))), sum(a.x) from a where (a.s || a.s) < 'hidden'
select count(*), max(((a.t - date '2020-01-01') / a.tenant)), min(a.s), sum(a.x) from a where exists (select 1 from b b2 where b2.id = a.id and b2.s = b2.s)
select a.id, b.id, a.s, b.s, (a.tenant + 22) from a right join b on b.a = a.id and a.t < date '2020-06-01' + interval '8 months' where (a.x in (select b2.x from b b2 where b2.a > b2.x) and 4 <= (a.d * a.x)::int)
select count(*), max(a.x), min(substr(a.s, 1, ((a.t || '')::date - date '2020-01-01'))), sum(a.x) from a
select count(*), max(b.a), min(upper(left(b.s, (b.id / b.a)))), sum(b.x) from b where upper(right(b.s, 2)) < b.s
select a.id, b.id, a.s, b.s, ((a.t - date '2020-01-01') + (a.id - a.tenant)) from a left join b on b.a = a.id where upper((a.s || a.s)) like '%*'
select a.id, right(a.s, 2) from a
select count(*), max(((a.tenant / a.tenant) + ((a.t || '')::date - date '2020-01-01'))), min(''), sum(a.x) from a where a.x in (select b2.x from b b2 where not (b2.x <= b2.x))
