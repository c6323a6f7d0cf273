-- What the tools of tests/tools.rs look at: some of everything that a catalog tells of.
create role tools_reader;
create schema shop;
comment on schema shop is 'what is sold';
create type shop.mood as enum ('sad', 'ok', 'happy');
create domain shop.percent as numeric(5,2) check (value >= 0 and value <= 100);
create type shop.address as (street text, zip varchar(10));
create sequence shop.ticket start 100 increment 5;
create table shop.customer (
  id bigint generated always as identity primary key,
  email varchar(120) not null,
  name text not null default 'nobody',
  mood shop.mood default 'ok',
  discount shop.percent,
  tags text[],
  born date,
  seen timestamptz default now(),
  opens time,
  stamp timestamp(3),
  score double precision,
  small smallint,
  ratio real,
  active boolean default true,
  ref uuid,
  doc jsonb,
  raw bytea,
  note char(5),
  span interval,
  constraint customer_email unique (email),
  constraint customer_score check (score >= 0)
);
create table shop.orders (
  id serial primary key,
  customer_id bigint not null references shop.customer (id) on delete cascade,
  placed timestamp not null default current_timestamp,
  total numeric(12,2) check (total >= 0),
  ticket bigint default nextval('shop.ticket')
);
create table shop.item (
  order_id int references shop.orders on update cascade deferrable initially deferred,
  line int,
  sku text not null,
  amount int not null default 1,
  price numeric(10,2),
  total numeric(12,2) generated always as (amount * price) stored,
  primary key (order_id, line),
  constraint item_sku unique (order_id, sku)
);
create table shop."Mixed Case" ("Id" int primary key, "select" text, "a ""quoted"" one" int);
create table shop.event (day date not null, what text) partition by range (day);
create table shop.event_2024 partition of shop.event for values from ('2024-01-01') to ('2025-01-01');
create index orders_placed on shop.orders (placed desc nulls last);
create index customer_lower on shop.customer (lower(email));
create index orders_big on shop.orders (customer_id, placed) where total > 100;
create view shop.totals as
  select c.name, sum(o.total) as total from shop.customer c join shop.orders o on o.customer_id = c.id group by c.name;
create materialized view shop.best as select id, total from shop.orders where total > 1000;
create function shop.twice(x int, y int default 1) returns int language sql immutable as 'select 2 * x * y';
create function shop.names() returns setof text language sql stable as 'select name from shop.customer';
comment on table shop.customer is 'who buys';
comment on column shop.customer.email is 'where it''s sent';
comment on view shop.totals is 'what they spent';
comment on function shop.twice is 'doubles';
grant usage on schema shop to tools_reader;
grant select on shop.customer to tools_reader;
grant update (name, email) on shop.customer to tools_reader;
insert into shop.customer (email, name, mood, discount, tags, born, seen, opens, stamp, score, small, ratio, ref, doc, raw, note, span) values
  ('ann@x.org', 'ann', 'happy', 12.5, '{a,b}', '1990-02-28', '2024-01-02 03:04:05+00', '08:30', '2024-01-02 03:04:05.678', 1.5, 3, 0.25,
   '00000000-0000-0000-0000-00000000002a', '{"a": [1, null]}', '\x00ff', 'ab', '1 day 02:00:00'),
  ('bob@x.org', 'bob', null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
  ('eve@x.org', 'eve', 'sad', 0, '{}', '2001-12-31', '1999-12-31 23:59:59.999999+00', '23:59:59.999999', '1970-01-01', 0, -1, -0.5,
   'ffffffff-ffff-ffff-ffff-ffffffffffff', '"text"', '', '', '-1 mon');
insert into shop.orders (customer_id, placed, total) values
  (1, '2024-01-01 10:00', 10.00), (1, '2024-01-02 11:00', 250.50), (2, '2024-02-01 12:00', 2000.00), (3, '2024-03-01 13:00', null);
insert into shop.item (order_id, line, sku, amount, price) values (1, 1, 'pen', 2, 5.00), (2, 1, 'book', 1, 250.50), (3, 1, 'desk', 4, 500.00);
insert into shop.event values ('2024-05-05', 'fair');
refresh materialized view shop.best;
