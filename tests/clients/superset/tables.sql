create schema if not exists sales;
create table sales.customer (id int primary key, name text not null, region text not null, since date);
create table sales.orders (id bigint primary key, customer_id int not null references sales.customer (id), placed timestamp not null, status text not null, total numeric(12,2) not null, unique (customer_id, placed));
create index orders_placed on sales.orders (placed);
comment on table sales.orders is 'what was ordered';
comment on column sales.orders.total is 'with tax';
create view sales.big as select * from sales.orders where total > 500;
insert into sales.customer select i, 'customer ' || i, (array['north','south','east','west'])[1 + i % 4], date '2020-01-01' + i from generate_series(1, 40) i;
insert into sales.orders select i, 1 + i % 40, timestamp '2024-01-01' + i * interval '7 hours', (array['open','paid','sent'])[1 + i % 3], (i * 37 % 1000) + 0.5 from generate_series(1, 2000) i;
