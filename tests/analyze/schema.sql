-- The tables of the cases, for a PostgreSQL to record from: createdb analyze_cases, then psql -f this file.
-- tests/analyze/fixture.rs builds the same in code.
CREATE SCHEMA plan;
CREATE SCHEMA "Camel Space";
CREATE TYPE ticket_state AS ENUM ('new', 'paid', 'waiting', 'closed');
CREATE SEQUENCE members_id_seq;
CREATE TABLE members (
  id integer DEFAULT nextval('public.members_id_seq') PRIMARY KEY,
  email varchar(120) UNIQUE,
  display_name text,
  nation char(2) DEFAULT 'DE',
  balance numeric(12,2) DEFAULT 0,
  enabled boolean DEFAULT true,
  birthday date,
  joined_at timestamptz DEFAULT now()
);
CREATE TABLE goods (
  code varchar(20), zone smallint, label text, cost numeric(10,2), mass float8, share_of float4, marks text[],
  extra json, ident uuid, image bytea, stocked timestamp DEFAULT '2024-01-01 00:00:00', opens time,
  PRIMARY KEY (code, zone)
);
CREATE TABLE tickets (
  id bigint PRIMARY KEY, member_id integer, state ticket_state DEFAULT 'new', opened_on date DEFAULT '2024-06-01', remark text
);
CREATE TABLE ticket_lines (
  ticket_id bigint, line_no integer, code varchar(20), zone smallint, amount integer, fee numeric(10,2),
  PRIMARY KEY (ticket_id, line_no)
);
CREATE TABLE plan.goals (year integer, zone smallint, quota bigint, PRIMARY KEY (year, zone));
CREATE TABLE "Camel Space"."Mixed Table" ("Id" integer PRIMARY KEY, "select" text, "naïve col" varchar(10), another_name integer);
CREATE TABLE pairs (a integer, b text);
CREATE VIEW ticket_sums AS
  SELECT t.id, t.member_id, sum(l.amount * l.fee) AS total, count(*) AS line_count
  FROM tickets t JOIN ticket_lines l ON l.ticket_id = t.id GROUP BY t.id, t.member_id;
CREATE VIEW plan.active_members AS SELECT id, email, display_name FROM members WHERE enabled;
