//! From a [`draft`](super::draft) to objects: OIDs given out, names chosen, references resolved, and PostgreSQL's errors
//! about what does not fit together.

use super::draft::{NewColumn, NewConstraint, NewConstraintKind, NewExclusion, NewTable};
use super::{
    Acl, Column, Constraint, ConstraintKind, Details, Identity, Index, IndexKey, Managed, Name, OnConflictDefault,
    Relation, RelationKind, Sequence, Snapshot, Storage, expression, names,
};
use crate::error::{Error, Result, SqlState};
use crate::types::{Oid, PgType, oid};

/// The most columns that a table may have, as in PostgreSQL.
pub const MAX_COLUMNS: usize = 1600;

/// A table and the sequences that its serial and identity columns own.
pub struct Built {
    pub table: Relation,
    pub sequences: Vec<Relation>,
}

/// Fails with 54011 for more columns than PostgreSQL has in a table.
pub fn check_number_of_columns(number: usize) -> Result<()> {
    if number <= MAX_COLUMNS {
        return Ok(());
    }
    let message = format!("tables can have at most {MAX_COLUMNS} columns");
    Err(Error::new(SqlState::TOO_MANY_COLUMNS, message))
}

/// Makes a table's objects. `snapshot` has everything that it may refer to.
pub fn table(snapshot: &Snapshot, draft: &NewTable, owner: Oid, managed: &Managed) -> Result<Built> {
    let NewTable { namespace, name, temporary, unlogged, columns, constraints, on_commit: _, partitioning, options } =
        draft;
    check_number_of_columns(columns.len())?;
    let counters = &snapshot.counters;
    let mut relation = Relation {
        oid: counters.allocate_oid(),
        namespace: namespace.clone(),
        name: name.clone(),
        owner,
        managed: managed.clone(),
        temporary: *temporary,
        kind: RelationKind::Table,
        columns: Vec::new(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl: Acl::default(),
        comment: None,
        row_type: counters.allocate_oid(),
        row_array_type: counters.allocate_oid(),
        on_conflict: OnConflictDefault::Error,
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: partitioning.clone(),
        details: Details { unlogged: *unlogged, options: options.clone(), ..Details::default() },
        rules: Default::default(),
    };
    let mut sequences = Vec::new();
    for draft in columns {
        let (column, sequence) = self::column(snapshot, &relation, draft, &sequences)?;
        relation.columns.push(column);
        sequences.extend(sequence);
    }
    // Primary keys first, then the rest in order: PostgreSQL names them so.
    let is_primary = |c: &&NewConstraint| matches!(c.kind, NewConstraintKind::PrimaryKey { .. });
    for draft in constraints.iter().filter(is_primary).chain(constraints.iter().filter(|c| !is_primary(c))) {
        add_constraint(snapshot, &mut relation, draft)?;
    }
    Ok(Built { table: relation, sequences })
}

/// Makes a column, and the sequence of a serial or identity one. `made` are sequences whose names are taken already.
pub fn column(
    snapshot: &Snapshot,
    relation: &Relation,
    draft: &NewColumn,
    made: &[Relation],
) -> Result<(Column, Option<Relation>)> {
    let NewColumn { name, ty, collation, not_null, default, generated, sequence, sequence_options } = draft;
    if relation.columns.iter().any(|c| c.name == *name) {
        let message = format!("column \"{name}\" specified more than once");
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
    }
    if SYSTEM_COLUMNS.contains(&&**name) {
        let message = format!("column name \"{name}\" conflicts with a system column name");
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
    }
    let num = next_column_number(relation)?;
    let mut column = Column {
        num,
        name: name.clone(),
        ty: *ty,
        collation: *collation,
        not_null: *not_null || sequence.is_some(),
        default: default.clone(),
        identity: None,
        generated: generated.clone(),
        acl: Acl::default(),
        comment: None,
    };
    let Some(identity) = sequence else { return Ok((column, None)) };
    let owned = owned_sequence(snapshot, relation, &column, sequence_options.clone(), made)?;
    match identity {
        Some(always) => column.identity = Some(Identity { always: *always, sequence: owned.oid }),
        None => column.default = Some(next_value_text(&owned)),
    }
    Ok((column, Some(owned)))
}

/// Names that every table has already.
pub const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// attnums are never used again: the next one comes after all that there are and were.
fn next_column_number(relation: &Relation) -> Result<i16> {
    let highest = relation.columns.iter().map(|c| c.num).max().unwrap_or(0).max(relation.last_dropped);
    highest.checked_add(1).ok_or_else(|| Error::new(SqlState::TOO_MANY_COLUMNS, "the table has no column number left"))
}

/// The default of a serial column.
pub fn next_value_text(sequence: &Relation) -> String {
    let name = if &*sequence.namespace == "public" {
        expression::quote(&sequence.name)
    } else {
        format!("{}.{}", expression::quote(&sequence.namespace), expression::quote(&sequence.name))
    };
    format!("nextval('{}'::regclass)", name.replace('\'', "''"))
}

/// The sequence of a serial or identity column, named `table_column_seq`.
pub fn owned_sequence(
    snapshot: &Snapshot,
    relation: &Relation,
    column: &Column,
    options: Option<Sequence>,
    made: &[Relation],
) -> Result<Relation> {
    if !matches!(column.ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
        let message = "identity column type must be smallint, integer, or bigint";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let taken = |name: &str| {
        name == &*relation.name
            || snapshot.relation_name_taken(&relation.namespace, name)
            || made.iter().any(|s| &*s.name == name)
    };
    let name = names::choose(&relation.name, Some(&column.name), "seq", taken);
    let mut definition = options.unwrap_or_else(|| default_sequence(column.ty.oid));
    definition.ty = column.ty.oid;
    definition.owned_by = Some((relation.oid, column.num));
    Ok(sequence(snapshot, relation.namespace.clone(), name, definition, relation))
}

/// An ascending sequence over the positive values of an integer type.
pub fn default_sequence(ty: Oid) -> Sequence {
    let max = match ty {
        oid::INT2 => i64::from(i16::MAX),
        oid::INT4 => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    Sequence { ty, start: 1, increment: 1, min: 1, max, cache: 1, cycle: false, owned_by: None, count: None }
}

/// What a sequence shows when it is read.
pub(super) fn sequence_columns() -> Vec<Column> {
    let column = |num, name: &str, ty| Column {
        num,
        name: name.into(),
        ty: PgType::new(ty),
        not_null: true,
        collation: 0,
        default: None,
        identity: None,
        generated: None,
        acl: Acl::default(),
        comment: None,
    };
    vec![column(1, "last_value", oid::INT8), column(2, "log_cnt", oid::INT8), column(3, "is_called", oid::BOOL)]
}

/// A sequence's relation, owned and managed as `like` is.
fn sequence(snapshot: &Snapshot, namespace: Name, name: Name, definition: Sequence, like: &Relation) -> Relation {
    Relation {
        oid: snapshot.counters.allocate_oid(),
        namespace,
        name,
        owner: like.owner,
        managed: like.managed.clone(),
        temporary: like.temporary,
        kind: RelationKind::Sequence(definition),
        columns: sequence_columns(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl: Acl::default(),
        comment: None,
        row_type: 0,
        row_array_type: 0,
        on_conflict: OnConflictDefault::Error,
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: Default::default(),
        details: Details { unlogged: like.details.unlogged, ..Details::default() },
        rules: Default::default(),
    }
}

/// Adds a constraint (with its index, for keys) to the relation. Gives its position in `constraints`.
pub fn add_constraint(snapshot: &Snapshot, relation: &mut Relation, draft: &NewConstraint) -> Result<usize> {
    let NewConstraint { name, kind, included, deferrable, initially_deferred, not_valid, no_inherit, delete_sets: _ } =
        draft;
    if matches!(kind, NewConstraintKind::Exclusion(_)) && (relation.is_partitioned() || relation.is_partition()) {
        let message = "exclusion constraints are not supported on partitioned tables";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    let index = match kind {
        NewConstraintKind::Exclusion(new) => Some(exclusion_index(snapshot, relation, new)?),
        _ => None,
    };
    let kind = resolve_kind(snapshot, relation, kind)?;
    let delete_sets = draft.delete_sets_in(relation, &kind)?;
    let included = included.iter().map(|name| key_column(relation, name)).collect::<Result<Vec<_>>>()?;
    let name = match (name, &index) {
        (Some(name), _) => check_name(snapshot, relation, name, &kind)?,
        (None, Some(index)) => exclusion_name(snapshot, relation, index),
        (None, None) => choose_name(snapshot, relation, &kind.covering(&included)),
    };
    relation.indexes.extend(index.map(|index| Index { name: name.clone(), ..index }));
    if let ConstraintKind::PrimaryKey { columns } = &kind {
        for column in &mut relation.columns {
            column.not_null |= columns.contains(&column.num);
        }
    }
    if let ConstraintKind::PrimaryKey { columns } | ConstraintKind::Unique { columns, .. } = &kind {
        relation.indexes.push(Index {
            oid: snapshot.counters.allocate_oid(),
            name: name.clone(),
            unique: true,
            keys: columns.iter().map(|column| IndexKey::of_column(*column)).collect(),
            predicate: None,
            nulls_not_distinct: matches!(&kind, ConstraintKind::Unique { nulls_not_distinct: true, .. }),
            reads: Vec::new(),
            method: "btree".into(),
            included,
            of_constraint: true,
            comment: None,
            parent: None,
            options: Vec::new(),
        });
    }
    relation.constraints.push(Constraint {
        oid: snapshot.counters.allocate_oid(),
        name,
        kind,
        deferrable: *deferrable,
        initially_deferred: *initially_deferred,
        validated: !*not_valid,
        no_inherit: *no_inherit,
        delete_sets,
        comment: None,
        parent: None,
    });
    Ok(relation.constraints.len() - 1)
}

/// Names to numbers; what a key or foreign key demands of its columns.
fn resolve_kind(snapshot: &Snapshot, relation: &Relation, kind: &NewConstraintKind) -> Result<ConstraintKind> {
    match kind {
        NewConstraintKind::PrimaryKey { columns } => {
            if relation.primary_key().is_some() {
                let message = format!("multiple primary keys for table \"{}\" are not allowed", relation.name);
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
            Ok(ConstraintKind::PrimaryKey { columns: key_columns(relation, columns, "primary key")? })
        }
        NewConstraintKind::Unique { columns, nulls_not_distinct } => Ok(ConstraintKind::Unique {
            columns: key_columns(relation, columns, "unique")?,
            nulls_not_distinct: *nulls_not_distinct,
        }),
        NewConstraintKind::Check { expression } => {
            let names: Vec<Name> = relation.columns.iter().map(|c| c.name.clone()).collect();
            let columns = expression::columns_named(expression, &names);
            let columns = columns.into_iter().map(|i| relation.columns[i].num).collect();
            Ok(ConstraintKind::Check { expression: expression.clone(), columns })
        }
        NewConstraintKind::Exclusion(new) => {
            let index = exclusion_index(snapshot, relation, new)?;
            let mut columns: Vec<i16> = index.keys.iter().map(|key| key.column).filter(|num| *num != 0).collect();
            columns.extend(index.reads.iter().copied());
            columns.sort_unstable();
            columns.dedup();
            let operators = new.elements.iter().map(|element| element.operator_oid).collect();
            Ok(ConstraintKind::Exclusion { columns, operators })
        }
        NewConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update, match_full } => {
            let (columns, target, target_columns) = foreign_key(snapshot, relation, columns, target, target_columns)?;
            Ok(ConstraintKind::ForeignKey {
                columns,
                target,
                target_columns,
                on_delete: *on_delete,
                on_update: *on_update,
                match_full: *match_full,
            })
        }
    }
}

/// The index of EXCLUDE, still without a name.
fn exclusion_index(snapshot: &Snapshot, relation: &Relation, new: &NewExclusion) -> Result<Index> {
    let names: Vec<Name> = relation.columns.iter().map(|c| c.name.clone()).collect();
    let mut keys = Vec::with_capacity(new.elements.len());
    let mut texts: Vec<&str> = new.predicate.as_deref().into_iter().collect();
    for element in &new.elements {
        let key = match &element.column {
            Some(name) => {
                let message = || format!("column \"{name}\" named in key does not exist");
                let column = relation.column(name);
                let column = column.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message()))?;
                IndexKey::of_column(column.num)
            }
            None => {
                texts.extend(element.expression.as_deref());
                IndexKey {
                    expression: element.expression.clone(),
                    name: element.name.clone(),
                    ..IndexKey::of_column(0)
                }
            }
        };
        keys.push(IndexKey { opclass: element.opclass.clone(), ..key });
    }
    let mut reads: Vec<i16> = texts
        .iter()
        .flat_map(|text| expression::columns_named(text, &names))
        .map(|at| relation.columns[at].num)
        .collect();
    reads.sort_unstable();
    reads.dedup();
    Ok(Index {
        oid: snapshot.counters.allocate_oid(),
        name: "".into(),
        unique: false,
        keys,
        predicate: new.predicate.clone(),
        nulls_not_distinct: false,
        reads,
        method: new.method.clone(),
        included: Vec::new(),
        of_constraint: true,
        comment: None,
        parent: None,
        options: Vec::new(),
    })
}

/// t_a_b_excl
fn exclusion_name(snapshot: &Snapshot, relation: &Relation, index: &Index) -> Name {
    let columns = index_columns(relation, index);
    let taken = |name: &str| {
        name == &*relation.name
            || relation.constraints.iter().any(|c| &*c.name == name)
            || relation.indexes.iter().any(|i| &*i.name == name)
            || snapshot.relation_name_taken(&relation.namespace, name)
    };
    names::choose(&relation.name, Some(&names::join_columns(columns.iter().map(|name| &**name))), "excl", taken)
}

fn key_columns(relation: &Relation, names: &[Name], what: &str) -> Result<Vec<i16>> {
    let mut numbers = Vec::new();
    for name in names {
        let number = key_column(relation, name)?;
        if numbers.contains(&number) {
            let message = format!("column \"{name}\" appears twice in {what} constraint");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

fn key_column(relation: &Relation, name: &Name) -> Result<i16> {
    let message = || format!("column \"{name}\" named in key does not exist");
    let column = relation.column(name).ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message()))?;
    Ok(column.num)
}

type ForeignKey = (Vec<i16>, Oid, Vec<i16>);

fn foreign_key(
    snapshot: &Snapshot,
    relation: &Relation,
    columns: &[Name],
    target: &(Name, Name),
    target_columns: &[Name],
) -> Result<ForeignKey> {
    let itself = relation.namespace == target.0 && relation.name == target.1;
    let found = snapshot.relation(&target.0, &target.1);
    let Some(target) = (if itself { Some(relation) } else { found.map(|r| &**r) }) else {
        return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", target.1)));
    };
    if !matches!(target.kind, RelationKind::Table) {
        let message = format!("referenced relation \"{}\" is not a table", target.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    if target.is_partition() {
        let what = format!("a foreign key that refers to partition \"{}\"", target.name);
        return Err(Error::unsupported(what).hint("Let it refer to the partitioned table."));
    }
    let persistence = |r: &Relation| (r.temporary, r.details.unlogged);
    let unlogged_to_logged = relation.details.unlogged && persistence(target) == (false, false);
    if persistence(target) != persistence(relation) && !unlogged_to_logged {
        let message = match persistence(relation) {
            (true, _) => "constraints on temporary tables may reference only temporary tables",
            (false, true) => "constraints on unlogged tables may reference only permanent or unlogged tables",
            (false, false) => "constraints on permanent tables may reference only permanent tables",
        };
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    }
    let number = |relation: &Relation, name: &Name| {
        relation.column(name).map(|c| c.num).ok_or_else(|| {
            let message = format!("column \"{name}\" referenced in foreign key constraint does not exist");
            Error::new(SqlState::UNDEFINED_COLUMN, message)
        })
    };
    let own = columns.iter().map(|c| number(relation, c)).collect::<Result<Vec<_>>>()?;
    let targets = if target_columns.is_empty() {
        match target.primary_key().map(|c| &c.kind) {
            Some(ConstraintKind::PrimaryKey { columns }) => columns.clone(),
            _ => {
                let message = format!("there is no primary key for referenced table \"{}\"", target.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            }
        }
    } else {
        target_columns.iter().map(|c| number(target, c)).collect::<Result<Vec<_>>>()?
    };
    if own.len() != targets.len() {
        let message = "number of referencing and referenced columns for foreign key disagree";
        return Err(Error::new(SqlState::INVALID_FOREIGN_KEY, message));
    }
    match keys_over(target, &targets) {
        Keys::Usable => {}
        Keys::Deferrable => {
            let what = if target_columns.is_empty() { "primary key" } else { "unique constraint" };
            let message = format!("cannot use a deferrable {what} for referenced table \"{}\"", target.name);
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        Keys::None => {
            let message =
                format!("there is no unique constraint matching given keys for referenced table \"{}\"", target.name);
            return Err(Error::new(SqlState::INVALID_FOREIGN_KEY, message));
        }
    }
    Ok((own, target.oid, targets))
}

/// What a table has of keys over some columns.
enum Keys {
    Usable,
    /// Only one that is checked late.
    Deferrable,
    None,
}

/// Is there a primary key or unique index over exactly these columns, in any order?
fn keys_over(relation: &Relation, columns: &[i16]) -> Keys {
    let mut wanted = columns.to_vec();
    wanted.sort_unstable();
    let of_them = relation.indexes.iter().filter(|i| i.unique && i.predicate.is_none()).filter(|index| {
        let mut keys: Vec<i16> = index.keys.iter().map(|k| k.column).collect();
        keys.sort_unstable();
        keys == wanted
    });
    let late = |name: &str| relation.constraints.iter().any(|c| *c.name == *name && c.deferrable);
    let mut found = Keys::None;
    for index in of_them {
        if !(index.of_constraint && late(&index.name)) {
            return Keys::Usable;
        }
        found = Keys::Deferrable;
    }
    found
}

fn check_name(snapshot: &Snapshot, relation: &Relation, name: &Name, kind: &ConstraintKind) -> Result<Name> {
    if relation.constraints.iter().any(|c| c.name == *name) {
        let message = format!("constraint \"{name}\" for relation \"{}\" already exists", relation.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
    }
    let is_key = matches!(
        kind,
        ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclusion { .. }
    );
    // An index that the same command took away (USING INDEX, DROP CONSTRAINT) has left its name.
    let left = snapshot.index(&relation.namespace, name).is_some_and(|(table, _)| {
        table.oid == relation.oid && !relation.indexes.iter().any(|index| index.name == *name)
    });
    let taken = || relation.name == *name || (!left && snapshot.relation_name_taken(&relation.namespace, name));
    if is_key && taken() {
        return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
    }
    Ok(name.clone())
}

/// The name that PostgreSQL gives: t_pkey, t_a_b_key, t_a_fkey, t_a_check (t_check over several columns).
pub fn choose_name(snapshot: &Snapshot, relation: &Relation, kind: &ConstraintKind) -> Name {
    let own = |name: &str| relation.constraints.iter().any(|c| &*c.name == name);
    let relation_taken = |name: &str| {
        own(name)
            || name == &*relation.name
            || relation.indexes.iter().any(|i| &*i.name == name)
            || snapshot.relation_name_taken(&relation.namespace, name)
    };
    let constraint_taken = |name: &str| own(name) || snapshot.constraint_name_taken(&relation.namespace, name);
    let joined = |columns: &[i16]| {
        names::join_columns(columns.iter().filter_map(|n| relation.column_by_num(*n)).map(|c| &*c.name))
    };
    match kind {
        ConstraintKind::PrimaryKey { .. } => names::choose(&relation.name, None, "pkey", relation_taken),
        ConstraintKind::Unique { columns, .. } => {
            names::choose(&relation.name, Some(&joined(columns)), "key", relation_taken)
        }
        ConstraintKind::Exclusion { columns, .. } => {
            names::choose(&relation.name, Some(&joined(columns)), "excl", relation_taken)
        }
        ConstraintKind::ForeignKey { columns, .. } => {
            names::choose(&relation.name, Some(&joined(columns)), "fkey", constraint_taken)
        }
        ConstraintKind::Check { columns, .. } => match columns.as_slice() {
            [one] => names::choose(&relation.name, Some(&joined(&[*one])), "check", constraint_taken),
            _ => names::choose(&relation.name, None, "check", constraint_taken),
        },
    }
}

/// The name of an index without one: t_a_b_idx.
pub fn index_name(snapshot: &Snapshot, relation: &Relation, index: &Index) -> Name {
    let columns = index_columns(relation, index);
    let taken = |name: &str| snapshot.relation_name_taken(&relation.namespace, name);
    names::choose(&relation.name, Some(&names::join_columns(columns.iter().map(|name| &**name))), "idx", taken)
}

/// What an index's columns are called, each otherwise (ChooseIndexColumnNames).
pub fn index_columns(relation: &Relation, index: &Index) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::with_capacity(index.keys.len());
    let keys = index.keys.iter().map(|key| (key.column, key.name.clone()));
    for (column, given) in keys.chain(index.included.iter().map(|column| (*column, None))) {
        let own = relation.column_by_num(column).map(|column| column.name.clone());
        let first = own.or(given).unwrap_or_else(|| "expr".into());
        let mut name = first.clone();
        let mut n = 0;
        while names.contains(&name) {
            n += 1;
            name = format!("{first}{n}").into();
        }
        names.push(name);
    }
    names
}

/// A sequence by itself (CREATE SEQUENCE).
pub fn free_sequence(
    snapshot: &Snapshot,
    key: (Name, Name),
    definition: Sequence,
    owner: Oid,
    temporary: bool,
    managed: Managed,
) -> Relation {
    let like = Relation {
        oid: 0,
        namespace: key.0.clone(),
        name: key.1.clone(),
        owner,
        managed,
        temporary,
        kind: RelationKind::Table,
        columns: Vec::new(),
        constraints: Vec::new(),
        indexes: Vec::new(),
        acl: Acl::default(),
        comment: None,
        row_type: 0,
        row_array_type: 0,
        on_conflict: OnConflictDefault::Error,
        storage: Storage::Numbered,
        last_dropped: 0,
        partitioning: Default::default(),
        details: Default::default(),
        rules: Default::default(),
    };
    sequence(snapshot, key.0, key.1, definition, &like)
}
