-- What the cases are about, for us and for a PostgreSQL to record from.
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE t (a integer, b text, c varchar(10), d numeric(10,2), e timestamptz, f integer[], g boolean, h date, i interval, j jsonb, k char(3), l double precision, m bigint, n smallint, o timestamp, p mood, q uuid, r bytea, s positive);
CREATE TABLE u (a integer, b text, x integer, "Odd Name" text, "select" integer);
CREATE TABLE w (a bigint, x integer, y text);
CREATE TABLE other.v (a integer, z text);
CREATE SEQUENCE counter;
