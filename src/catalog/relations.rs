//! The relations of the two system namespaces, as the registry's snapshot lists them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use crate::facts;
use crate::registry::privileges::PUBLIC;
use crate::registry::{Acl, Column, Grant, Managed, Name, Privileges, Relation, RelationKind, builtin, predefined};
use crate::types::{Oid, PgType};

/// View definitions in PostgreSQL's SQL: one file each.
macro_rules! views {
    ($($name:literal,)*) => {
        const VIEWS: &[(&str, &str)] = &[$(($name, include_str!(concat!("views/", $name, ".sql"))),)*];
    };
}

views! {
    "information_schema.administrable_role_authorizations",
    "information_schema.applicable_roles",
    "information_schema.character_sets",
    "information_schema.check_constraints",
    "information_schema.collation_character_set_applicability",
    "information_schema.collations",
    "information_schema.column_domain_usage",
    "information_schema.column_privileges",
    "information_schema.column_udt_usage",
    "information_schema.columns",
    "information_schema.constraint_column_usage",
    "information_schema.constraint_table_usage",
    "information_schema.domain_constraints",
    "information_schema.domain_udt_usage",
    "information_schema.attributes",
    "information_schema.domains",
    "information_schema.user_defined_types",
    "information_schema.element_types",
    "information_schema.enabled_roles",
    "information_schema.information_schema_catalog_name",
    "information_schema.key_column_usage",
    "information_schema.parameters",
    "information_schema.referential_constraints",
    "information_schema.role_column_grants",
    "information_schema.role_routine_grants",
    "information_schema.role_table_grants",
    "information_schema.role_usage_grants",
    "information_schema.routine_column_usage",
    "information_schema.routine_privileges",
    "information_schema.routine_routine_usage",
    "information_schema.routine_sequence_usage",
    "information_schema.routine_table_usage",
    "information_schema.routines",
    "information_schema.schemata",
    "information_schema.sequences",
    "information_schema.table_constraints",
    "information_schema.table_privileges",
    "information_schema.tables",
    "information_schema.usage_privileges",
    "information_schema.view_table_usage",
    "information_schema.views",
    "pg_catalog.pg_available_extension_versions",
    "pg_catalog.pg_group",
    "pg_catalog.pg_indexes",
    "pg_catalog.pg_locks",
    "pg_catalog.pg_matviews",
    "pg_catalog.pg_policies",
    "pg_catalog.pg_sequences",
    "pg_catalog.pg_shadow",
    "pg_catalog.pg_stat_all_indexes",
    "pg_catalog.pg_stat_all_tables",
    "pg_catalog.pg_stat_archiver",
    "pg_catalog.pg_stat_bgwriter",
    "pg_catalog.pg_stat_database",
    "pg_catalog.pg_stat_database_conflicts",
    "pg_catalog.pg_stat_gssapi",
    "pg_catalog.pg_stat_ssl",
    "pg_catalog.pg_stat_sys_indexes",
    "pg_catalog.pg_stat_sys_tables",
    "pg_catalog.pg_stat_user_indexes",
    "pg_catalog.pg_stat_user_tables",
    "pg_catalog.pg_stat_xact_all_tables",
    "pg_catalog.pg_stat_xact_sys_tables",
    "pg_catalog.pg_stat_xact_user_tables",
    "pg_catalog.pg_statio_all_indexes",
    "pg_catalog.pg_statio_all_sequences",
    "pg_catalog.pg_statio_all_tables",
    "pg_catalog.pg_statio_sys_indexes",
    "pg_catalog.pg_statio_sys_sequences",
    "pg_catalog.pg_statio_sys_tables",
    "pg_catalog.pg_statio_user_indexes",
    "pg_catalog.pg_statio_user_sequences",
    "pg_catalog.pg_statio_user_tables",
    "pg_catalog.pg_tables",
    "pg_catalog.pg_user",
    "pg_catalog.pg_views",
}

/// The definition of a system view; `None` for system tables and empty views.
pub fn view_definition(namespace: &str, name: &str) -> Option<&'static str> {
    VIEWS
        .iter()
        .find(|(key, _)| key.strip_prefix(namespace).and_then(|k| k.strip_prefix('.')) == Some(name))
        .map(|(_, text)| *text)
}

/// Those of the system's relations that are views in PostgreSQL.
static SYSTEM_VIEWS: LazyLock<HashSet<Oid>> = LazyLock::new(|| {
    let table = &*facts::SYSTEM_RELATION_ROWS;
    let views = table.rows.iter().filter(|row| table.get(row, "relkind") == Some("v"));
    views.filter_map(|row| table.get(row, "oid")?.parse().ok()).collect()
});

/// True for a view of PostgreSQL's, whether or not it is one here.
pub fn is_system_view(relation: Oid) -> bool {
    SYSTEM_VIEWS.contains(&relation)
}

static RELATIONS: LazyLock<Vec<Arc<Relation>>> = LazyLock::new(|| {
    let columns = &*facts::SYSTEM_COLUMN_ROWS;
    let table = &*facts::SYSTEM_RELATION_ROWS;
    let num = |s: Option<&str>| s.and_then(|s| s.parse::<i64>().ok()).unwrap_or(0);
    let mut by_relation: HashMap<(&str, &str), Vec<Column>> = HashMap::new();
    for row in &columns.rows {
        let text = |c: &str| columns.get(row, c).unwrap_or_default();
        by_relation.entry((text("nspname"), text("relname"))).or_default().push(Column {
            num: num(columns.get(row, "attnum")) as i16,
            name: text("attname").into(),
            ty: PgType::with(num(columns.get(row, "atttypid")) as Oid, num(columns.get(row, "atttypmod")) as i32),
            collation: 0,
            not_null: text("attnotnull") == "t",
            default: None,
            identity: None,
            generated: None,
            acl: Acl::default(),
            comment: None,
        });
    }
    table
        .rows
        .iter()
        .map(|row| {
            let text = |c: &str| table.get(row, c).unwrap_or_default();
            let (namespace, name) = (text("nspname"), text("relname"));
            let kind = match view_definition(namespace, name) {
                Some(definition) => RelationKind::View {
                    definition: definition.to_owned(),
                    search_path: vec![Name::from("pg_catalog")],
                },
                None => RelationKind::System,
            };
            Arc::new(Relation {
                oid: num(table.get(row, "oid")) as Oid,
                namespace: namespace.into(),
                name: name.into(),
                owner: builtin::SUPERUSER,
                managed: Managed::System,
                temporary: false,
                kind,
                columns: by_relation.remove(&(namespace, name)).unwrap_or_default(),
                constraints: Vec::new(),
                indexes: Vec::new(),
                acl: acl(name),
                comment: table.get(row, "description").map(str::to_owned),
                row_type: num(table.get(row, "reltype")) as Oid,
                row_array_type: 0,
                on_conflict: Default::default(),
                storage: Default::default(),
                last_dropped: 0,
                partitioning: Default::default(),
                details: Default::default(),
                rules: Default::default(),
            })
        })
        .chain([Arc::new(super::audit::relation(acl(super::audit::NAME)))])
        .collect()
});

/// What PostgreSQL keeps from ordinary roles: password verifiers, other users' data in statistics.
const HIDDEN: &[&str] = &[
    "pg_authid",
    "pg_user_mapping",
    "pg_statistic",
    "pg_largeobject",
    "pg_subscription",
    "pg_shadow",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_file_settings",
    "pg_config",
    "pg_backend_memory_contexts",
    "pg_shmem_allocations",
    "pg_replication_origin_status",
    "pg_statistic_ext_data",
    super::audit::NAME,
];

/// What of these pg_read_all_stats may read.
const STATISTICS: &[&str] = &["pg_backend_memory_contexts", "pg_shmem_allocations"];

fn acl(name: &str) -> Acl {
    // No list at all would be everybody's.
    let (grantee, privileges) = match HIDDEN.contains(&name) {
        true => (builtin::SUPERUSER, Privileges::ALL_TABLE),
        false => (PUBLIC, Privileges::SELECT),
    };
    let grant =
        |grantee, privileges| Grant { grantee, grantor: builtin::SUPERUSER, privileges, with_grant: Privileges::NONE };
    let mut list = vec![grant(grantee, privileges)];
    if STATISTICS.contains(&name) {
        list.push(grant(predefined::READ_ALL_STATS, Privileges::SELECT));
    }
    Acl(list)
}

/// All tables and views of pg_catalog and information_schema, for the registry's first snapshot.
pub fn relations() -> &'static [Arc<Relation>] {
    &RELATIONS
}
