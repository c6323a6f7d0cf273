//! The snapshot that the cases are analyzed against: the tables of schema.sql, built in code, and the system relations.

use std::sync::Arc;

use duckgate::catalog;
use duckgate::registry::draft::{NewColumn, NewConstraint, NewConstraintKind, NewTable, OnCommit};
use duckgate::registry::{
    Acl, Change, Column, Managed, Name, Namespace, Relation, RelationKind, Snapshot, UserType, UserTypeKind, bootstrap,
    build, builtin,
};
use duckgate::sql::analyze::analyze;
use duckgate::sql::{CompiledBody, Context, Dialect, compile, ddl, parse};
use duckgate::tree::Statement;
use duckgate::types::name::parse_type;
use duckgate::types::{OutputSettings, PgType};

/// Tables: name, columns (name, type, default, not null), primary key, unique columns.
type Definition =
    (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)], &'static [&'static str]);

const TABLES: &[Definition] = &[
    (
        "public",
        "members",
        &[
            ("id", "integer", "nextval('public.members_id_seq')"),
            ("email", "varchar(120)", ""),
            ("display_name", "text", ""),
            ("nation", "char(2)", "'DE'"),
            ("balance", "numeric(12,2)", "0"),
            ("enabled", "boolean", "true"),
            ("birthday", "date", ""),
            ("joined_at", "timestamp with time zone", "now()"),
        ],
        &["id"],
    ),
    (
        "public",
        "goods",
        &[
            ("code", "varchar(20)", ""),
            ("zone", "smallint", ""),
            ("label", "text", ""),
            ("cost", "numeric(10,2)", ""),
            ("mass", "double precision", ""),
            ("share_of", "real", ""),
            ("marks", "text[]", ""),
            ("extra", "json", ""),
            ("ident", "uuid", ""),
            ("image", "bytea", ""),
            ("stocked", "timestamp without time zone", "'2024-01-01 00:00:00'"),
            ("opens", "time without time zone", ""),
        ],
        &["code", "zone"],
    ),
    (
        "public",
        "tickets",
        &[
            ("id", "bigint", ""),
            ("member_id", "integer", ""),
            ("state", "public.ticket_state", "'new'"),
            ("opened_on", "date", "'2024-06-01'"),
            ("remark", "text", ""),
        ],
        &["id"],
    ),
    (
        "public",
        "ticket_lines",
        &[
            ("ticket_id", "bigint", ""),
            ("line_no", "integer", ""),
            ("code", "varchar(20)", ""),
            ("zone", "smallint", ""),
            ("amount", "integer", ""),
            ("fee", "numeric(10,2)", ""),
        ],
        &["ticket_id", "line_no"],
    ),
    ("plan", "goals", &[("year", "integer", ""), ("zone", "smallint", ""), ("quota", "bigint", "")], &["year", "zone"]),
    (
        "Camel Space",
        "Mixed Table",
        &[
            ("Id", "integer", ""),
            ("select", "text", ""),
            ("naïve col", "varchar(10)", ""),
            ("another_name", "integer", ""),
        ],
        &["Id"],
    ),
    ("public", "pairs", &[("a", "integer", ""), ("b", "text", "")], &[]),
];

const TICKET_SUMS: &str = "SELECT t.id, t.member_id, sum(l.amount * l.fee) AS total, count(*) AS line_count
  FROM public.tickets t JOIN public.ticket_lines l ON l.ticket_id = t.id GROUP BY t.id, t.member_id";
const ACTIVE_MEMBERS: &str = "SELECT id, email, display_name FROM public.members WHERE enabled";

/// A context over the fixture, as a superuser with the usual search path.
pub fn context() -> Context {
    Context {
        snapshot: Arc::new(snapshot()),
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
        search_path: Arc::from(["pg_catalog".into(), "public".into()]),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::Postgres,
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        told: None,
        probed: false,
        scratch: 0,
        shaped: Default::default(),
        given: Default::default(),
        touched: Default::default(),
    }
}

/// A context over what a file of DDL statements makes, by our own DDL analysis; other statements are passed over.
pub fn context_of(schema: &str) -> Context {
    let mut snapshot = bootstrap::snapshot("analyze_cases", "postgres");
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(Arc::clone(relation)));
    }
    let mut ctx = Context { snapshot: Arc::new(snapshot), ..context() };
    for statement in parse(schema).expect("a schema that parses") {
        let Statement::Ddl(_) = analyze(&statement, &ctx, &[]).expect("a schema that is analyzed").statement else {
            continue;
        };
        match compile(&statement, &ctx, &[]).map(|c| c.body) {
            Ok(CompiledBody::Ddl(permit)) => {
                let changes = ddl::plan(&permit, &ctx).expect("a plan").changes;
                ctx.snapshot = Arc::new(ctx.snapshot.apply(&changes));
            }
            other => println!("passed over: {} ({:?})", statement.text, other.err()),
        }
    }
    ctx
}

fn snapshot() -> Snapshot {
    let mut snapshot = bootstrap::snapshot("analyze_cases", "postgres");
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(Arc::clone(relation)));
    }
    for name in ["plan", "Camel Space"] {
        let oid = snapshot.counters.allocate_oid();
        snapshot.apply_in_place(&Change::PutNamespace(Arc::new(Namespace {
            oid,
            name: name.into(),
            owner: builtin::SUPERUSER,
            acl: Acl::default(),
            comment: None,
            managed: Managed::Sql,
        })));
    }
    let state = UserType {
        oid: snapshot.counters.allocate_oid(),
        array_oid: snapshot.counters.allocate_oid(),
        namespace: "public".into(),
        name: "ticket_state".into(),
        owner: builtin::SUPERUSER,
        managed: Managed::Sql,
        kind: UserTypeKind::Enum { labels: ["new", "paid", "waiting", "closed"].map(Name::from).into() },
        acl: Default::default(),
        comment: None,
        constraint_comments: Vec::new(),
        label_places: Vec::new(),
        fresh_labels: Vec::new(),
    };
    snapshot.apply_in_place(&Change::PutType(Arc::new(state)));
    let sequence = plain(&snapshot, "public", "members_id_seq", RelationKind::Sequence(build::default_sequence(20)));
    snapshot.apply_in_place(&Change::PutRelation(Arc::new(sequence)));
    for definition in TABLES {
        let draft = draft(definition, &snapshot);
        let built = build::table(&snapshot, &draft, builtin::SUPERUSER, &Managed::Sql).expect("a table");
        snapshot.apply_in_place(&Change::PutRelation(Arc::new(built.table)));
    }
    for (namespace, name, definition, columns) in [
        (
            "public",
            "ticket_sums",
            TICKET_SUMS,
            &[("id", "bigint"), ("member_id", "integer"), ("total", "numeric"), ("line_count", "bigint")][..],
        ),
        (
            "plan",
            "active_members",
            ACTIVE_MEMBERS,
            &[("id", "integer"), ("email", "varchar(120)"), ("display_name", "text")],
        ),
    ] {
        let kind = RelationKind::View { definition: definition.into(), search_path: vec!["public".into()] };
        let mut view = plain(&snapshot, namespace, name, kind);
        let typed = columns
            .iter()
            .enumerate()
            .map(|(i, (n, t))| column(i as i16 + 1, n, parse_type(t, &snapshot).expect("a type")));
        view.columns = typed.collect();
        snapshot.apply_in_place(&Change::PutRelation(Arc::new(view)));
    }
    snapshot
}

fn draft(definition: &Definition, snapshot: &Snapshot) -> NewTable {
    let (namespace, name, columns, key) = definition;
    let columns = columns
        .iter()
        .map(|(name, ty, default)| NewColumn {
            name: (*name).into(),
            ty: parse_type(ty, snapshot).expect("a type"),
            collation: 0,
            not_null: key.contains(name),
            default: (!default.is_empty()).then(|| (*default).to_owned()),
            generated: None,
            sequence: None,
            sequence_options: None,
        })
        .collect();
    let constraint = |kind| NewConstraint {
        name: None,
        kind,
        included: Vec::new(),
        deferrable: false,
        initially_deferred: false,
        not_valid: false,
        no_inherit: false,
        delete_sets: Vec::new(),
    };
    let mut constraints = Vec::new();
    if !key.is_empty() {
        let columns = key.iter().map(|k| Name::from(*k)).collect();
        constraints.push(constraint(NewConstraintKind::PrimaryKey { columns }));
    }
    if *name == "members" {
        let columns = vec!["email".into()];
        constraints.push(constraint(NewConstraintKind::Unique { columns, nulls_not_distinct: false }));
    }
    NewTable {
        namespace: (*namespace).into(),
        name: (*name).into(),
        temporary: false,
        unlogged: false,
        columns,
        constraints,
        on_commit: OnCommit::PreserveRows,
        partitioning: Default::default(),
        options: Vec::new(),
    }
}

fn plain(snapshot: &Snapshot, namespace: &str, name: &str, kind: RelationKind) -> Relation {
    Relation {
        oid: snapshot.counters.allocate_oid(),
        namespace: namespace.into(),
        name: name.into(),
        owner: builtin::SUPERUSER,
        managed: Managed::Sql,
        temporary: false,
        kind,
        columns: Vec::new(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl: Acl::default(),
        comment: None,
        row_type: snapshot.counters.allocate_oid(),
        row_array_type: snapshot.counters.allocate_oid(),
        on_conflict: Default::default(),
        storage: Default::default(),
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
        rules: Default::default(),
    }
}

fn column(num: i16, name: &str, ty: PgType) -> Column {
    Column {
        num,
        name: name.into(),
        ty,
        collation: 0,
        not_null: false,
        default: None,
        identity: None,
        generated: None,
        acl: Acl::default(),
        comment: None,
    }
}
