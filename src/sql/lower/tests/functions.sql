select '{"a":1,"b":[1,2,{"c":"x"}]}'::json -> 'b' -> 2 ->> 'c', '{"a":1}'::jsonb -> 'z'
select '[1,2,3]'::json -> -1, '[1,2,3]'::jsonb ->> 5, '{"a":{"b":[10,20]}}'::jsonb #> '{a,b,1}', '{"a":{"b":[10,20]}}'::json #>> array['a','b']
select '{"a":1,"b":2}'::jsonb @> '{"b":2}', '[1,[2,3]]'::jsonb @> '[[3]]', '["a"]'::jsonb @> '"a"', '"a"'::jsonb @> '["a"]', '{"a":1}'::jsonb <@ '{"a":1,"c":null}'
select '{"a":1}'::jsonb ? 'a', '["x"]'::jsonb ?| array['y','x'], '{"a":1,"b":1}'::jsonb ?& array['a','b'], '"s"'::jsonb ? 's'
select '{"a":1}'::jsonb || '{"b":2,"a":3}', '[1]'::jsonb || '2', '{"a":1}'::jsonb || '[1]', '1'::jsonb || '2'
select '{"a":1,"b":2}'::jsonb - 'a', '["a","b"]'::jsonb - 'a', '[1,2,3]'::jsonb - 1, '[1,2,3]'::jsonb - -1, '{"a":1,"b":2}'::jsonb - array['a','b'], '{"a":{"b":1}}'::jsonb #- '{a,b}'
select '1'::jsonb - 'a'
select '{"a":1}'::jsonb - 1
select jsonb_set('{"a":[1,2]}', '{a,0}', '9'), jsonb_set('{"a":1}', '{b}', '2'), jsonb_set('{"a":1}', '{b}', '2', false), jsonb_set('{"a":[1]}', '{a,-9}', '0'), jsonb_set('{"a":[1]}', '{a,9}', '0')
select jsonb_set('{"a":1}', '{a,b,c}', '9'), jsonb_set('{}', '{}', '1'), jsonb_set('[]', '{a}', '1')
select jsonb_insert('{"a":[0,1,2]}', '{a,1}', '"n"'), jsonb_insert('{"a":[0,1,2]}', '{a,1}', '"n"', true), jsonb_insert('{"a":[0]}', '{a,-1}', '"n"', true)
select jsonb_insert('{"a":1}', '{a}', '2')
select jsonb_pretty('{"a":[1,{"b":null}],"c":{}}'), jsonb_pretty('[]'), jsonb_pretty('1')
select json_typeof('null'), jsonb_typeof('1.5'), jsonb_typeof('"x"'), json_typeof('[]'), jsonb_typeof('{}'), jsonb_typeof('true')
select json_array_length('[1,2]'), jsonb_array_length('[]')
select json_array_length('{}')
select jsonb_array_length('1')
select json_strip_nulls('{"a": 1, "b": null, "c": [null, {"d": null}]}'), jsonb_strip_nulls('{"a": 1, "b": null, "c": [null, {"d": null}]}')
select * from json_array_elements('[1,"a",null,{"x":1}]')
select * from json_array_elements_text('[1,"a",null,{"x":1}]')
select jsonb_array_elements('[1,[2]]')
select * from json_each('{"a":1,"b":"x"}')
select * from jsonb_each_text('{"a":1,"b":"x","c":null}') as t(k,v)
select key, value from jsonb_each('{"z":1,"a":2}') order by key
select * from json_each('{"a":1,"b":"x"}') with ordinality
select json_object_keys('{"b":1,"a":2}')
select * from json_each('[1]')
select * from jsonb_each('[1]')
select json_array_elements('1')
select to_json(1), to_json('a"b'::text), to_json(true), to_json(1.50::numeric), to_json('NaN'::float8), to_json(array[1,2,null]), to_json(null::int), to_json(date '2020-01-01'), to_json(timestamp '2020-01-01 10:00:00.5'), to_json(timestamptz '2020-01-01 10:00:00+00'), to_json(interval '1 day')
select to_jsonb(1), to_jsonb('a'::text), to_jsonb(1.50::numeric), to_jsonb(array['a','b']), to_jsonb(1e20::float8), to_jsonb(json '{"b":1, "a":2}')
select row_to_json(row(1,'a',null)), row_to_json(t) from (values (1,'x'),(2,null)) t(id,name)
select array_to_json(array[1,2,3]), array_to_json(array['a','b'], true)
select json_build_object('a',1,'b',array[1,2],'c',null), json_build_array(1,'x',null,true), json_build_object(), json_build_array(), jsonb_build_object('z',1,'a',json '{"q":1}'), jsonb_build_array(1,'a')
select json_build_object('a')
select json_build_object(null, 1)
select jsonb_build_object(null, 1)
select json_agg(x), jsonb_agg(x) from generate_series(1,3) x
select json_agg(t) from (values (1,'a'),(2,'b')) t(id,n)
select json_agg(x order by x desc) filter (where x > 1) from generate_series(1,3) x
select json_object_agg(k,v), jsonb_object_agg(k,v) from (values ('a',1),('b',2)) t(k,v)
select json_agg(x) from generate_series(1,0) x
select json_object('{a,1,b,2}'), json_object('{a,b}','{1,2}'), jsonb_object('{b,1,a,NULL}')
select json_object('{a}')
select json_object('{a,NULL}','{1,2}')
select '1'::jsonb::int, '1.5'::jsonb::numeric, 'true'::jsonb::bool, '1.6'::jsonb::int, '2.5'::jsonb::float8
select '"1"'::jsonb::int
select 'null'::jsonb::bool
select '[1]'::jsonb::bool
select '{"a":1}'::jsonb = '{"a":1.0}'::jsonb, '[1]'::jsonb < '[2]'::jsonb, '[]'::jsonb < 'null'::jsonb, '{}'::jsonb > '[1]'::jsonb
select j from (values ('1'::jsonb),('"a"'),('null'),('true'),('[]'),('[1]'),('{}'),('{"a":1}'),('2'),('10')) t(j) order by j
select * from json_to_record('{"a":1,"b":"x","c":[1,2],"d":"2020-01-01"}') as r(a int, b text, c int[], d date)
select * from json_to_recordset('[{"a":1,"b":"x"},{"a":"2"}]') as r(a int, b text)
select * from jsonb_to_record('{"a":1,"b":{"z":1}}') as r(a numeric, b jsonb, e text)
select * from json_to_record('[1]') as r(a int)
select * from json_to_recordset('{}') as r(a int)
select ('{"a":[1,2]}'::jsonb)['a'][1], ('[1]'::jsonb)[0]
select '{"a":1'::json
select '{"a" 1}'::jsonb
select jsonb '{"a":1}' #> '{}', json '1' #>> '{}', json '"x"' #>> '{}'
select jsonb_set_lax('{"a":1}','{a}',null), jsonb_set_lax('{"a":1}','{a}',null,true,'delete_key'), jsonb_set_lax('{"a":1}','{a}',null,true,'return_target')
select count(*), j from (values ('1'::jsonb),('1')) t(j) group by j
select x->>'a' from (values ('{"a":"q"}'::json)) t(x)
select * from json_array_elements('[1,true]') q
select * from json_populate_recordset(row(0::int,0::int),'[{"a":"1","b":"2"},{"a":"3"}]') q (a text, b text)
SELECT * FROM json_populate_record(null::record, '{"x": 776}') AS (x int, y int)
select json_each('{"f1":[1,2,3],"f2":{"f3":1},"f4":null}')
select json_build_array(variadic '{a,b,NULL}'::text[]), json_build_object(variadic array['a','1']), jsonb_build_array(variadic array[1,2])
select json_build_object(variadic array['a'])
select json_build_object(variadic array[null,'a']::text[])
select make_interval(secs => 7e3), make_interval(hours := -2, mins := -10, secs := -25.3)
select date_trunc('MILLENNIUM', date '1970-03-20'), extract(timezone from timestamptz '2024-01-01')
select extract(timezone from interval '2 days')
select i, to_char(i * interval '1mon', 'rm'), to_char(i * interval '1mon', 'RM') from generate_series(-13, 13) i
select format('%*0$s', 'Hello')
select '"abc"'::jsonb ->> 0, '"abc"'::jsonb -> -1, '"abc"'::jsonb -> 1, '"abc"'::json -> 0, ('"x"'::jsonb)[0]
select '1'::jsonb is distinct from '1.0'::jsonb
select ('{"a":[10,{"b":2}]}'::jsonb)['a'][1]['b'], ('[1,2]'::jsonb)[-1], ('{"a":1}'::jsonb)['a']['b'], ('{"1":5}'::jsonb)[1]
select to_char(1234.5, '9999.99'), to_char(-1234.5, '9999.99'), to_char(0.1, '9.9'), to_char(-0.1, 'FM9.99'), to_char(12, '099'), to_char(485, 'RN'), to_char(485, 'FMRN'), to_char(1485, '9,999'), to_char(148.5, '999.999'), to_char(-485, '999S'), to_char(-485, '999MI'), to_char(485, '999MI'), to_char(485, 'FM999MI')
select to_char(485, 'PL999'), to_char(485, 'SG999'), to_char(-485, 'SG999'), to_char(-485, '9SG99'), to_char(-485, '999PR'), to_char(485, 'L999'), to_char(485, '"Good number:"999'), to_char(485.8, '"Pre:"999" Post:" .999'), to_char(482, '999th'), to_char(12, '99V999'), to_char(12.4, '99V999'), to_char(12.45, '99V9')
select to_char(0.0004859, '9.99EEEE'), to_char(12345.678, '9.999EEEE'), to_char(-1234567, '9.99EEEE'), to_char(9.999, '9.9EEEE'), to_char(0, '9.9EEEE')
select to_char(1e5::float8, '999999.99'), to_char(1.5::float4, '99.99'), to_char(12345678901234567890::numeric, '99999'), to_char('NaN'::float8, '999'), to_char('Infinity'::numeric, '99'), to_char(1234567890123456789::int8, '9G999G999G999G999G999G999')
select to_char(100, 'FM999.990'), to_char(100.5, 'FM999.9'), to_char(0, 'FM9.99'), to_char(0.5,'FM0.99'), to_char(1,'S9'), to_char(-1,'9S'), to_char(1, '00009'), to_char(123,'FM00000'), to_char(12,'9999999D99'), to_char(-12.3,'FM99.00MI')
select to_char(timestamp '2024-02-09 03:04:05.678901', 'YYYY-MM-DD HH24:MI:SS.US MS FF3 AM'), to_char(timestamp '2024-02-09 15:04:05', 'Day, DD Month YYYY HH12:MI:SS pm'), to_char(timestamp '2024-02-09 15:04:05', 'FMDay, FMDD FMMonth YYYY, Dth DDDth ID IW IYYY IDDD WW W Q J CC RM rm FMRM')
select to_char(timestamp '0044-03-15 00:00:00 BC', 'YYYY BC Y,YYY YYY YY Y CC'), to_char(timestamp '2024-01-01', 'SSSS SSSSS "text YYYY" \"MM\" TMMonth Mon MON mon dy DY Dy')
select to_char(timestamptz '2024-07-01 12:00:00+00', 'YYYY-MM-DD HH24:MI:SS TZ tz OF TZH:TZM')
select to_char(interval '1 year 2 months 3 days 04:05:06.789', 'YYYY MM DD HH24:MI:SS.MS DDD'), to_char(interval '100 hours', 'HH24:MI HH12'), to_char(interval '-1 day -02:00', 'DD HH24')
select to_char(interval '1 day', 'Month')
select to_char(timestamp 'infinity', 'YYYY'), to_char(timestamp '2024-01-01', '')
select to_char(date '2024-03-01', 'YYYY"Q"Q')
select to_date('2024-02-29', 'YYYY-MM-DD'), to_date('05 Dec 2000', 'DD Mon YYYY'), to_date('20240229','YYYYMMDD'), to_date('1 4 1902', 'Q MM YYYY'), to_date('3 4 21 01', 'W MM CC YY'), to_date('2458872', 'J'), to_date('24-02-01', 'YY-MM-DD'), to_date('2024-060', 'YYYY-DDD')
select to_date('44-02-01 BC','YYYY-MM-DD BC'), to_date('2005-01-01', 'IYYY-IW-ID'), to_date('2024 February 3','YYYY Month DD'), to_date('IV 2024', 'RM YYYY')
select to_date('2024-02-30', 'YYYY-MM-DD')
select to_date('2024-13-01', 'YYYY-MM-DD')
select to_date('abc', 'YYYY')
select to_date('2024-Foo', 'YYYY-Mon')
select to_date('2024 1', 'YYYY DDD IW')
select to_timestamp('2024-02-03 04:05:06.789', 'YYYY-MM-DD HH24:MI:SS.MS'), to_timestamp('05 Dec 2000 11 PM', 'DD Mon YYYY HH12 AM'), to_timestamp('1997-12-31 23:59:59+02','YYYY-MM-DD HH24:MI:SSTZH'), to_timestamp('15 "text between quote marks" 98 54 45', E'HH24 "\\"text between quote marks\\"" YY MI SS')
select to_timestamp('2024-01-01 13','YYYY-MM-DD HH12')
select to_timestamp('2024-01-01 25','YYYY-MM-DD HH24')
select to_timestamp('20240101','YYYYMMDDHH24')
select to_timestamp(' 2024    01    02', 'YYYY MM DD'), to_timestamp('2000+   JUN', 'YYYY/MON'), to_timestamp('2011-12-18 11:38 PM', 'YYYY-MM-DD HH12:MI PM'), to_timestamp('1985 January 12', 'YYYY FMMonth DD'), to_timestamp('My birthday-> Year: 1976, Month: May, Day: 16', '"My birthday-> Year:" YYYY, "Month:" FMMonth, "Day:" DD')
select regexp_match('foobarbequebaz','(bar)(beque)'), regexp_match('abc','x'), regexp_matches('foobarbequebazilbarfbonk','(b[^b]+)(b[^b]+)','g'), regexp_match('abcd','ab|abcd')
select regexp_replace('foobarbaz','b..','X'), regexp_replace('foobarbaz','b..','X','g'), regexp_replace('foobarbaz','b(..)','X\1Y','g'), regexp_replace('aaa','a*','x','g'), regexp_replace('A PostgreSQL function','a|e|i|o|u','X',1,3,'i'), regexp_replace('abc','','-','g'), regexp_replace('A PostgreSQL function', 'a|e|i|o|u', 'X', 1, 0, 'i')
select regexp_replace('abc','b','x','1')
select regexp_replace('abc','b','x','z')
select regexp_split_to_array('the quick  fox','\s+'), regexp_split_to_array('abc',''), regexp_split_to_array('thE QUick','e','i')
select regexp_split_to_table('a,b,c',',')
select regexp_split_to_array('a','b','g')
select regexp_count('123123123','3'), regexp_count('ABC','b',1,'i'), regexp_instr('number of your street, town zip','[^,]+',1,2), regexp_instr('ABCDEFGHI','(c..)(...)',1,1,0,'i',2), regexp_like('Hello','h','i'), regexp_substr('number of your','[^ ]+',1,2), regexp_substr('ABCDEFGHI','(c..)(...)',1,1,'i',2), regexp_instr('abc','z')
select regexp_count('a','a',0)
select string_to_array('a,b,,c',',',''), string_to_array('abc',null), string_to_array('',','), string_to_array('a,b','')
select * from string_to_table('a,b,c',',')
select v, v is null from string_to_table('1|2|*','|','*') g(v)
select split_part('a,b,c',',',-1), left('abc',-1), right('abc',-1), lpad('hi',5,'xy'), rpad('hi',-1), reverse('abc'), translate('12345','143','ax'), overlay('Txxxxas' placing 'hom' from 2 for 4), position('om' in 'Thomas'), repeat('ab',-1), strpos('abc','')
select parse_ident('"SomeSchema".someTable'), parse_ident('a.b(c)', false)
select parse_ident('a.')
select unistr('\0441\043B'), unistr('d\u0061t\+000061')
select format('%s %I %L %10s|%-10s| %2$s %%', 'a','b c',null,'x','y'), concat_ws(',','a',null,'b'), concat('a',1,null,true), quote_literal(42), quote_nullable(null::int), quote_literal(E'a\\b'), quote_ident('Foo')
select concat(variadic array[1,2,3]), concat_ws(',', variadic array['a','b']), format('%s-%s', variadic array['x','y'])
select concat_ws(',', variadic 10)
select concat(variadic null::int[]) is null
select num_nulls(1,null,'x'), num_nonnulls(1,null)
select encode('\x0102ff','hex'), encode('abc','base64'), encode('\x00ff41','escape'), decode('YWJj','base64'), decode('zz','hex')
select get_byte('\x12',5)
select sha224('abc'), sha256('abc'), md5('abc'), ascii(''), ascii('é'), chr(233), to_hex(-1), to_hex(255::bigint), initcap('hello wORLD-foo'), btrim('xxaxx','x'), octet_length('ab'::char(5)), length('ab  '::char(5))
select chr(0)
select to_number('12,454.8-','99G999D9S'), to_number('-34,338,492', '99G999G999')
select concat('a'::char(3), 'b'), format('%s|', 'a'::char(3)), true || 'x', 'a '::char(5) || 'b', concat(array[1,2], 'a'), concat_ws('-', array['x'], true)
select chr(-1)
select to_number('.-01', '99.99S'), to_number('5.01-', 'FM9.999999S'), to_number(' . 0 1-', ' 9 9 . 9 9 S')
select extract(century from date '2024-01-01'), extract(decade from date '-infinity'), extract(julian from timestamp '2024-01-01 12:00'), extract(isoyear from date '2024-12-30'), extract(millennium from timestamp '0001-01-01 BC'), extract(epoch from timestamptz '2024-01-01 00:00:00.5+00'), date_part('timezone', timestamptz '2024-01-01'), extract(year from date '0044-03-15 BC'), extract(doy from date '2024-12-31'), extract(week from date '2021-01-03')
select extract(hour from date '2024-01-01')
select extract(foo from timestamp '2024-01-01')
select extract(year from timestamp 'infinity'), extract(month from timestamp 'infinity'), date_part('epoch', timestamp '-infinity'), extract(isodow from date '2024-02-04'), extract(dow from date '2024-02-04')
select date_trunc('century', timestamptz '2024-05-06 07:08:09+00'), date_trunc('week', timestamp '2024-02-04 10:00'), date_trunc('day', timestamptz '2024-05-06 23:00:00+00', 'Australia/Sydney'), date_trunc('quarter', timestamptz '2024-05-06 07:08:09+00'), date_trunc('decade', date '2024-01-01')
select date_trunc('foo', timestamptz '2024-05-06')
select date_bin('15 minutes', timestamp '2020-02-11 15:44:17', timestamp '2001-01-01'), date_bin('1 day', timestamptz '2020-02-11 15:44:17+00', timestamptz '2001-01-01 00:02:30+00')
select date_bin('1 month', timestamp '2020-02-11', timestamp '2001-01-01')
select date_bin('0 days', timestamp '2020-02-11', timestamp '2001-01-01')
select (date '2001-02-16', date '2001-12-21') overlaps (date '2001-10-30', date '2002-10-30'), (date '2001-02-16', interval '100 days') overlaps (date '2001-10-30', date '2002-10-30'), (time '10:00', time '11:00') overlaps (time '10:30', time '12:00'), (timestamp '2000-01-01', null) overlaps (timestamp '2000-01-02', timestamp '2000-01-03')
select timestamp '2024-01-31' + interval '1 month', date '2024-01-31' + interval '1 month 1 day', timestamp 'infinity' + interval '1 day', timestamptz '2024-03-31 00:00:00+00' - interval '1 month', interval '1 day' + date '2024-01-01', time '10:00' + interval '25 hours', date 'infinity' - interval '1 day'
select timestamp '294276-12-31' + interval '1 year'
select date '5874897-12-31'::timestamp
select make_timestamptz(2013, 7, 15, 8, 15, 23.5), make_timestamptz(1910, 12, 24, 0, 0, 0, 'Nehwon/Lankhmar')
select make_timestamptz(2014, 12, 10, 10, 10, 10, 'PST8PDT'), make_date(2013,7,15), make_time(8,15,23.5), make_interval(days => 10), make_timestamp(2013,7,15,8,15,23.5)
select timestamp '2001-02-16 20:38:40' at time zone 'America/Denver', timestamptz '2001-02-16 20:38:40-05' at time zone 'America/Denver', timestamptz '2001-02-16 20:38:40-05' at time zone interval '-02:00', time with time zone '10:00+02' at time zone 'UTC', time with time zone '10:00+02' at time zone interval '1 hour'
select timetz '10:00+01' + interval '15 hours', date '2024-01-01' + timetz '10:00+01', date '2024-01-01' + time '10:00', timetz '10:00+01'::time, extract(timezone_hour from timetz '10:00+01'), extract(epoch from timetz '10:00+01')
select generate_series(timestamp '2024-01-01', timestamp '2024-01-03', '1 day'), generate_series(1,3)
select * from generate_series(timestamp '2024-01-01', timestamp '2024-01-02', '0 hours')
select * from generate_series(date '2024-01-01', date '2024-03-01', interval '1 month')
select power(2::numeric,0.5), power(-8::float8, 1.0/3)
select sqrt(-1)
select ln(0)
select log(-1.0)
select power(0, -1)
select exp(1000::float8)
select width_bucket(5.0, 3, 3, 5)
select width_bucket(5.0, 3, 4, 0)
select factorial(-1)
select asind(0.5), acosd(0.5), atand(1), atan2d(1,1), sind(30), cosd(60), tand(45), cotd(45), asind(1), acosd(-1), asind(-0.3)
select acosd(2)
select sinh(1), cosh(1), tanh(1), asinh(1), acosh(1), atanh(0.5), asin(1), atan2(1,2), cot(1)
select array_append(array[1,2],3), array_prepend(0,array[1]), array_cat(array[1],array[2,3]), array_remove(array[1,2,1],1), array_replace(array[1,2,1],1,9), array_position(array['a','b','a'],'b'), array_position(array['a','b','a'],'a',2), array_positions(array['a','b','a'],'a'), array_positions(array[1,null],null)
select array_fill(7, array[3]), array_fill(null::int, array[2]), array_fill(7, '{}'::int[]), array_dims(array[1,2]), array_ndims(array[1]), array_lower(array[1],1), array_upper(array[1,2],1), array_length(array[1,2],1), cardinality('{}'::int[]), array_length('{}'::int[],1), trim_array(array[1,2,3],2)
select trim_array(array[1,2,3],5)
select array_fill(1, null)
select array_to_string(array[1,null,3], ',', '*'), array_to_string(array[1.5,2], '-'), array_to_string(array[true,false], ',')
select generate_subscripts(array['a','b'],1,true)
select array[1,2] @> array[1], array[1,2] && array[3], array[1] <@ array[1,2], array[1,2] || 3, 0 || array[1], array[1] || array[2]
select array_agg(distinct x) from (values (3),(1),(null),(3)) v(x)
select string_agg(distinct x, ',') from (values ('b'),('a'),('b')) v(x)
select float4send(1.5), float8send(1.5)
SELECT int4larger(NULL, 1), text_smaller('a', NULL), date_larger('2000-01-01', NULL), array_larger(NULL::int[], '{1}'), bpchar_larger('a', NULL)
SELECT ROW(1, 'a b', NULL, true, '2000-01-01'::date)::text, ROW(1.50, '{1,2}'::int[], '"x"'::text)::text
SELECT v::text FROM (VALUES (1, 'a', 2.50), (2, NULL, 3)) v(x, y, z) ORDER BY 1
SELECT CAST('infinity'::timestamp AS time), CAST('-infinity'::timestamptz AS time), CAST('2000-01-01 12:34'::timestamp AS time)
SELECT NULL::time + NULL::interval, NULL::interval + '12:00'::time, '12:00'::time - NULL::interval
SELECT (age('2001-02-16 20:38:40'::timestamp) > '20 years'), (age('2001-02-16 20:38:40'::timestamptz) > '20 years')
SELECT (NULL, 'infinity'::timestamp) OVERLAPS ('2024-02-29'::timestamp, '2024-02-29'::timestamp)
SELECT (time '01:00', interval '1 hour') OVERLAPS (time '01:30', interval '1 hour'), (time '01:00', time '02:00') OVERLAPS (time '02:00', interval '1 hour')
SELECT to_json('0044-03-15 BC'::date), to_json('4713-01-01 BC'::date), to_json('2000-01-01'::date), to_json('0044-03-15 01:00 BC'::timestamp)
SELECT to_char(5, 'C9C'), to_char(0::float4, 'ABC'), to_char(1, ''), to_char(1.5, ''), to_char(1.5::float8, '')
SELECT similar_to_escape('%_\'), similar_to_escape('a#"b#"c', '#'), similar_to_escape('[a%_]%', '#')
SELECT substring('Thomas' SIMILAR '%#"o_a#"_' ESCAPE '#'), substring('abcdefg' SIMILAR 'a#"%#"x' ESCAPE '#'), substring('abcdefg' SIMILAR '#"%#"g' ESCAPE '#')
SELECT substring('abcdefg' SIMILAR 'a#"%#"%#"g' ESCAPE '#')
SELECT substring('abcdefg' FOR 2 FROM 3), substring('abcdefg' FROM 'a#"%#"g' FOR '#')
SELECT substring('abcdefg' SIMILAR 'a*#"%#"g*' ESCAPE '#'), substring('abcdefg' SIMILAR 'a|b#"%#"g' ESCAPE '#'), substring('abcdefg' SIMILAR 'a#"%#"x|g' ESCAPE '#'), substring('abcdefg' SIMILAR 'a#"%|ab#"g' ESCAPE '#'), substring('abcdefg' SIMILAR 'a*?#"%#"g*?' ESCAPE '#')
SELECT substring('abcdefg' SIMILAR '%' ESCAPE '#'), substring('abcdefg' SIMILAR 'a#"%g' ESCAPE '#'), substring(NULL SIMILAR '%' ESCAPE '#')
SELECT sum(i), avg(i) FROM (VALUES ('100 years'::interval), ('-3 days 12:00'), (NULL)) v(i)
SELECT sum(i) OVER (ORDER BY i), avg(i) OVER (ORDER BY i) FROM (VALUES ('1 year'::interval), ('-3 days 12:00'), (NULL)) v(i)
SELECT avg(i), sum(i) FROM (SELECT '1 day'::interval WHERE false) v(i)
SELECT '{t,f,NULL}'::bool[] <@ NULL::bool[], NULL::int[] @> '{1}', '{1,2}'::int[] @> '{1}'
SELECT mod(NULL::int4, -1), mod(NULL::int2, 0::int2), NULL::int8 / 0, NULL::int4 % 0, 7 % -1, (-7) % 2
SELECT 5 BETWEEN SYMMETRIC 10 AND 1, 5 NOT BETWEEN SYMMETRIC 10 AND 1, 5 BETWEEN ASYMMETRIC 10 AND 1, NULL BETWEEN SYMMETRIC 1 AND 2
SELECT (-1)::int2::oid, (-2)::int4::oid, 5::int2::oid
SELECT '\377'::text::"char", '\101'::text::"char", 'abc'::text::"char", ('\377'::text::"char")::int, (-1)::"char", '\377'::"char"::text
SELECT '{a' ~ '{a', 'a{,b' ~ 'a{,b', 'aa' ~ '^a{2}$', 'a}' ~ 'a}'
SELECT 1 WHERE '2'::jsonb > ALL (SELECT '10'::jsonb), '2' WHERE false
SELECT x FROM (VALUES ('2'::jsonb), ('10')) v(x) WHERE x > ALL (SELECT '3'::jsonb)
SELECT '1.0'::jsonb IN ('1'::jsonb, '2'), '1.0'::jsonb IN (SELECT '1'::jsonb)
SELECT btint4cmp(1, 2), btint8cmp(2, 1), btint28cmp(1::int2, 1), date_cmp('2000-01-01', '2000-01-02'), timestamp_cmp_date('2000-01-01 12:00', '2000-01-01'), interval_cmp('1 day', '24 hours'), btfloat8cmp('NaN', 1), btboolcmp(NULL, true)
SELECT age('2001-02-16 20:38:40'::timestamp) > '20 years'
SELECT 'x' BETWEEN 'a' AND 'z' AND true, to_timestamp('a', 'äöü')
SELECT '$'::jsonpath, 'strict $'::jsonpath, 'lax $.a.b[*]'::jsonpath, '$.a."b c".*'::jsonpath, '$.**{2 to last}.a'::jsonpath, '$.**{3}'::jsonpath
SELECT '$.a ? (@.b == 1 && !(@.c > 2) || exists(@.d[0 to last, 5]))'::jsonpath, '$ ? (@ starts with "a")'::jsonpath, '$ ? (@ like_regex "^a.*" flag "is")'::jsonpath
SELECT '1 + 2 * 3'::jsonpath, '(1 + 2) * 3'::jsonpath, '-$.a'::jsonpath, '-1'::jsonpath, '1 - -2'::jsonpath, '$.a[1 + 2, 4 to 6]'::jsonpath, '(1 + 2).abs()'::jsonpath, '($.a == 1) is unknown'::jsonpath
SELECT '"\u0041\n\"x"'::jsonpath, '$a."b\u0020c"'::jsonpath, '$"x y"'::jsonpath, '1e3'::jsonpath, '.5'::jsonpath, '0.10'::jsonpath, '$.a /* c */ .b'::jsonpath, '$.type().size().abs().floor().ceiling().double().keyvalue().datetime("x")'::jsonpath
SELECT ''::jsonpath
SELECT '$.'::jsonpath
SELECT '@ + 1'::jsonpath
SELECT 'last'::jsonpath
SELECT '1a'::jsonpath
SELECT '00'::jsonpath
SELECT '$ ? (@ like_regex "a" flag "z")'::jsonpath
SELECT '$ ? (@ like_regex "a" flag "x")'::jsonpath
SELECT '$.a.exists.true.last.is.strict'::jsonpath, '$.null'::jsonpath, 'null'::jsonpath, '$ ? (null == true)'::jsonpath
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', '$.a[*]')
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', 'strict $.a[*].b')
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', 'strict $.a[*].b', silent => true)
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', '$.**')
SELECT jsonb_path_query('{"a": [1, 2, {"b": 3}]}', '$.**{last}'), jsonb_path_query_array('{"a": {"b": [1,{"c": 2}]}}', '$.**{1 to 2}')
SELECT jsonb_path_query_array('[1, 2, 3, 4]', '$[last]'), jsonb_path_query_array('[1,2,3,4]', '$[1 to last - 1]'), jsonb_path_query_array('[1,2,3]', '$[5]'), jsonb_path_query_array('[1,2,3]', '$[0,2]')
SELECT jsonb_path_query('[1,2]', 'strict $[5]')
SELECT jsonb_path_query('[1,2]', 'strict $.a')
SELECT jsonb_path_query('1', 'strict $[*]')
SELECT jsonb_path_query('{"a": 1}', 'strict $.b')
SELECT jsonb_path_query_array('[1, "a", null, true, {"x": 1}, [2]]', '$[*].type()'), jsonb_path_query_array('[1, "a", [2,3]]', '$[*].size()')
SELECT jsonb_path_exists('{"a": 1}', '$.a'), jsonb_path_exists('{"a": 1}', '$.b'), jsonb_path_exists('{"a": 1}', 'strict $.b', silent => true), '{"a": 1}' @? '$.a ? (@ > 5)', '{"a": 1}'::jsonb @@ '$.a == 1', '{"a": 1}'::jsonb @@ '$.a'
SELECT jsonb_path_match('{"a": 1}', '$.a')
SELECT jsonb_path_match('{"a": 1}', '$.a == "x"'), jsonb_path_match('{"a": 1}', '$.a > 0'), jsonb_path_match('null', '$ == null')
SELECT jsonb_path_query_first('[1,2,3]', '$[*] ? (@ > 1)'), jsonb_path_query_first('[1,2,3]', '$[*] ? (@ > 9)'), jsonb_path_query_first('{"a": 5}', '$.a + $x', '{"x": 2.50}')
SELECT jsonb_path_query('{"a": 5}', '$.a + $y', '{"x": 2.50}')
SELECT jsonb_path_query('{"a": 5}', '$.a', '[]')
SELECT jsonb_path_query('{"a": "x"}', '$.a + 1')
SELECT jsonb_path_query('[1,0]', '1 / $[1]'), 1
SELECT jsonb_path_query('[1,0]', '1 / $[1]', silent => true)
SELECT jsonb_path_query_array('[1,-2,3.7,"4.5"]', '$[*] ? (@.type() == "number").abs().floor()'), jsonb_path_query_array('["1.5", 2]', '$[*].double()'), jsonb_path_query('[1,2]', '-$'), jsonb_path_query('"x"', '-$')
SELECT jsonb_path_query('"x"', '$.double()')
SELECT jsonb_path_query('{}', '$.abs()')
SELECT jsonb_path_query('{"a": 1, "b": [1]}', '$.keyvalue()')
SELECT jsonb_path_query('[1]', '$.keyvalue()')
SELECT jsonb_path_query_array('["abc", "abd", "x", 1, null]', '$[*] ? (@ starts with "ab")'), jsonb_path_query_array('["abc", "ABD", "x\nab"]', '$[*] ? (@ like_regex "^ab" flag "i")'), jsonb_path_query_array('["x\nab", "ab"]', '$[*] ? (@ like_regex "^ab" flag "m")'), jsonb_path_query_array('["a\nb", "acb"]', '$[*] ? (@ like_regex "a.b")'), jsonb_path_query_array('["a\nb", "acb"]', '$[*] ? (@ like_regex "a.b" flag "s")'), jsonb_path_query_array('["a.b", "acb"]', '$[*] ? (@ like_regex "a.b" flag "q")')
SELECT jsonb_path_query_array('[{"a": 1}, {"a": "x"}, {"b": 1}]', '$[*] ? ((@.a > 0) is unknown)'), jsonb_path_query_array('[{"a": 1}, {"b": 2}]', '$[*] ? (exists(@.a))'), jsonb_path_query_array('[1,2,3]', '$[*] ? (@ > 1 && @ < 3)'), jsonb_path_query_array('[[1,2],[3]]', '$[*] ? (@ == 3)'), jsonb_path_query_array('[null,1]', '$[*] ? (@ != null)')
SELECT jsonb_path_query('{"a": [{"b": 1}, {"b": 2}]}', '$.a.b'), jsonb_path_query('[[1],[2]]', '$[*][*]'), jsonb_path_query_array('{"x": [1]}', '$.x[0]'), jsonb_path_query_array('{"x": 1}', '$.x[0]')
SELECT * FROM jsonb_path_query('[1,2,3]', '$[*] ? (@ >= $min)', '{"min": 2}') WITH ORDINALITY
SELECT j FROM (VALUES ('{"a": 1}'::jsonb), ('{"a": 2}')) v(j) WHERE j @@ '$.a > 1'
SELECT regexp_match(E'a\nb', 'a[^x]b', 'n'), regexp_match(E'a\nb', 'a[^x]b'), regexp_match(E'a\nb', 'a.b', 'p'), regexp_match(E'a\nb', '^b', 'w'), regexp_match(E'a\nb', 'a.b', 'w')
SELECT sign('NaN'::float8), sign(-0.5::float8), right('abc', -2147483648), right('abc', -1), quote_literal(true), quote_nullable(false), btint2cmp(3::int2, 7::int2)
SELECT bit_length('\x00ff10'::bytea || NULL::bytea), octet_length(NULL::bytea || '\x00')
SELECT B'101', X'1F', B'', b'1' || B'001', B'1010' & B'0110', B'1010' | B'0110', B'1010' # B'0110', ~B'1010', B'1010' << 2, B'1010' >> 1, B'1010' << -1, B'1010' >> 9
SELECT B'12'
SELECT X'1G'
SELECT B'10' & B'100'
SELECT '101'::bit(3), '101'::varbit, 'x1F'::varbit, 'b01'::bit(2), CAST(B'101' AS bit(5)), CAST(B'10110' AS bit(3)), CAST(B'10110' AS varbit(3)), B'101'::varbit::bit(2)
SELECT '101'::bit(4)
SELECT '10110'::varbit(3)
SELECT 5::bit(4), (-1)::bit(4), 5::bit, 44::bit(10), 44::bit(3), (-44)::bit(40), 9223372036854775807::bit(64), (-1)::bigint::bit(70), B'0101'::int, B'1111'::bigint, X'FFFFFFFF'::int, CAST(-44 AS bit(12))::int
SELECT X'1FFFFFFFF'::int
SELECT length(B'10101'), bit_length(B'101'), octet_length(B'101010101'), bit_count(B'10101'), position(B'01' IN B'1101'), position(B'' IN B'1'), get_bit(B'0100', 1), set_bit(B'0100', 0, 1), substring(B'110010' FROM 2 FOR 3), substring(B'110010' FROM 4), overlay(B'0101011100' PLACING B'001' FROM 2 FOR 3), overlay(B'0101011100' PLACING B'001' FROM 20)
SELECT get_bit(B'01', 2)
SELECT set_bit(B'01', 1, 2)
SELECT B'10' = B'10', B'1' < B'10', B'01' < B'1', B'0' < B'000000000', X'0A' = B'00001010', B'1' = '1', max_ FROM (SELECT 1 AS max_) x
SELECT x, x::text, length(x::text) FROM (VALUES (B'1'), (B'0011'), (NULL)) v(x) ORDER BY x
SELECT '{101,1}'::varbit[], ARRAY[B'1', B'0'], B'101'::text, pg_typeof(B'1'), pg_typeof('1'::varbit || B'0'), '101'::text::varbit
SELECT substring(B'110010' FROM 2 FOR -1)
SELECT DISTINCT x FROM (VALUES (B'1'), (B'1'), (B'01')) v(x) ORDER BY x DESC
SELECT extract(year FROM x), extract(month FROM x), extract(century FROM x), extract(day FROM x) FROM (VALUES ('0044-03-15 BC'::timestamptz), ('2024-02-29 12:00')) v(x) ORDER BY x
SELECT extract(isodow FROM ('{}'::date[])[1]), extract(year FROM ('{2000-01-01}'::date[])[1])
SELECT i, host(i), text(i), family(i), masklen(i), broadcast(i), netmask(i), hostmask(i), network(i) FROM (VALUES ('10.1.2.3/24'::inet), ('10.1.2.3'), ('::1'), ('2001:db8::5/33')) v(i) ORDER BY i
SELECT c, abbrev(c), c::inet AS i, c::text AS t FROM (VALUES ('10.1.0.0/16'::cidr), ('10/8'), ('0.0.0.0/0'), ('192.168.1.0/25')) v(c) ORDER BY c DESC
SELECT set_masklen('10.1.2.3'::inet, 16), set_masklen('10.1.2.0/24'::cidr, 12), set_masklen('::1', -1)
SELECT set_masklen('10.1.2.3'::inet, 40)
SELECT inet '10.1.2.3' + 1, inet '10.1.2.3' - 4, 5 + inet '::ff', ~inet '10.0.0.1', inet '10.1.2.3' & '255.255.0.0', inet '10.1.2.3' | '0.0.0.255', inet '10.0.1.0' - inet '10.0.0.1'
SELECT inet '255.255.255.255' + 1
SELECT inet '1.1.1.1' & '::1'
SELECT inet_merge('10.1.2.3/24', '10.1.9.9/24'), inet_same_family('1.1.1.1', '::1')
SELECT a << b, a <<= b, a >> b, a >>= b, a && b, a < b, a = b FROM (VALUES ('10.1.2.3'::inet, '10.1.0.0/16'::inet), ('10.1.0.0/16', '10.1.0.0/16'), ('10.2.0.0/16', '10.1.2.0/24'), ('::1', '0.0.0.0/0')) v(a, b)
SELECT '10.0.0.1/24'::cidr
SELECT '10.0.0.1/24'::inet::cidr, '1.2.3.4'::text::inet, t::inet FROM (VALUES ('9.8.7.6')) v(t)
SELECT t::inet FROM (VALUES ('9.8.7')) v(t)
SELECT count(DISTINCT i), min(i), max(i), array_agg(i ORDER BY i) FROM (VALUES ('10.1.2.3/24'::inet), ('10.1.2.3'), ('9.0.0.1'), ('10.1.2.3')) v(i)
SELECT m, ~m, m & '00:00:00:ff:ff:ff', m | '01:00:00:00:00:00', trunc(m), m::macaddr8, macaddr8_set7bit(m::macaddr8), m::macaddr8::macaddr, m < '08:00:2b:01:02:04' FROM (VALUES ('08002b:010203'::macaddr)) v(m)
SELECT '08:00:2b:01:02:03:04:05'::macaddr8::macaddr
SELECT '{1.2.3.4,10.0.0.0/8}'::cidr[], (ARRAY['1.2.3.4'::inet, '::1'])[2], '1.2.3.4'::inet = ANY('{1.2.3.4,::1}'), row('1.2.3.4'::inet, '10/8'::cidr)::text, to_jsonb('1.2.3.4'::inet), greatest('1.1.1.1'::inet, '2.2.2.2')
select upper('straße ẞ'), upper('ß'), upper(''), upper(null), upper('ßaß'), lower('ẞ') is null
select network_smaller(null::inet, '::1'::inet) is null, network_larger('1.2.3.4'::inet, null::inet) is null, network_larger('1.2.3.4'::inet, '::1'), network_smaller('1.2.3.4'::inet, '::1')
select count(distinct j), count(distinct array[j]) from (values ('1'::jsonb),('1.0'),('1.00'),('{"a":1}'),('{"a":1.0}'),('[1.0]'),('[1]')) v(j)
select count(*) from (select distinct j from (values ('1'::jsonb),('1.0'),('{"a":[1]}'),('{"a":[1.00]}'),(null),('2')) v(j)) s
select count(*) from (select distinct on (j) j, id from (values ('1'::jsonb, 1),('1.0', 2),('2', 3)) v(j, id) order by j, id) s
select count(*) from (select j from (values ('1'::jsonb),('1.0'),('2')) v(j) group by j) s
select count(*) from (select j from (values ('1'::jsonb),('2')) v(j) union select '1.0'::jsonb union select '2.00') s
select count(*) from (select j from (values ('1'::jsonb),('2')) v(j) except select '1.0'::jsonb) s
select id, count(*) over (partition by j) from (values ('1'::jsonb, 1),('1.0', 2),('2', 3)) v(j, id) order by id
select array['1'::jsonb] = array['1.0'::jsonb], row('1'::jsonb) = row('1.0'::jsonb), array['2'::jsonb] < array['10'::jsonb], array['1'::jsonb] <> array['1.0'::jsonb]
select array_position(array['1','2']::jsonb[], '2.0'), array_remove(array['1','2']::jsonb[], '2.0'), array_replace(array['1','2']::jsonb[], '2.0','3'), array_positions(array['1','2']::jsonb[], '1.0')
select count(distinct to_jsonb(x)) from (values (1.0),(1.00),(2)) v(x)
select count(distinct j->'a') from (values ('{"a":1}'::jsonb),('{"a":1.0}'),('{"a":2}')) v(j)
select jsonb_agg(j), jsonb_object_agg(j::text, j) from (values ('1'::jsonb),('1.0')) v(j)
select to_regoper('||/'), to_regoperator('+(int4,int4)'), to_regcollation('"POSIX"'), to_regcollation('pg_catalog."POSIX"'), to_regoper('pg_catalog.||/'), to_regoperator('!~~(text,text)')
select to_regoper('+'), to_regoperator('nosuch(int4,int4)'), to_regcollation('nosuch'), to_regoper('nowhere.||/')
select '@@(NONE,box)'::regoperator, '"C"'::regcollation, regoper('pg_catalog.||/')
select regoper('ng_catalog.||/')
select regoperator('+(int4)')
select regoperator('+(int4,int4,int4)')
select regoperator('+')
select regcollation('nosuch')
select x in (row(123,456)) from (values (123::int8,456::int8)) x
select x = row('a'::text) from (values (1)) x
select rank(2) within group (order by b) from (values (1,1),(1,4),(3,2)) v(a,b) group by rollup (a) order by 1
select string_agg(s, ',' order by 'x'), string_agg('x'::text, ',' order by 'x'::text), array_agg(s order by 1, s desc) from (values ('a'), ('b')) v(s)
select (a, b) < (2, 'z'), count(*) from (values (1, 'a'), (2, 'zz')) r(a, b) group by 1 order by 1
