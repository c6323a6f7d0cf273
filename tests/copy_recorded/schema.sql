CREATE TABLE every_type (
    id int4 PRIMARY KEY,
    flag bool, small int2, large int8, real4 float4, real8 float8, exact numeric, money_like numeric(12, 2),
    words text, short varchar(20), padded char(5), bytes bytea,
    day date, moment time, moment_tz timetz, at timestamp, at_tz timestamptz, span interval,
    key uuid, doc json, docb jsonb, bits bit(4), more_bits varbit,
    ints int4[], texts text[], days date[], exacts numeric[], keys uuid[], square int8[]
);
