-- Statements in the manner of two dozen tools: each is written here by what its tool asks, over the catalogs of schema.sql.
-- A line `-- tool: what` begins one. statements.py runs them.
-- postgrest: tables, with keys and what may be done
with columns as (
  select nc.nspname::name as table_schema, c.relname::name as table_name, a.attname::name as column_name, d.description,
    case when (t.typbasetype != 0) and (ad.adbin is null) then pg_get_expr(t.typdefaultbin, 0)
         when a.attidentity = 'd' then format('nextval(%L)', seq.objid::regclass)
         when a.attgenerated = 's' then null else pg_get_expr(ad.adbin, ad.adrelid)::text end as column_default,
    not (a.attnotnull or t.typtype = 'd' and t.typnotnull) as is_nullable,
    case when t.typtype = 'd' then case when bt.typnamespace = 'pg_catalog'::regnamespace then format_type(bt.oid, null::integer) else format_type(a.atttypid, a.atttypmod) end
         else case when t.typnamespace = 'pg_catalog'::regnamespace then format_type(a.atttypid, null::integer) else format_type(a.atttypid, a.atttypmod) end end::text as data_type,
    format_type(a.atttypid, a.atttypmod)::text as nominal_data_type,
    information_schema._pg_char_max_length(information_schema._pg_truetypid(a.*, t.*), information_schema._pg_truetypmod(a.*, t.*))::integer as character_maximum_length,
    coalesce(bt.oid, t.oid) as base_type, a.attnum::integer as position
  from pg_attribute a
  left join pg_description d on d.objoid = a.attrelid and d.objsubid = a.attnum and d.classoid = 'pg_class'::regclass
  left join (pg_attrdef ad left join pg_depend seq on seq.refobjid = ad.adrelid and seq.refobjsubid = ad.adnum and seq.deptype = 'i') on a.attrelid = ad.adrelid and a.attnum = ad.adnum
  join (pg_class c join pg_namespace nc on c.relnamespace = nc.oid) on a.attrelid = c.oid
  join pg_type t on a.atttypid = t.oid
  left join pg_type bt on t.typtype = 'd' and t.typbasetype = bt.oid
  where not pg_is_other_temp_schema(nc.oid) and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'f', 'm', 'p') and nc.nspname = any (array['shop', 'tools_nosuch'])),
columns_agg as (
  select table_schema, table_name, array_agg(row(column_name, description, is_nullable::boolean, data_type, nominal_data_type, character_maximum_length, column_default,
      coalesce((select array_agg(enumlabel order by enumsortorder) from pg_enum where enumtypid = base_type), '{}')) order by position) as columns
  from columns group by table_schema, table_name),
tbl_pk_cols as (
  select r.oid::regclass::text as rel, array_agg(a.attname order by a.attname) as pk_cols
  from pg_class r join pg_constraint c on r.oid = c.conrelid join pg_attribute a on a.attrelid = r.oid and a.attnum = any (c.conkey)
  where c.contype in ('p') and r.relkind in ('r', 'p') and r.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and not pg_is_other_temp_schema(r.relnamespace) and not a.attisdropped
  group by r.oid)
select n.nspname as table_schema, c.relname as table_name, d.description as table_description, c.relkind in ('v', 'm') as is_view,
  (c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and (pg_relation_is_updatable(c.oid::regclass, true) & 8) = 8) as insertable,
  (c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and (pg_relation_is_updatable(c.oid::regclass, true) & 4) = 4) as updatable,
  (c.relkind in ('r', 'p') or c.relkind in ('v', 'f') and (pg_relation_is_updatable(c.oid::regclass, true) & 16) = 16) as deletable,
  coalesce(tpks.pk_cols, '{}') as pk_cols, array_length(cols_agg.columns, 1) as n
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_description d on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass
left join tbl_pk_cols tpks on tpks.rel = c.oid::regclass::text
left join columns_agg cols_agg on n.nspname = cols_agg.table_schema and c.relname = cols_agg.table_name
where c.relkind in ('v', 'r', 'm', 'f', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and not c.relispartition
order by table_schema, table_name;
-- postgrest: relationships
with pks_uniques_cols as (
  select conrelid, array_agg(key order by key) as cols
  from pg_constraint, lateral unnest(conkey) with ordinality as k(key, ord)
  where contype in ('p', 'u') and connamespace::regnamespace::text <> 'pg_catalog' group by oid, conrelid)
select ns1.nspname as table_schema, tab.relname as table_name, ns2.nspname as foreign_table_schema, other.relname as foreign_table_name,
  (ns1.nspname, tab.relname) = (ns2.nspname, other.relname) as is_self, traint.conname as constraint_name, column_info.cols_and_fcols,
  (column_info.cols in (select cols from pks_uniques_cols where conrelid = traint.conrelid)) as one_to_one
from pg_constraint traint
join lateral (
  select array_agg(row(cols.attname, refs.attname) order by ord)::text as cols_and_fcols, array_agg(cols.attnum order by cols.attnum) as cols
  from unnest(traint.conkey, traint.confkey) with ordinality as _(col, ref, ord)
  join pg_attribute cols on cols.attrelid = traint.conrelid and cols.attnum = col
  join pg_attribute refs on refs.attrelid = traint.confrelid and refs.attnum = ref) as column_info on true
join pg_namespace ns1 on ns1.oid = traint.connamespace
join pg_class tab on tab.oid = traint.conrelid
join pg_class other on other.oid = traint.confrelid
join pg_namespace ns2 on ns2.oid = other.relnamespace
where traint.contype = 'f' and traint.conparentid = 0 order by traint.conrelid::regclass::text, traint.conname;
-- postgrest: functions
with base_types as (
  with recursive recurse as (
    select oid, typbasetype, typnamespace as base_namespace, coalesce(nullif(typbasetype, 0), oid) as base_type from pg_type
    union
    select t.oid, b.typbasetype, b.typnamespace, coalesce(nullif(b.typbasetype, 0), b.oid) from recurse t join pg_type b on t.typbasetype = b.oid)
  select oid, base_namespace, base_type from recurse where typbasetype = 0),
arguments as (
  select oid, array_agg((coalesce(name, ''), type::regtype::text, case type when 'bit'::regtype then 'bit varying' when 'bit[]'::regtype then 'bit varying[]' when 'character'::regtype then 'character varying' else type::regtype::text end,
      idx <= (pronargs - pronargdefaults), coalesce(mode = 'v', false)) order by idx) as args,
    case count(*) - count(name) when 0 then true when 1 then (array_agg(type))[1] in ('bytea'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'xml'::regtype) else false end as callable
  from pg_proc, unnest(proargnames, proargtypes, proargmodes) with ordinality as _ (name, type, mode, idx) where type is not null group by oid)
select pn.nspname as proc_schema, p.proname as proc_name, d.description as proc_description, coalesce(a.args, '{}')::text as args, tn.nspname as schema,
  coalesce(comp.relname, t.typname) as name, p.proretset as rettype_is_setof, (t.typtype = 'c' or coalesce(proargmodes::text[] && '{t,b,o}', false)) as rettype_is_composite,
  bt.oid <> bt.base_type as rettype_is_composite_alias, p.provolatile, p.provariadic > 0 as hasvariadic, lower((regexp_split_to_array((regexp_split_to_array(iso_config, '='))[2], ','))[1]) as transaction_isolation_level,
  coalesce(func_settings.kvs, '{}')::text as kvs
from pg_proc p
left join arguments a on a.oid = p.oid
join pg_namespace pn on pn.oid = p.pronamespace
join base_types bt on bt.oid = p.prorettype
join pg_type t on t.oid = bt.base_type
join pg_namespace tn on tn.oid = t.typnamespace
left join pg_class comp on comp.oid = t.typrelid
left join pg_description as d on d.objoid = p.oid and d.classoid = 'pg_proc'::regclass
left join lateral unnest(proconfig) iso_config on iso_config like 'default_transaction_isolation%'
left join lateral (select array_agg(row(substr(setting, 1, strpos(setting, '=') - 1), substr(setting, strpos(setting, '=') + 1))) as kvs from unnest(proconfig) setting where setting not like 'default_transaction_isolation%') func_settings on true
where t.oid <> 'trigger'::regtype and coalesce(a.callable, true) and prokind = 'f' and p.pronamespace = any (array['shop']::regnamespace[])
order by 1, 2, 4;
-- postgrest: representations of domains
with all_relations as (
  select reltype from pg_class where relkind in ('v', 'r', 'm', 'f', 'p') union select oid from pg_type where typname = 'json')
select castsource::regtype::text, casttarget::regtype::text, castfunc::regproc::text
from pg_catalog.pg_cast c join pg_catalog.pg_type src_t on c.castsource::oid = src_t.oid join pg_catalog.pg_type dst_t on c.casttarget::oid = dst_t.oid
where c.castcontext = 'i' and c.castmethod = 'f' and has_function_privilege(c.castfunc, 'execute')
  and ((src_t.typtype = 'd' and c.casttarget in ('json'::regtype::oid, 'text'::regtype::oid)) or (dst_t.typtype = 'd' and c.castsource in ('json'::regtype::oid, 'text'::regtype::oid)));
-- postgrest: time zones
select count(*) > 300 as many from pg_timezone_names;
-- postgrest: who and where
select current_setting('server_version_num')::integer / 10000 as v, current_setting('role', true) as r, current_setting('search_path') <> '' as p, pg_is_in_recovery();
-- hasura: tables
with partitions as (select array(select inhrelid from pg_catalog.pg_inherits) as names)
select schema.nspname as table_schema, "table".relname as table_name,
  jsonb_build_object('columns', coalesce(columns.info, '[]'), 'primary_key', primary_key.info, 'unique_constraints', coalesce(unique_constraints.info, '[]'), 'foreign_keys', coalesce(foreign_key_constraints.info, '[]'),
    'view_info', case "table".relkind when 'v' then jsonb_build_object('is_updatable', ((pg_catalog.pg_relation_is_updatable("table".oid, true) & 4) = 4), 'is_deletable', ((pg_catalog.pg_relation_is_updatable("table".oid, true) & 16) = 16), 'is_insertable', ((pg_catalog.pg_relation_is_updatable("table".oid, true) & 8) = 8)) end,
    'description', description.description)::json as info
from pg_catalog.pg_class "table"
join pg_catalog.pg_namespace schema on schema.oid = "table".relnamespace
left join pg_catalog.pg_description description on description.classoid = 'pg_catalog.pg_class'::regclass and description.objoid = "table".oid and description.objsubid = 0
left join lateral (
  select jsonb_agg(jsonb_build_object('name', "column".attname, 'position', "column".attnum, 'type', json_build_object('name', coalesce(base_type.typname, type.typname), 'type', type.typtype), 'is_nullable', not "column".attnotnull,
      'description', pg_catalog.col_description("table".oid, "column".attnum), 'mutability', jsonb_build_object('is_insertable', not (identitypolyfill.attidentity = 'a'), 'is_updatable', not (identitypolyfill.attidentity = 'a'))) order by "column".attnum) as info
  from pg_catalog.pg_attribute "column"
  left join (select attrelid, attnum, attname, case when ((attidentity::text = 'a') or (attgenerated::text = 's')) then 'a' else attidentity::text end as attidentity from pg_catalog.pg_attribute) as identitypolyfill on identitypolyfill.attrelid = "column".attrelid and identitypolyfill.attnum = "column".attnum
  left join pg_catalog.pg_type type on type.oid = "column".atttypid
  left join pg_catalog.pg_type base_type on type.typtype = 'd' and base_type.oid = type.typbasetype
  where "column".attrelid = "table".oid and "column".attnum > 0 and not "column".attisdropped) columns on true
left join lateral (
  select jsonb_build_object('constraint', jsonb_build_object('name', class.relname), 'columns', coalesce(columns.info, '[]')) as info
  from pg_catalog.pg_index index join pg_catalog.pg_class class on class.oid = index.indexrelid
  left join lateral (select jsonb_agg("column".attname order by "column".attnum) as info from pg_catalog.pg_attribute "column" where "column".attrelid = "table".oid and "column".attnum = any (index.indkey)) as columns on true
  where index.indrelid = "table".oid and index.indisprimary) primary_key on true
left join lateral (
  select jsonb_agg(jsonb_build_object('constraint', jsonb_build_object('name', class.relname), 'columns', columns.info) order by class.relname) as info
  from pg_catalog.pg_index index join pg_catalog.pg_class class on class.oid = index.indexrelid
  left join lateral (select jsonb_agg("column".attname order by "column".attnum) as info from pg_catalog.pg_attribute "column" where "column".attrelid = "table".oid and "column".attnum = any (index.indkey)) as columns on true
  where index.indrelid = "table".oid and index.indisunique and not index.indisprimary) unique_constraints on true
left join lateral (
  select jsonb_agg(jsonb_build_object('constraint', jsonb_build_object('name', foreign_key.constraint_name), 'columns', foreign_key.columns, 'foreign_table', foreign_key.ref_table, 'foreign_columns', foreign_key.ref_columns) order by foreign_key.constraint_name) as info
  from (select q.table_schema::text, q.table_name::text, q.constraint_name::text, min(q.ref_table_table_schema::text) || '.' || min(q.ref_table::text) as ref_table, json_agg(ac.attname order by q.pos)::jsonb as columns, json_agg(afc.attname order by q.pos)::jsonb as ref_columns
        from (select ctn.nspname as table_schema, ct.relname as table_name, r.conrelid as table_id, r.conname as constraint_name, cftn.nspname as ref_table_table_schema, cft.relname as ref_table, r.confrelid as ref_table_id, r.confupdtype, r.confdeltype, unnest(r.conkey) as column_id, unnest(r.confkey) as ref_column_id, generate_subscripts(r.conkey, 1) as pos
              from pg_catalog.pg_constraint r join pg_catalog.pg_class ct on r.conrelid = ct.oid join pg_catalog.pg_namespace ctn on ct.relnamespace = ctn.oid
              join pg_catalog.pg_class cft on r.confrelid = cft.oid join pg_catalog.pg_namespace cftn on cft.relnamespace = cftn.oid where r.contype = 'f' and ct.oid = "table".oid) q
        join pg_catalog.pg_attribute ac on q.column_id = ac.attnum and q.table_id = ac.attrelid join pg_catalog.pg_attribute afc on q.ref_column_id = afc.attnum and q.ref_table_id = afc.attrelid
        group by q.table_schema, q.table_name, q.constraint_name) foreign_key) foreign_key_constraints on true
where "table".relkind in ('r', 'v', 'm', 'f', 'p') and schema.nspname in ('shop', 'tools_nosuch') and not ("table".oid = any ((select names from partitions)::oid[]))
order by 1, 2;
-- hasura: functions
select p.proname::text as function_name, pn.nspname::text as function_schema, pd.description,
  case when (p.provariadic = 0) then false else true end as has_variadic,
  case when (p.provolatile::text = 'i') then 'IMMUTABLE' when (p.provolatile::text = 's') then 'STABLE' when (p.provolatile::text = 'v') then 'VOLATILE' else null end as function_type,
  pg_get_functiondef(p.oid) is not null as has_definition, rtn.nspname::text as return_type_schema, rt.typname::text as return_type_name, rt.typtype::text as return_type_type, p.proretset as returns_set,
  (select coalesce(json_agg(json_build_object('schema', q.schema, 'name', q.name, 'type', q.type)), '[]') from (select pt.typname as name, pns.nspname as schema, pt.typtype as type, pat.ordinality from unnest(coalesce(p.proallargtypes, (p.proargtypes)::oid[])) with ordinality pat(oid, ordinality) left join pg_type pt on pt.oid = pat.oid left join pg_namespace pns on pt.typnamespace = pns.oid order by pat.ordinality) q) as input_arg_types,
  to_json(coalesce(p.proargnames, array[]::text[])) as input_arg_names, p.pronargdefaults as default_args
from pg_proc p join pg_namespace pn on pn.oid = p.pronamespace join pg_type rt on rt.oid = p.prorettype join pg_namespace rtn on rtn.oid = rt.typnamespace left join pg_description pd on p.oid = pd.objoid
where pn.nspname not like 'pg_%' and pn.nspname <> 'information_schema' and not exists (select 1 from pg_aggregate where pg_aggregate.aggfnoid::oid = p.oid) order by 1, 2;
-- prisma: namespaces
select namespace.nspname as namespace_name from pg_namespace as namespace where namespace.nspname = any (array['shop', 'tools_nosuch', 'nosuch']) order by 1;
-- prisma: tables
select tbl.relname as table_name, namespace.nspname as namespace,
  (tbl.relhassubclass and tbl.relkind = 'p') as is_partition, (tbl.relhassubclass and tbl.relkind = 'r') as has_subclass, tbl.relrowsecurity as has_row_level_security, reloptions, obj_description(tbl.oid, 'pg_class') as description
from pg_class as tbl inner join pg_namespace as namespace on namespace.oid = tbl.relnamespace
where ((tbl.relkind = 'r' and tbl.relispartition = 'f') or tbl.relkind = 'p') and namespace.nspname = any (array['shop', 'tools_nosuch']) order by namespace, table_name;
-- prisma: columns
select oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod) as formatted_type, info.numeric_precision, info.numeric_scale, info.numeric_precision_radix, info.datetime_precision, info.data_type, info.udt_schema as type_schema_name, info.udt_name as full_data_type,
  pg_get_expr(attdef.adbin, attdef.adrelid) as column_default, info.is_nullable, info.is_identity, info.character_maximum_length, col_description(att.attrelid, ordinal_position) as description
from information_schema.columns info
join pg_attribute att on att.attname = info.column_name
join (select pg_class.oid, relname, pg_namespace.nspname as namespace from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace and pg_namespace.nspname = any (array['shop', 'tools_nosuch']) where reltype > 0) as oid on oid.oid = att.attrelid and relname = info.table_name and namespace = info.table_schema
left join pg_attrdef attdef on attdef.adrelid = att.attrelid and attdef.adnum = att.attnum and table_schema = namespace
where table_schema = any (array['shop', 'tools_nosuch']) order by namespace, table_name, ordinal_position;
-- prisma: indexes
with rawindex as (
  select indrelid, indexrelid, indisunique, indisprimary, unnest(indkey) as indkeyid, generate_subscripts(indkey, 1) as indkeyidx, unnest(indclass) as indclass, unnest(indoption) as indoption
  from pg_index where indpred is null and not indisexclusion)
select schemainfo.nspname as namespace, indexinfo.relname as index_name, tableinfo.relname as table_name, columninfo.attname as column_name, rawindex.indisunique as is_unique, rawindex.indisprimary as is_primary_key, rawindex.indkeyidx as column_index,
  opclass.opcname as opclass, opclass.opcdefault as opcdefault, indexaccess.amname as index_algo,
  case rawindex.indoption & 1 when 1 then 'DESC' else 'ASC' end as column_order, case rawindex.indoption & 2 when 2 then true else false end as nulls_first, pc.condeferrable as condeferrable, pc.condeferred as condeferred
from rawindex inner join pg_class as tableinfo on tableinfo.oid = rawindex.indrelid inner join pg_class as indexinfo on indexinfo.oid = rawindex.indexrelid inner join pg_namespace as schemainfo on schemainfo.oid = tableinfo.relnamespace
left join pg_attribute as columninfo on columninfo.attrelid = tableinfo.oid and columninfo.attnum = rawindex.indkeyid
inner join pg_am as indexaccess on indexaccess.oid = indexinfo.relam left join pg_opclass as opclass on opclass.oid = rawindex.indclass left join pg_constraint pc on rawindex.indexrelid = pc.conindid and pc.contype <> 'f'
where schemainfo.nspname = any (array['shop', 'tools_nosuch']) order by namespace, table_name, index_name, column_index;
-- prisma: foreign keys
select con.oid is not null as "con_id", att2.attname as "child_column", cl.relname as "parent_table", att.attname as "parent_column", con.confdeltype, con.confupdtype, rel_ns.nspname as "referenced_schema_name", conname as constraint_name, child, parent, table_name, namespace, condeferrable, condeferred
from (select con1.conname, con1.confdeltype, con1.confupdtype, con1.condeferrable, con1.condeferred, con1.oid, con1.conrelid, con1.confrelid, unnest(con1.conkey) as "parent", unnest(con1.confkey) as "child", cl.relname as table_name, ns.nspname as namespace, generate_subscripts(con1.conkey, 1) as colidx
  from pg_class cl join pg_constraint con1 on con1.conrelid = cl.oid join pg_namespace ns on cl.relnamespace = ns.oid where ns.nspname = any (array['shop', 'tools_nosuch']) and con1.contype = 'f') con
join pg_attribute att on att.attrelid = con.confrelid and att.attnum = con.child join pg_class cl on cl.oid = con.confrelid join pg_attribute att2 on att2.attrelid = con.conrelid and att2.attnum = con.parent
join pg_class rel_cl on con.confrelid = rel_cl.oid join pg_namespace rel_ns on rel_cl.relnamespace = rel_ns.oid order by namespace, table_name, constraint_name, con.colidx;
-- prisma: constraints
select schemainfo.nspname as namespace, tableinfo.relname as table_name, constr.conname as constraint_name, constr.contype as constraint_type, pg_get_constraintdef(constr.oid) as constraint_definition, constr.condeferrable as is_deferrable, constr.condeferred as is_deferred
from pg_constraint constr join pg_class as tableinfo on tableinfo.oid = constr.conrelid join pg_namespace as schemainfo on schemainfo.oid = tableinfo.relnamespace
where schemainfo.nspname = any (array['shop', 'tools_nosuch']) and contype not in ('p', 'u', 'f') order by namespace, table_name, constr.contype, constraint_name;
-- prisma: views
select views.viewname as view_name, views.definition as view_sql, views.schemaname as namespace, obj_description(class.oid, 'pg_class') as description from pg_catalog.pg_views views inner join pg_catalog.pg_namespace ns on views.schemaname = ns.nspname inner join pg_catalog.pg_class class on class.relnamespace = ns.oid and class.relname = views.viewname where schemaname = any (array['shop', 'tools_nosuch']) order by 1;
-- prisma: enums
select t.typname as name, e.enumlabel as value, n.nspname as namespace, obj_description(t.oid, 'pg_type') as description from pg_type t join pg_enum e on t.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.nspname = any (array['shop', 'tools_nosuch']) order by e.enumsortorder;
-- prisma: sequences
select sequence_name, sequence_schema as namespace, start_value::int8, minimum_value::int8 as min_value, maximum_value::int8 as max_value, increment::int8 as increment_by, (case cycle_option when 'YES' then true else false end) as cycle, '0' as cache_size from information_schema.sequences where sequence_schema = any (array['shop', 'tools_nosuch']) order by 2, 1;
-- prisma: extensions
select ext.extname as extension_name, ext.extversion as extension_version, ext.extrelocatable as extension_relocatable, pn.nspname as extension_schema from pg_extension ext inner join pg_namespace pn on ext.extnamespace = pn.oid where extname <> 'plpgsql' order by ext.extname;
-- prisma: server
select exists(select 1 from pg_namespace where nspname = 'shop'), version() like 'PostgreSQL%', current_setting('server_version_num')::integer >= 150000 as numeric_version;
-- sequelize: tables
select table_name, table_schema as schema from information_schema.tables where table_schema = 'shop' and table_type like '%TABLE' and table_name != 'spatial_ref_sys' order by 1;
-- sequelize: describe
select pk.constraint_type as "Constraint", c.column_name as "Field", c.column_default as "Default", c.is_nullable as "Null", (case when c.udt_name = 'hstore' then c.udt_name else c.data_type end) || (case when c.character_maximum_length is not null then '(' || c.character_maximum_length || ')' else '' end) as "Type",
  (select array_agg(e.enumlabel) from pg_catalog.pg_type t join pg_catalog.pg_enum e on t.oid = e.enumtypid where t.typname = c.udt_name) as "special", (select pgd.description from pg_catalog.pg_statio_all_tables as st inner join pg_catalog.pg_description pgd on (pgd.objoid = st.relid) where c.ordinal_position = pgd.objsubid and c.table_name = st.relname) as "Comment"
from information_schema.columns c left join (select tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type from information_schema.table_constraints tc join information_schema.key_column_usage cu on tc.table_schema = cu.table_schema and tc.table_name = cu.table_name and tc.constraint_name = cu.constraint_name and tc.constraint_type = 'PRIMARY KEY') pk
  on pk.table_schema = c.table_schema and pk.table_name = c.table_name and pk.column_name = c.column_name where c.table_name = 'customer' and c.table_schema = 'shop' order by c.ordinal_position;
-- sequelize: indexes
select i.relname as name, ix.indisprimary as primary, ix.indisunique as unique, ix.indkey as indkey, array_agg(a.attnum order by a.attnum) as column_indexes, array_agg(a.attname order by a.attnum) as column_names, pg_get_indexdef(ix.indexrelid) as definition
from pg_class t, pg_class i, pg_index ix, pg_attribute a where t.oid = ix.indrelid and i.oid = ix.indexrelid and a.attrelid = t.oid and t.relkind = 'r' and t.relname = 'item' group by i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey order by i.relname;
-- sequelize: foreign keys
select distinct tc.constraint_name as constraint_name, tc.constraint_schema as constraint_schema, tc.constraint_catalog = current_database() as here, tc.table_name as table_name, tc.table_schema as table_schema, tc.initially_deferred as initially_deferred, tc.is_deferrable as is_deferrable, kcu.column_name as column_name, ccu.table_schema as referenced_table_schema, ccu.table_name as referenced_table_name, ccu.column_name as referenced_column_name
from information_schema.table_constraints as tc join information_schema.key_column_usage as kcu on tc.constraint_name = kcu.constraint_name join information_schema.constraint_column_usage as ccu on ccu.constraint_name = tc.constraint_name where constraint_type = 'FOREIGN KEY' and tc.table_name = 'item' order by 1, 8, 11;
-- sequelize: enums
select t.typname enum_name, array_agg(e.enumlabel order by enumsortorder) enum_value from pg_type t join pg_enum e on t.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace where n.nspname = 'shop' group by 1;
-- activerecord: type map
select t.typname, t.typelem, t.typdelim, t.typinput, r.rngsubtype, t.typtype, t.typbasetype from pg_type as t left join pg_range as r on oid = rngtypid where t.typname in ('int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric', 'bool', 'timestamp', 'timestamptz', 'json', 'jsonb', 'uuid', 'bytea') or t.typtype in ('r') and t.oid < 16384 or t.typinput = 'array_in(cstring,oid,integer)'::regprocedure and t.typelem in (23, 25, 1043) order by t.oid;
-- activerecord: columns
select a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull, a.atttypid::regtype::text, a.atttypmod, c.collname, col_description(a.attrelid, a.attnum) as comment, attidentity as identity, attgenerated as attgenerated
from pg_attribute a left join pg_attrdef d on a.attrelid = d.adrelid and a.attnum = d.adnum left join pg_type t on a.atttypid = t.oid left join pg_collation c on a.attcollation = c.oid and a.attcollation <> t.typcollation
where a.attrelid = '"customer"'::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum;
-- activerecord: primary keys
select a.attname from (select indrelid, indkey, generate_subscripts(indkey, 1) idx from pg_index where indrelid = '"item"'::regclass and indisprimary) i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[i.idx] order by i.idx;
-- activerecord: indexes
select distinct i.relname, d.indisunique, d.indkey, pg_get_indexdef(d.indexrelid), pg_catalog.obj_description(i.oid, 'pg_class') as comment, d.indisvalid, array(select pg_get_indexdef(d.indexrelid, k + 1, true) from generate_subscripts(d.indkey, 1) as k order by k) as columns
from pg_class t inner join pg_index d on t.oid = d.indrelid inner join pg_class i on d.indexrelid = i.oid left join pg_namespace n on n.oid = t.relnamespace where i.relkind in ('i', 'I') and d.indisprimary = 'f' and t.relname = 'orders' and n.nspname = any (current_schemas(false)) order by i.relname;
-- activerecord: foreign keys
select t2.oid::regclass::text as to_table, a1.attname as column, a2.attname as primary_key, c.conname as name, c.confupdtype as on_update, c.confdeltype as on_delete, c.convalidated as valid, c.condeferrable as deferrable, c.condeferred as deferred, c.conkey, c.confkey
from pg_constraint c join pg_class t1 on c.conrelid = t1.oid join pg_class t2 on c.confrelid = t2.oid join pg_attribute a1 on a1.attnum = c.conkey[1] and a1.attrelid = t1.oid join pg_attribute a2 on a2.attnum = c.confkey[1] and a2.attrelid = t2.oid join pg_namespace t3 on c.connamespace = t3.oid
where c.contype = 'f' and t1.relname = 'item' and t3.nspname = any (current_schemas(false)) order by c.conname;
-- activerecord: check constraints
select conname, pg_get_constraintdef(c.oid, true) as constraintdef, c.convalidated as valid from pg_constraint c join pg_class t on c.conrelid = t.oid join pg_namespace n on n.oid = c.connamespace where c.contype = 'c' and t.relname = 'customer' and n.nspname = any (current_schemas(false));
-- activerecord: unique and exclusion constraints
select c.conname, c.conrelid::regclass::text, c.conkey, c.condeferrable, c.condeferred, pg_get_constraintdef(c.oid) as constraintdef from pg_constraint c join pg_class t on c.conrelid = t.oid join pg_namespace n on n.oid = c.connamespace where c.contype in ('u', 'x') and t.relname = 'customer' and n.nspname = any (current_schemas(false)) order by 1;
-- activerecord: sequences of keys
select attr.attname, nsp.nspname, seq.relname from pg_class seq, pg_attribute attr, pg_depend dep, pg_constraint cons, pg_namespace nsp where seq.oid = dep.objid and seq.relkind = 'S' and attr.attrelid = dep.refobjid and attr.attnum = dep.refobjsubid and attr.attrelid = cons.conrelid and attr.attnum = cons.conkey[1] and seq.relnamespace = nsp.oid and cons.contype = 'p' and dep.classid = 'pg_class'::regclass and dep.refobjid = '"customer"'::regclass;
-- activerecord: sequences of keys, by default
select t.attname, case when pg_get_expr(def.adbin, def.adrelid) !~* 'nextval' then null when split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2) ~ '.' then substr(split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2), strpos(split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2), '.') + 1) else split_part(pg_get_expr(def.adbin, def.adrelid), '''', 2) end
from pg_class t0 join pg_attribute t on (t0.oid = attrelid) join pg_attrdef def on (adrelid = attrelid and adnum = attnum) join pg_constraint cons on (conrelid = adrelid and adnum = conkey[1]) where t0.oid = 'customer'::regclass and cons.contype = 'p' and pg_get_expr(def.adbin, def.adrelid) ~* 'nextval|uuid_generate|gen_random_uuid';
-- activerecord: data sources
select c.relname from pg_class c left join pg_namespace n on n.oid = c.relnamespace where n.nspname = any (current_schemas(false)) and c.relkind in ('r', 'v', 'm', 'p', 'f') order by 1;
-- activerecord: enums
select type.typname as name, type.oid is not null as oid, n.nspname as schema, array_agg(enum.enumlabel order by enum.enumsortorder) as value from pg_enum as enum join pg_type as type on (type.oid = enum.enumtypid) join pg_namespace n on type.typnamespace = n.oid where n.nspname = any (current_schemas(false)) group by type.oid, n.nspname, type.typname;
-- activerecord: advisory lock and settings
select pg_try_advisory_lock(4242), pg_advisory_unlock(4242), current_setting('standard_conforming_strings'), set_config('client_min_messages', 'warning', true);
-- hibernate: sequences
select sequence_catalog = current_database() as here, sequence_schema, sequence_name, data_type, start_value, minimum_value, maximum_value, increment from information_schema.sequences where sequence_schema in ('shop', 'tools_nosuch') order by 2, 3;
-- liquibase: connection
select current_schema, current_database() is not null, pg_catalog.version() like 'PostgreSQL%', current_setting('server_version_num')::int / 10000 as v;
-- liquibase: unique constraints
select ccu.table_schema, ccu.constraint_name, ccu.column_name, c.contype, c.condeferrable from information_schema.constraint_column_usage ccu join pg_catalog.pg_constraint c on c.conname = ccu.constraint_name join pg_namespace n on n.oid = c.connamespace and n.nspname = ccu.constraint_schema where c.contype = 'u' order by 1, 2, 3;
-- liquibase: views
select n.nspname, c.relname, pg_get_viewdef(c.oid) as def from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v' and n.nspname = 'shop' and c.relname = 'totals';
-- liquibase: check constraints and sequences
select c.relname as sequence_name, s.start_value, s.min_value, s.max_value, s.increment_by, s.cycle, s.cache_size, format_type(sq.seqtypid, null) from pg_class c join pg_namespace ns on c.relnamespace = ns.oid join pg_sequences s on s.schemaname = ns.nspname and s.sequencename = c.relname join pg_sequence sq on sq.seqrelid = c.oid where c.relkind = 'S' and ns.nspname = 'shop' and c.oid not in (select d.objid from pg_depend d where d.refobjsubid > 0 and d.deptype = 'i') order by 1;
-- liquibase: lock table
select count(*) from information_schema.tables where lower(table_name) = 'databasechangeloglock' and table_schema = 'shop';
-- flyway: schema is empty
select exists (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace left join pg_catalog.pg_depend d on d.objid = c.oid and d.deptype = 'e' where n.nspname = 'shop' and d.objid is null and c.relkind in ('r', 'v', 'S', 't') union all select t.oid from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace left join pg_catalog.pg_depend d on d.objid = t.oid and d.deptype = 'e' where n.nspname = 'shop' and d.objid is null and t.typcategory not in ('A', 'C') union all select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace left join pg_catalog.pg_depend d on d.objid = p.oid and d.deptype = 'e' where n.nspname = 'shop' and d.objid is null);
-- flyway: tables
select t.table_name from information_schema.tables t left join pg_depend dep on dep.objid = (quote_ident(t.table_schema) || '.' || quote_ident(t.table_name))::regclass::oid and dep.deptype = 'e' where table_schema = 'shop' and table_type = 'BASE TABLE' and dep.objid is null and not (select exists (select inhrelid from pg_catalog.pg_inherits where inhrelid = (quote_ident(t.table_schema) || '.' || quote_ident(t.table_name))::regclass::oid)) order by 1;
-- flyway: routines
select p.proname, oidvectortypes(p.proargtypes) as args, pg_function_is_visible(p.oid), p.prokind as kind from pg_catalog.pg_namespace n inner join pg_catalog.pg_proc p on p.pronamespace = n.oid left join pg_depend dep on dep.objid = p.oid and dep.deptype = 'e' where n.nspname = 'shop' and dep.objid is null order by 1, 2;
-- flyway: types
select typname, typcategory from pg_catalog.pg_type t left join pg_depend dep on dep.objid = t.oid and dep.deptype = 'e' where (t.typrelid = 0 or (select c.relkind = 'c' from pg_catalog.pg_class c where c.oid = t.typrelid)) and not exists (select 1 from pg_catalog.pg_type el where el.oid = t.typelem and el.typarray = t.oid) and t.typnamespace in (select oid from pg_catalog.pg_namespace where nspname = 'shop') and dep.objid is null and t.typtype != 'd' order by 1;
-- flyway: role and search path
select current_user is not null, current_setting('search_path') is not null;
-- airbyte: tables with privileges
select nspname as table_schema, relname as table_name, relkind from pg_class c join pg_namespace n on c.relnamespace = n.oid where has_table_privilege(c.oid, 'SELECT') and has_schema_privilege(nspname, 'USAGE') and relkind in ('r', 'm', 'v', 't', 'f', 'p') and nspname not in ('information_schema', 'pg_catalog', 'pg_internal', 'catalog_history', 'pg_toast') order by 1, 2;
-- airbyte: sizes
select sum(pg_relation_size(pg_class.oid)) >= 0 as known, relname, nspname from pg_class join pg_namespace n on n.oid = relnamespace where nspname = 'shop' and relkind = 'r' group by relname, nspname order by 2;
-- airbyte: wraparound and state
select (case when txid_current() > 0 then 'ok' end), pg_is_in_recovery();
-- airbyte: by ctid
select count(*) from shop.orders where ctid is not null;
-- debezium: version and settings
select name, setting is not null from pg_settings where name in ('wal_level', 'server_version', 'max_replication_slots') order by 1;
-- debezium: types
select t.typname as name, t.typelem::regtype::text as element, t.typbasetype as parentoid, t.typtypmod as modifiers, t.typcategory as category, e.values as enum_values from pg_catalog.pg_type t join pg_catalog.pg_namespace n on (t.typnamespace = n.oid) left join (select t.enumtypid as id, array_agg(t.enumlabel) as values from pg_catalog.pg_enum t group by id) e on (t.oid = e.id) where n.nspname != 'pg_toast' and n.nspname = 'shop' and t.typrelid = 0 order by t.typname;
-- debezium: replica identity
select relreplident::varchar from pg_catalog.pg_class c left join pg_catalog.pg_namespace n on c.relnamespace = n.oid where n.nspname = 'shop' and c.relname = 'orders';
-- debezium: slots and publications
select count(*) from pg_replication_slots where slot_name = 'debezium' and database = current_database() and plugin = 'pgoutput';
-- debezium: publications
select count(1) from pg_publication where pubname = 'dbz_publication';
-- debezium: heartbeat
select (case pg_is_in_recovery() when 't' then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end) is not null as lsn;
-- debezium: primary key from indexes
select result.table_name, result.column_name, result.key_seq, result.pk_name from (select ct.relname as table_name, a.attname as column_name, (information_schema._pg_expandarray(i.indkey)).n as key_seq, ci.relname as pk_name, information_schema._pg_expandarray(i.indkey) as keys, a.attnum as a_attnum from pg_catalog.pg_class ct join pg_catalog.pg_attribute a on (ct.oid = a.attrelid) join pg_catalog.pg_namespace n on (ct.relnamespace = n.oid) join pg_catalog.pg_index i on (a.attrelid = i.indrelid) join pg_catalog.pg_class ci on (ci.oid = i.indexrelid) where n.nspname = 'shop' and ct.relname = 'item' and i.indisprimary) result where result.a_attnum = (result.keys).x order by result.table_name, result.pk_name, result.key_seq;
-- dbt: catalog
select current_database() is not null as table_database, sch.nspname as table_schema, tbl.relname as table_name, case tbl.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' else 'BASE TABLE' end as table_type, tbl_desc.description as table_comment, col.attname as column_name, col.attnum as column_index, pg_catalog.format_type(col.atttypid, col.atttypmod) as column_type, col_desc.description as column_comment, pg_get_userbyid(tbl.relowner) is not null as table_owner
from pg_catalog.pg_namespace sch join pg_catalog.pg_class tbl on tbl.relnamespace = sch.oid join pg_catalog.pg_attribute col on col.attrelid = tbl.oid left outer join pg_catalog.pg_description tbl_desc on (tbl_desc.objoid = tbl.oid and tbl_desc.objsubid = 0) left outer join pg_catalog.pg_description col_desc on (col_desc.objoid = tbl.oid and col_desc.objsubid = col.attnum)
where (upper(sch.nspname) = upper('shop') or upper(sch.nspname) = upper('tools_nosuch')) and not pg_is_other_temp_schema(sch.oid) and tbl.relpersistence in ('p', 'u') and tbl.relkind in ('r', 'v', 'f', 'p', 'm') and col.attnum > 0 and not col.attisdropped order by sch.nspname, tbl.relname, col.attnum;
-- dbt: relations that depend on each other
with relation as (select pg_rewrite.ev_class as class, pg_rewrite.oid as id from pg_rewrite),
class as (select oid as id, relname as name, relnamespace as schema, relkind as kind from pg_class),
dependency as (select distinct pg_depend.objid as id, pg_depend.refobjid as ref from pg_depend),
schema as (select pg_namespace.oid as id, pg_namespace.nspname as name from pg_namespace where nspname != 'information_schema' and nspname not like 'pg\_%'),
referenced as (select relation.id as id, referenced_class.name, referenced_class.schema, referenced_class.kind from relation join class as referenced_class on relation.class = referenced_class.id where referenced_class.kind in ('r', 'v', 'm')),
relationships as (select referenced.name as referenced_name, referenced.schema as referenced_schema_id, dependent_class.name as dependent_name, dependent_class.schema as dependent_schema_id, referenced.kind as kind from referenced join dependency on referenced.id = dependency.id join class as dependent_class on dependency.ref = dependent_class.id where (referenced.name != dependent_class.name or referenced.schema != dependent_class.schema))
select referenced_schema.name as referenced_schema, relationships.referenced_name as referenced_name, dependent_schema.name as dependent_schema, relationships.dependent_name as dependent_name from relationships join schema as dependent_schema on relationships.dependent_schema_id = dependent_schema.id join schema as referenced_schema on relationships.referenced_schema_id = referenced_schema.id group by referenced_schema, referenced_name, dependent_schema, dependent_name order by referenced_schema, referenced_name, dependent_schema, dependent_name;
-- dbt: indexes of a relation
select i.relname as name, m.amname as method, ix.indisunique as "unique", array_to_string(array_agg(a.attname), ',') as column_names from pg_index ix join pg_class i on i.oid = ix.indexrelid join pg_am m on m.oid = i.relam join pg_class t on t.oid = ix.indrelid join pg_namespace n on n.oid = t.relnamespace join pg_attribute a on a.attrelid = t.oid and a.attnum = any (ix.indkey) where t.relname = 'customer' and n.nspname = 'shop' and t.relkind in ('r', 'm') group by 1, 2, 3 order by 1, 2, 3;
-- duckdb postgres scanner: tables and columns
select pg_namespace.oid is not null as namespace_id, relname, relpages >= 0 as relpages, attname, pg_type.typname type_name, atttypmod type_modifier, pg_attribute.attndims ndim, attnum, pg_attribute.attnotnull as notnull, null constraint_id, null constraint_type, null constraint_key from pg_class join pg_namespace on relnamespace = pg_namespace.oid join pg_attribute on pg_class.oid = pg_attribute.attrelid join pg_type on atttypid = pg_type.oid where attnum > 0 and relkind in ('r', 'v', 'm', 'f', 'p') and pg_namespace.nspname = 'shop' union all select pg_namespace.oid is not null as namespace_id, relname, null relpages, null attname, null type_name, null type_modifier, null ndim, null attnum, null notnull, pg_constraint.oid is not null as constraint_id, contype constraint_type, conkey constraint_key from pg_class join pg_namespace on relnamespace = pg_namespace.oid join pg_constraint on pg_class.oid = pg_constraint.conrelid where relkind in ('r', 'v', 'm', 'f', 'p') and contype in ('p', 'u') and pg_namespace.nspname = 'shop' order by 2, 8 nulls last, 11;
-- duckdb postgres scanner: enums, composites, indexes
select 0 as oid, enumtypid is not null, typname, enumlabel from pg_enum join pg_type on enumtypid = pg_type.oid join pg_namespace on typnamespace = pg_namespace.oid where nspname = 'shop' order by enumsortorder;
-- duckdb postgres scanner: composites
select n.oid is not null, t.typrelid is not null as id, t.typname as type, pg_attribute.attname, sub_type.typname from pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace join pg_class on pg_class.oid = t.typrelid join pg_attribute on attrelid = t.typrelid join pg_type sub_type on pg_attribute.atttypid = sub_type.oid where pg_class.relkind = 'c' and t.typtype = 'c' and n.nspname = 'shop' order by n.oid, t.oid, attnum;
-- duckdb postgres scanner: indexes
select pg_namespace.oid is not null, tablename, indexname from pg_indexes join pg_namespace on (schemaname = nspname) where nspname = 'shop' order by pg_namespace.oid, 2, 3;
-- duckdb postgres scanner: version, schemas
select version() like '%PostgreSQL%', (select count(*) from pg_settings where name like 'rds%');
-- redash: columns
select s.nspname as table_schema, c.relname as table_name, a.attname as column_name, a.atttypid::regtype as column_type from pg_class c join pg_namespace s on c.relnamespace = s.oid and s.nspname not in ('pg_catalog', 'information_schema') join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped where c.relkind in ('m', 'f', 'p') or (c.relkind in ('r', 'v') and has_table_privilege(s.nspname || '.' || quote_ident(c.relname), 'select') and has_schema_privilege(s.nspname, 'usage') and s.nspname = 'shop') order by 1, 2, a.attnum;
-- looker: tables and columns
select table_schema, table_name, column_name, data_type, character_maximum_length, ordinal_position from information_schema.columns where table_schema not in ('information_schema', 'pg_catalog') and table_schema !~ '^pg_toast' and lower(table_name) in ('orders', 'customer') order by table_schema, table_name, ordinal_position;
-- looker: what runs
select pid is not null as pid, usename is not null, query is not null, state, coalesce(application_name, '') is not null from pg_stat_activity where pid = pg_backend_pid();
-- looker: a persistent table's rights
select has_schema_privilege(current_user, 'shop', 'create') and has_database_privilege(current_user, current_database(), 'temp') as ok;
-- qlik: owners
select distinct nspname as "TABLE_SCHEM", null as "TABLE_CATALOG" from pg_catalog.pg_namespace where nspname <> 'pg_toast' and (nspname !~ '^pg_temp_' or nspname = (pg_catalog.current_schemas(true))[1]) and (nspname !~ '^pg_toast_temp_' or nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_')) order by 1;
-- qlik (odbc): columns
select n.nspname, c.relname, a.attname, a.atttypid::regtype::text, t.typname, a.attnum, a.attlen, a.atttypmod, a.attnotnull, c.relhasrules, c.relkind, c.oid is not null as oid, pg_get_expr(d.adbin, d.adrelid), case t.typtype when 'd' then t.typbasetype else 0 end::regtype::text, t.typtypmod, case when a.attidentity <> '' then true else false end, a.attidentity from (((pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on n.oid = c.relnamespace and c.relname like 'orders' and n.nspname like 'shop') inner join pg_catalog.pg_attribute a on (not a.attisdropped) and a.attnum > 0 and a.attrelid = c.oid) inner join pg_catalog.pg_type t on t.oid = a.atttypid) left outer join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum order by n.nspname, c.relname, attnum;
-- odbc: tables
select relname, nspname, relkind from pg_catalog.pg_class c, pg_catalog.pg_namespace n where relkind in ('r', 'v', 'm', 'f', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'pg_temp_1') and n.oid = relnamespace order by nspname, relname;
-- odbc: primary keys
select ta.attname, ia.attnum, ic.relname, n.nspname, tc.relname from pg_catalog.pg_attribute ta, pg_catalog.pg_attribute ia, pg_catalog.pg_class tc, pg_catalog.pg_index i, pg_catalog.pg_namespace n, pg_catalog.pg_class ic where tc.relname = 'item' and n.nspname = 'shop' and tc.oid = i.indrelid and n.oid = tc.relnamespace and i.indisprimary = 't' and ia.attrelid = i.indexrelid and ta.attrelid = i.indrelid and ta.attnum = i.indkey[ia.attnum - 1] and (not ta.attisdropped) and (not ia.attisdropped) and ic.oid = i.indexrelid order by ia.attnum;
-- odbc: foreign keys
select 'x'::name as "PKTABLE_CAT", n2.nspname as "PKTABLE_SCHEM", c2.relname as "PKTABLE_NAME", a2.attname as "PKCOLUMN_NAME", n1.nspname as "FKTABLE_SCHEM", c1.relname as "FKTABLE_NAME", a1.attname as "FKCOLUMN_NAME", i::int2 as "KEY_SEQ", case ref.confupdtype when 'c' then 0::int2 when 'n' then 2::int2 when 'd' then 4::int2 when 'r' then 1::int2 else 3::int2 end as "UPDATE_RULE", case ref.confdeltype when 'c' then 0::int2 when 'n' then 2::int2 when 'd' then 4::int2 when 'r' then 1::int2 else 3::int2 end as "DELETE_RULE", ref.conname as "FK_NAME", cn.conname as "PK_NAME", case when ref.condeferrable then case when ref.condeferred then 5::int2 else 6::int2 end else 7::int2 end as "DEFERRABLITY"
from ((((((( (select cn.oid, conrelid, conkey, confrelid, confkey, generate_series(array_lower(conkey, 1), array_upper(conkey, 1)) as i, confupdtype, confdeltype, conname, condeferrable, condeferred from pg_catalog.pg_constraint cn, pg_catalog.pg_class c, pg_catalog.pg_namespace n where contype = 'f' and conrelid = c.oid and relname = 'item' and n.oid = c.relnamespace and n.nspname = 'shop') ref
inner join pg_catalog.pg_class c1 on c1.oid = ref.conrelid) inner join pg_catalog.pg_namespace n1 on n1.oid = c1.relnamespace) inner join pg_catalog.pg_attribute a1 on a1.attrelid = c1.oid and a1.attnum = conkey[i]) inner join pg_catalog.pg_class c2 on c2.oid = ref.confrelid) inner join pg_catalog.pg_namespace n2 on n2.oid = c2.relnamespace) inner join pg_catalog.pg_attribute a2 on a2.attrelid = c2.oid and a2.attnum = confkey[i]) left outer join pg_catalog.pg_constraint cn on cn.conrelid = ref.confrelid and cn.contype = 'p') order by ref.oid, ref.i;
-- odbc: statistics
select c.relname, i.indkey, i.indisunique, i.indisclustered, a.amname, c.relhasrules, n.nspname, c.oid is not null, i.indoption, true from pg_catalog.pg_index i, pg_catalog.pg_class c, pg_catalog.pg_class d, pg_catalog.pg_am a, pg_catalog.pg_namespace n where d.relname = 'orders' and n.nspname = 'shop' and n.oid = d.relnamespace and d.oid = i.indrelid and i.indexrelid = c.oid and c.relam = a.oid order by i.indisprimary desc, i.indisunique, n.nspname, c.relname;
-- odbc: large objects, types
select oid, typbasetype from pg_type where typname = 'lo';
-- retool: schema
select c.table_schema, c.table_name, c.column_name, c.data_type, c.udt_name, c.is_nullable, c.column_default, c.is_generated, tc.constraint_type from information_schema.columns c left join information_schema.key_column_usage k on k.table_schema = c.table_schema and k.table_name = c.table_name and k.column_name = c.column_name left join information_schema.table_constraints tc on tc.constraint_name = k.constraint_name and tc.table_schema = k.table_schema where c.table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, c.ordinal_position, 9;
-- pgcli: schemata, tables, columns
select nspname from pg_catalog.pg_namespace order by 1;
-- pgcli: columns
select nsp.nspname schema_name, cls.relname table_name, att.attname column_name, att.atttypid::regtype::text type_name, att.atthasdef as has_default, pg_catalog.pg_get_expr(def.adbin, def.adrelid, true) as default from pg_catalog.pg_attribute att inner join pg_catalog.pg_class cls on att.attrelid = cls.oid inner join pg_catalog.pg_namespace nsp on cls.relnamespace = nsp.oid left outer join pg_attrdef def on def.adrelid = att.attrelid and def.adnum = att.attnum where cls.relkind = any (array['r', 'p', 'f']) and not att.attisdropped and att.attnum > 0 and nsp.nspname in ('shop', 'tools_nosuch') order by 1, 2, att.attnum;
-- pgcli: foreign keys
select s_p.nspname as parentschema, t_p.relname as parenttable, unnest((select array_agg(attname order by i) from (select unnest(confkey) as attnum, generate_subscripts(confkey, 1) as i) x join pg_catalog.pg_attribute c using (attnum) where c.attrelid = fk.confrelid)) as parentcolumn, s_c.nspname as childschema, t_c.relname as childtable, unnest((select array_agg(attname order by i) from (select unnest(conkey) as attnum, generate_subscripts(conkey, 1) as i) x join pg_catalog.pg_attribute c using (attnum) where c.attrelid = fk.conrelid)) as childcolumn from pg_catalog.pg_constraint fk join pg_catalog.pg_class t_p on t_p.oid = fk.confrelid join pg_catalog.pg_namespace s_p on s_p.oid = t_p.relnamespace join pg_catalog.pg_class t_c on t_c.oid = fk.conrelid join pg_catalog.pg_namespace s_c on s_c.oid = t_c.relnamespace where fk.contype = 'f' order by 1, 2, 4, 5, 3;
-- pgcli: functions
select n.nspname schema_name, p.proname func_name, p.proargnames, coalesce(proallargtypes::regtype[], proargtypes::regtype[])::text[], p.proargmodes, prorettype::regtype::text return_type, p.prokind = 'a' is_aggregate, p.prokind = 'w' is_window, p.proretset is_set_returning, d.deptype = 'e' is_extension, pg_get_expr(proargdefaults, 0) as arg_defaults from pg_catalog.pg_proc p inner join pg_catalog.pg_namespace n on n.oid = p.pronamespace left join pg_depend d on d.objid = p.oid and d.deptype = 'e' where p.prorettype::regtype != 'trigger'::regtype and n.nspname = 'shop' order by 1, 2;
-- pgcli: datatypes
select n.nspname schema_name, t.typname type_name from pg_catalog.pg_type t inner join pg_catalog.pg_namespace n on n.oid = t.typnamespace where (t.typrelid = 0 or (select c.relkind = 'c' from pg_catalog.pg_class c where c.oid = t.typrelid)) and not exists (select 1 from pg_catalog.pg_type el where el.oid = t.typelem and el.typarray = t.oid) and n.nspname <> 'pg_catalog' and n.nspname <> 'information_schema' order by 1, 2;
-- pgcli: roles and search path
select rolname is not null, rolsuper is not null from pg_catalog.pg_roles where rolname = current_user;
-- alembic: heads
select pg_catalog.pg_class.relname from pg_catalog.pg_class join pg_catalog.pg_namespace on pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace where pg_catalog.pg_class.relname = 'alembic_version' and pg_catalog.pg_class.relkind = any (array['r', 'p', 'f', 'v', 'm']) and pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) and pg_catalog.pg_namespace.nspname != 'pg_catalog';
-- alembic: comments and identity
select pg_catalog.pg_attribute.attname as name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) as format_type, (select pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) as pg_get_expr_1 from pg_catalog.pg_attrdef where pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid and pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum and pg_catalog.pg_attribute.atthasdef) as default, pg_catalog.pg_attribute.attnotnull as not_null, pg_catalog.pg_class.relname as table_name, pg_catalog.pg_description.description as comment, pg_catalog.pg_attribute.attgenerated as generated, (select json_build_object('always', pg_catalog.pg_attribute.attidentity = 'a', 'start', pg_catalog.pg_sequence.seqstart, 'increment', pg_catalog.pg_sequence.seqincrement, 'minvalue', pg_catalog.pg_sequence.seqmin, 'maxvalue', pg_catalog.pg_sequence.seqmax, 'cache', pg_catalog.pg_sequence.seqcache, 'cycle', pg_catalog.pg_sequence.seqcycle) as json_build_object_1 from pg_catalog.pg_sequence where pg_catalog.pg_attribute.attidentity != '' and pg_catalog.pg_sequence.seqrelid = cast(cast(pg_catalog.pg_get_serial_sequence(cast(cast(pg_catalog.pg_attribute.attrelid as regclass) as text), pg_catalog.pg_attribute.attname) as regclass) as oid)) as identity_options from pg_catalog.pg_class left outer join pg_catalog.pg_attribute on pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid and pg_catalog.pg_attribute.attnum > 0 and not pg_catalog.pg_attribute.attisdropped left outer join pg_catalog.pg_description on pg_catalog.pg_description.objoid = pg_catalog.pg_attribute.attrelid and pg_catalog.pg_description.objsubid = pg_catalog.pg_attribute.attnum join pg_catalog.pg_namespace on pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace where pg_catalog.pg_class.relkind = any (array['r', 'p', 'f']) and pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) and pg_catalog.pg_namespace.nspname = 'shop' order by pg_catalog.pg_class.relname, pg_catalog.pg_attribute.attnum;
-- ecto: types
select t.oid, t.typname, t.typsend, t.typreceive, t.typoutput, t.typinput, coalesce(d.typelem, t.typelem), coalesce(r.rngsubtype, 0), array (select a.atttypid from pg_attribute as a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum) from pg_type as t left join pg_type as d on t.typbasetype = d.oid left join pg_range as r on r.rngtypid = t.oid or (t.typbasetype <> 0 and r.rngtypid = t.typbasetype) where (t.typrelid = 0) and (t.typelem = 0 or not exists (select 1 from pg_catalog.pg_type s where s.typrelid != 0 and s.oid = t.typelem)) and t.oid < 10000 and t.typname in ('int4', 'int8', 'text', 'bool', 'uuid', 'jsonb', '_int4', 'int4range', 'timestamptz') order by t.oid;
-- ecto: migrations table
select 1 from pg_tables where schemaname = any (current_schemas(false)) and tablename = 'schema_migrations';
-- laravel: tables
select c.relname as name, n.nspname as schema, pg_total_relation_size(c.oid) >= 0 as size, obj_description(c.oid, 'pg_class') as comment from pg_class c, pg_namespace n where c.relkind in ('r', 'p') and n.oid = c.relnamespace and n.nspname not in ('pg_catalog', 'information_schema') order by n.nspname, c.relname;
-- laravel: views
select viewname as name, schemaname as schema, definition from pg_views where schemaname not in ('pg_catalog', 'information_schema') order by 2, 1;
-- laravel: types
select t.typname as name, n.nspname as schema, t.typtype as type, t.typcategory as category, ((t.typinput = 'array_in'::regproc and t.typoutput = 'array_out'::regproc) or t.typtype = 'm') as implicit from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid left join pg_type el on el.oid = t.typelem left join pg_class ce on ce.oid = el.typrelid where ((t.typrelid = 0 and (ce.relkind = 'c' or ce.relkind is null)) or c.relkind = 'c') and not exists (select 1 from pg_depend d where d.objid in (t.oid, t.typelem) and d.deptype = 'e') and n.nspname not in ('pg_catalog', 'information_schema') order by 2, 1;
-- laravel: columns
select a.attname as name, t.typname as type_name, format_type(a.atttypid, a.atttypmod) as type, (select tc.collcollate from pg_catalog.pg_collation tc where tc.oid = a.attcollation) as collation, not a.attnotnull as nullable, (select pg_get_expr(adbin, adrelid) from pg_attrdef where c.oid = pg_attrdef.adrelid and pg_attrdef.adnum = a.attnum) as default, a.attgenerated as generated, col_description(c.oid, a.attnum) as comment from pg_attribute a, pg_class c, pg_type t, pg_namespace n where c.relname = 'customer' and n.nspname = 'shop' and a.attnum > 0 and a.attrelid = c.oid and a.atttypid = t.oid and n.oid = c.relnamespace order by a.attnum;
-- laravel: indexes
select ic.relname as name, string_agg(a.attname, ',' order by indseq.ord) as columns, am.amname as "type", i.indisunique as "unique", i.indisprimary as "primary" from pg_index i join pg_class tc on tc.oid = i.indrelid join pg_namespace tn on tn.oid = tc.relnamespace join pg_class ic on ic.oid = i.indexrelid join pg_am am on am.oid = ic.relam join lateral unnest(i.indkey) with ordinality as indseq(num, ord) on true left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = indseq.num where tc.relname = 'item' and tn.nspname = 'shop' group by ic.relname, am.amname, i.indisunique, i.indisprimary order by 1;
-- laravel: foreign keys
select c.conname as name, string_agg(la.attname, ',' order by conseq.ord) as columns, fn.nspname as foreign_schema, fc.relname as foreign_table, string_agg(fa.attname, ',' order by conseq.ord) as foreign_columns, c.confupdtype as on_update, c.confdeltype as on_delete from pg_constraint c join pg_class tc on c.conrelid = tc.oid join pg_namespace tn on tn.oid = tc.relnamespace join pg_class fc on c.confrelid = fc.oid join pg_namespace fn on fn.oid = fc.relnamespace join lateral unnest(c.conkey) with ordinality as conseq(num, ord) on true join pg_attribute la on la.attrelid = c.conrelid and la.attnum = conseq.num join pg_attribute fa on fa.attrelid = c.confrelid and fa.attnum = c.confkey[conseq.ord] where c.contype = 'f' and tc.relname = 'item' and tn.nspname = 'shop' group by c.conname, fn.nspname, fc.relname, c.confupdtype, c.confdeltype order by 1;
-- doctrine: columns
select quote_ident(a.attname) as field, t.typname as type, format_type(a.atttypid, a.atttypmod) as complete_type, (select tc.collcollate from pg_catalog.pg_collation tc where tc.oid = a.attcollation) as collation, (select t1.typname from pg_catalog.pg_type t1 where t1.oid = t.typbasetype) as domain_type, (select format_type(t2.typbasetype, t2.typtypmod) from pg_catalog.pg_type t2 where t2.typtype = 'd' and t2.oid = a.atttypid) as domain_complete_type, a.attnotnull as isnotnull, a.attidentity, (select 't' from pg_index where c.oid = pg_index.indrelid and pg_index.indkey[0] = a.attnum and pg_index.indisprimary = 't') as pri, (select pg_get_expr(adbin, adrelid) from pg_attrdef where c.oid = pg_attrdef.adrelid and pg_attrdef.adnum = a.attnum) as default, (select pg_description.description from pg_description where pg_description.objoid = c.oid and a.attnum = pg_description.objsubid) as comment from pg_attribute a inner join pg_class c on c.oid = a.attrelid inner join pg_type t on t.oid = a.atttypid inner join pg_namespace n on n.oid = c.relnamespace where a.attnum > 0 and c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relname = 'customer' order by a.attnum;
-- doctrine: indexes
select quote_ident(relname) as relname, pg_index.indisunique, pg_index.indisprimary, pg_index.indkey, pg_index.indrelid::regclass::text, pg_get_expr(indpred, indrelid) as where from pg_class, pg_index where oid in (select indexrelid from pg_index si, pg_class sc, pg_namespace sn where sn.nspname = any (current_schemas(false)) and sc.relname = 'orders' and sc.oid = si.indrelid and sc.relnamespace = sn.oid) and pg_index.indexrelid = oid order by 1;
-- doctrine: sequences and views
select sequence_name as relname, sequence_schema as schemaname, minimum_value as min_value, increment as increment_by from information_schema.sequences where sequence_catalog = current_database() and sequence_schema not like 'pg\_%' and sequence_schema != 'information_schema' order by 2, 1;
-- doctrine: foreign keys
select quote_ident(r.conname) as conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef from pg_catalog.pg_constraint r where r.conrelid in (select c.oid from pg_catalog.pg_class c, pg_catalog.pg_namespace n where n.nspname = any (string_to_array((select replace(replace(setting, '"$user"', user), ' ', '') from pg_catalog.pg_settings where name = 'search_path'), ',')) and c.relname = 'item' and n.oid = c.relnamespace) and r.contype = 'f' order by 1;
-- sqitch: registry
select exists(select true from pg_catalog.pg_namespace where nspname = 'sqitch'), (select count(*) from pg_catalog.pg_tables where schemaname = 'sqitch' and tablename = 'changes');
-- sqitch: statements
select pg_catalog.quote_ident('sqitch'), pg_catalog.current_setting('server_version_num')::int >= 90300, pg_advisory_lock(75474063) is not null, pg_advisory_unlock(75474063), to_char(timestamptz '2024-01-02 03:04:05+00' at time zone 'UTC', '"year":YYYY:"month":MM:"day":DD:"hour":HH24:"minute":MI:"second":SS:"time_zone":"UTC"');
-- grafana: tables, columns, kinds of columns
select case when quote_ident(table_schema) in (select case when trim(s[i]) = '"$user"' then user else trim(s[i]) end from generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1), array_upper(string_to_array(current_setting('search_path'), ','), 1)) as i, string_to_array(current_setting('search_path'), ',') s) then quote_ident(table_name) else quote_ident(table_schema) || '.' || quote_ident(table_name) end as "table" from information_schema.tables where quote_ident(table_schema) not in ('information_schema', 'pg_catalog', '_timescaledb_cache') order by 1;
-- grafana: columns
select quote_ident(column_name) as "column", data_type as "type" from information_schema.columns where case when array_length(parse_ident('shop.orders'), 1) = 2 then quote_ident(table_schema) = (parse_ident('shop.orders'))[1] and quote_ident(table_name) = (parse_ident('shop.orders'))[2] else quote_ident(table_name) = 'shop.orders' end order by ordinal_position;
-- grafana: a time series
select floor(extract(epoch from seen) / 60) * 60 as "time", count(*) as n from shop.customer where seen between '2000-01-01T00:00:00Z' and '2100-01-01T00:00:00Z' group by 1 order by 1 limit 0;
-- metabase: tables and columns
select n.nspname as schema, c.relname as name, d.description, case c.relkind when 'r' then 'TABLE' when 'p' then 'PARTITIONED TABLE' when 'v' then 'VIEW' when 'f' then 'FOREIGN TABLE' when 'm' then 'MATERIALIZED VIEW' end as type, c.reltuples >= -1 as rows from pg_catalog.pg_class c inner join pg_catalog.pg_namespace n on c.relnamespace = n.oid left join pg_catalog.pg_description d on c.oid = d.objoid and d.objsubid = 0 and d.classoid = 'pg_class'::regclass where c.relnamespace = n.oid and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'f', 'm') and c.relispartition = false order by type, schema, name;
-- metabase: fields
select c.column_name as name, case when c.udt_schema in ('shop', 'pg_catalog') then format('%s', c.udt_name) else format('"%s"."%s"', c.udt_schema, c.udt_name) end as database_type, c.ordinal_position - 1 as position, c.table_schema, c.table_name, pk.column_name is not null as pk, col_description(cast(cast(format('%I.%I', cast(c.table_schema as text), cast(c.table_name as text)) as regclass) as oid), cast(c.ordinal_position as integer)) as field_comment, ((c.column_default is null or lower(c.column_default) = 'null') and c.is_nullable = 'NO' and not (c.column_default is not null and c.column_default like '%nextval(%') and c.is_identity <> 'YES') as required, ((c.column_default is not null and c.column_default like '%nextval(%') or c.is_identity <> 'NO') as auto
from information_schema.columns as c left join (select tc.table_schema, tc.table_name, kc.column_name from information_schema.table_constraints as tc inner join information_schema.key_column_usage as kc on tc.constraint_name = kc.constraint_name and tc.table_schema = kc.table_schema and tc.table_name = kc.table_name where tc.constraint_type = 'PRIMARY KEY') as pk on c.table_schema = pk.table_schema and c.table_name = pk.table_name and c.column_name = pk.column_name where c.table_schema !~ '^information_schema|catalog_history|pg_' and c.table_schema in ('shop', 'tools_nosuch')
union all select pa.attname as name, case when ptn.nspname in ('shop', 'pg_catalog') then format('%s', pt.typname) else format('"%s"."%s"', ptn.nspname, pt.typname) end, pa.attnum - 1 as position, pn.nspname, pc.relname, false as pk, null as field_comment, false, false from pg_catalog.pg_class as pc inner join pg_catalog.pg_namespace as pn on pn.oid = pc.relnamespace inner join pg_catalog.pg_attribute as pa on pa.attrelid = pc.oid inner join pg_catalog.pg_type as pt on pt.oid = pa.atttypid inner join pg_catalog.pg_namespace as ptn on ptn.oid = pt.typnamespace where pc.relkind = 'm' and pa.attnum >= 1 order by table_schema, table_name, position;
-- metabase: foreign keys
select fk_ns.nspname as fk_table_schema, fk_table.relname as fk_table_name, fk_column.attname as fk_column_name, pk_ns.nspname as pk_table_schema, pk_table.relname as pk_table_name, pk_column.attname as pk_column_name from pg_constraint as c inner join pg_class as fk_table on c.conrelid = fk_table.oid inner join pg_namespace as fk_ns on c.connamespace = fk_ns.oid inner join pg_attribute as fk_column on c.conrelid = fk_column.attrelid inner join pg_class as pk_table on c.confrelid = pk_table.oid inner join pg_namespace as pk_ns on pk_table.relnamespace = pk_ns.oid inner join pg_attribute as pk_column on c.confrelid = pk_column.attrelid where fk_ns.nspname !~ '^information_schema|catalog_history|pg_' and c.contype = 'f' and fk_column.attnum = any (c.conkey) and pk_column.attnum = any (c.confkey) order by fk_table_schema, fk_table_name, fk_column_name, 6;
-- metabase: indexes
select tmp.table_schema, tmp.table_name, trim(both '"' from pg_catalog.pg_get_indexdef(tmp.ci_oid, tmp.pos, false)) as field_name from (select n.nspname as table_schema, ct.relname as table_name, ci.oid as ci_oid, (information_schema._pg_expandarray(i.indkey)).n as pos from pg_catalog.pg_class ct join pg_catalog.pg_namespace n on ct.relnamespace = n.oid join pg_catalog.pg_index i on ct.oid = i.indrelid join pg_catalog.pg_class ci on ci.oid = i.indexrelid where i.indpred is null and n.nspname !~ '^information_schema|catalog_history|pg_') tmp where tmp.pos = 1 order by 1, 2, 3;
-- metabase: privileges
with table_privileges as (select null as role, t.schemaname as schema, t.objectname as table, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') as update, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'select') as select, pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'insert') as insert, pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'delete') as delete from (select schemaname, tablename as objectname from pg_catalog.pg_tables union select schemaname, viewname as objectname from pg_views union select schemaname, matviewname as objectname from pg_matviews) t where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')) select t.* from table_privileges t order by 2, 3;
-- metabase: enums and time zone
select nspname, typname, array_agg(enumlabel order by enumsortorder)::text from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace group by 1, 2 order by 1, 2;
-- tableau: connection
select split_part(current_setting('server_version'), '.', 1), current_setting('standard_conforming_strings'), (select count(*) from pg_catalog.pg_proc where proname = 'st_asbinary');
-- tableau: by a cursor's columns
select "customer"."mood" as "mood", sum(1) as "cnt:ok", cast(date_trunc('month', cast("customer"."seen" as timestamp)) as date) is not null as "tmn:created:ok" from "shop"."customer" "customer" where (("customer"."name" >= 'a') and ("customer"."name" <= 'z')) group by 1, 3 having (count(1) > 0);
-- power bi: views and tables
select TABLE_CATALOG = current_database() as c, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE from INFORMATION_SCHEMA.tables where TABLE_SCHEMA not in ('information_schema', 'pg_catalog') order by TABLE_SCHEMA, TABLE_NAME;
-- power bi: columns
select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE from INFORMATION_SCHEMA.columns where TABLE_SCHEMA = 'shop' and TABLE_NAME = 'orders' order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION;
-- power bi: keys
select i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME as INDEX_NAME, ii.COLUMN_NAME, ii.ORDINAL_POSITION, case when i.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY from INFORMATION_SCHEMA.table_constraints i inner join INFORMATION_SCHEMA.key_column_usage ii on i.CONSTRAINT_SCHEMA = ii.CONSTRAINT_SCHEMA and i.CONSTRAINT_NAME = ii.CONSTRAINT_NAME and i.TABLE_SCHEMA = ii.TABLE_SCHEMA and i.TABLE_NAME = ii.TABLE_NAME where i.TABLE_SCHEMA = 'shop' and i.TABLE_NAME = 'item' and i.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE') order by i.CONSTRAINT_SCHEMA || '_' || i.CONSTRAINT_NAME, ii.TABLE_SCHEMA, ii.TABLE_NAME, ii.ORDINAL_POSITION;
-- power bi: relationships
select pkcol.COLUMN_NAME as PK_COLUMN_NAME, fkcol.TABLE_SCHEMA as FK_TABLE_SCHEMA, fkcol.TABLE_NAME as FK_TABLE_NAME, fkcol.COLUMN_NAME as FK_COLUMN_NAME, fkcol.ORDINAL_POSITION as ORDINAL, fkcon.CONSTRAINT_SCHEMA || '_' || fkcol.TABLE_NAME || '_' || 'customer' || '_' || fkcon.CONSTRAINT_NAME as FK_NAME from (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name from INFORMATION_SCHEMA.referential_constraints) fkcon inner join (select distinct TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, ORDINAL_POSITION from INFORMATION_SCHEMA.key_column_usage) fkcol on fkcon.CONSTRAINT_SCHEMA = fkcol.CONSTRAINT_SCHEMA and fkcon.CONSTRAINT_NAME = fkcol.CONSTRAINT_NAME inner join (select distinct TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, CONSTRAINT_SCHEMA, CONSTRAINT_NAME, ORDINAL_POSITION from INFORMATION_SCHEMA.key_column_usage) pkcol on fkcon.UNIQUE_CONSTRAINT_SCHEMA = pkcol.CONSTRAINT_SCHEMA and fkcon.UNIQUE_CONSTRAINT_NAME = pkcol.CONSTRAINT_NAME where pkcol.TABLE_SCHEMA = 'shop' and pkcol.TABLE_NAME = 'customer' and pkcol.ORDINAL_POSITION = fkcol.ORDINAL_POSITION order by FK_NAME, fkcol.ORDINAL_POSITION;
-- npgsql: types
select ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid from (select typ.oid, typ.typnamespace, typ.typname, typ.typtype, typ.typrelid, typ.typnotnull, typ.relkind, elemtyp.oid as elemtypoid, elemtyp.typname as elemtypname, elemcls.relkind as elemrelkind, case when elemproc.proname = 'array_recv' then 'a' else elemtyp.typtype end as elemtyptype, typ.typcategory from (select typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem as elemoid, typcategory, case when proc.proname = 'array_recv' then 'a' else typ.typtype end as typtype, case when proc.proname = 'array_recv' then typ.typelem when typ.typtype = 'r' then rngsubtype when typ.typtype = 'm' then (select rngtypid from pg_range where rngmultitypid = typ.oid) when typ.typtype = 'd' then typ.typbasetype end as elemtypoid from pg_type as typ left join pg_class as cls on (cls.oid = typ.typrelid) left join pg_proc as proc on proc.oid = typ.typreceive left join pg_range on (pg_range.rngtypid = typ.oid)) as typ left join pg_type as elemtyp on elemtyp.oid = elemtypoid left join pg_class as elemcls on (elemcls.oid = elemtyp.typrelid) left join pg_proc as elemproc on elemproc.oid = elemtyp.typreceive) as t join pg_namespace as ns on (ns.oid = typnamespace) where (typtype in ('b', 'r', 'm', 'e', 'd') or (typtype = 'c' and relkind = 'c') or (typtype = 'p' and typname in ('record', 'void', 'unknown')) or (typtype = 'a' and (elemtyptype in ('b', 'r', 'm', 'e', 'd') or (elemtyptype = 'p' and elemtypname in ('record', 'void')) or (elemtyptype = 'c' and elemrelkind = 'c')))) and t.oid < 16384 order by case when typtype in ('b', 'e', 'p') then 0 when typtype = 'c' then 1 when typtype = 'r' then 2 when typtype = 'm' then 3 when typtype = 'd' and elemtyptype <> 'a' then 4 when typtype = 'a' then 5 when typtype = 'd' and elemtyptype = 'a' then 6 end, t.oid;
-- npgsql: enum labels and composite fields
select pg_type.typname, enumlabel from pg_enum join pg_type on pg_type.oid = enumtypid order by pg_type.typname, enumsortorder;
-- npgsql: composite fields
select typ.typname, att.attname, att.atttypid::regtype::text from pg_type as typ join pg_namespace as ns on (ns.oid = typ.typnamespace) join pg_class as cls on (cls.oid = typ.typrelid) join pg_attribute as att on (att.attrelid = typ.typrelid) where (typ.typtype = 'c' and cls.relkind = 'c') and attnum > 0 and not att.attisdropped order by typ.oid, att.attnum;
-- pgadmin: what a role or a table may set
SELECT name, vartype, min_val, max_val, enumvals FROM pg_catalog.pg_show_all_settings() WHERE name IN ('work_mem', 'DateStyle', 'client_min_messages', 'vacuum_cost_delay') ORDER BY 1;
-- pgadmin: who refers to a table, by its checks
SELECT co.conname, cl.relname FROM pg_catalog.pg_depend dep JOIN pg_catalog.pg_constraint co ON co.oid = dep.objid JOIN pg_catalog.pg_class cl ON cl.oid = co.conrelid WHERE dep.refobjid = 'shop.orders'::regclass AND deptype = 'n';
-- pgadmin: a sequence's state
SELECT last_value, is_called FROM shop.ticket;
-- pgadmin: tablespaces and recovery
SELECT spcname, pg_catalog.pg_tablespace_size(oid) >= 0 AS sized, pg_catalog.pg_is_in_recovery() FROM pg_catalog.pg_tablespace;
-- atlas: comments of schemas
SELECT nspname, pg_catalog.obj_description(ns.oid) FROM pg_catalog.pg_namespace ns WHERE nspname = 'shop';
-- atlas: what an index's columns can do
SELECT i.relname, k.n, pg_catalog.pg_index_column_has_property(i.oid, k.n, 'desc') AS "desc", pg_catalog.pg_index_column_has_property(i.oid, k.n, 'nulls_first') AS nulls_first, pg_catalog.pg_index_column_has_property(i.oid, k.n, 'nulls_last') AS nulls_last, pg_catalog.pg_index_column_has_property(i.oid, k.n, 'returnable') AS returnable, pg_catalog.pg_index_column_has_property(i.oid, k.n, 'nothing') AS nothing, pg_catalog.pg_index_has_property(i.oid, 'clusterable') AS clusterable, pg_catalog.pg_index_has_property(i.oid, 'backward_scan') AS backward FROM pg_catalog.pg_index idx JOIN pg_catalog.pg_class i ON i.oid = idx.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace CROSS JOIN generate_series(0, 3) AS k (n) WHERE n.nspname = 'shop';
-- atlas: methods of indexes
SELECT amname, p, pg_catalog.pg_indexam_has_property(oid, p) FROM pg_catalog.pg_am, unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include', 'nothing']) AS p WHERE amtype = 'i';
-- schemacrawler: catalogs by their domain
SELECT current_database()::information_schema.sql_identifier AS catalog_name, nspname::information_schema.sql_identifier AS schema_name FROM pg_catalog.pg_namespace WHERE nspname = 'shop';
-- activerecord: whether lower() takes a type
SELECT exists(SELECT * FROM pg_proc WHERE proname = 'lower' AND proargtypes = ARRAY['text'::regtype]::oidvector) AS takes, exists(SELECT * FROM pg_proc INNER JOIN pg_cast ON ARRAY[casttarget]::oidvector = proargtypes WHERE proname = 'lower' AND castsource = 'varchar'::regtype) AS casts;
-- postgres exporter: ages
SELECT age(datfrozenxid) BETWEEN 0 AND 2000000000 AS age, mxid_age(datminmxid) BETWEEN 0 AND 2000000000 AS multixact_age FROM pg_database WHERE datname = current_database();
-- postgres exporter: archiver
SELECT archived_count, failed_count, last_archived_wal, stats_reset IS NOT NULL AS since FROM pg_stat_archiver;
-- postgres exporter: scans of indexes, where there are indexes
SELECT relname, idx_scan IS NULL AS without FROM pg_stat_user_tables WHERE schemaname = 'shop' AND relname IN ('best', 'orders');
