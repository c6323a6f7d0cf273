//! Schema commands that sqlparser reads otherwise than PostgreSQL, or not at all: roles and membership, sequences, and
//! some forms of ALTER.

use sqlparser::ast::DataType;
use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::role;
use super::sequence::{SequenceOptions, sequence_option, sequence_options};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{
    AlterDomain, AlterTable, Ddl, DropBehavior, NewPolicy, ObjectKind, PolicyChange, QualifiedName, RoleOptions,
    SequenceChange,
};

/// A command as it was read; names are still without namespaces.
#[derive(Debug, Clone)]
pub enum RawDdl {
    /// Nothing in it has a namespace: it is complete.
    Ready(Ddl),
    /// What ALTER TABLE, VIEW, SEQUENCE and INDEX have in common.
    AlterShared {
        kind: ObjectKind,
        name: QualifiedName,
        if_exists: bool,
        only: bool,
        action: AlterTable,
    },
    Partition(super::partition::RawAction),
    /// ALTER INDEX … ATTACH PARTITION.
    AttachIndex {
        name: QualifiedName,
        index: QualifiedName,
        if_exists: bool,
    },
    CreateSequence {
        name: QualifiedName,
        ty: Option<DataType>,
        change: SequenceChange,
        owned_by: Option<Option<(QualifiedName, Name)>>,
        if_not_exists: bool,
        temporary: bool,
    },
    AlterSequence {
        name: QualifiedName,
        ty: Option<DataType>,
        change: SequenceChange,
        owned_by: Option<Option<(QualifiedName, Name)>>,
        if_exists: bool,
    },
    CreateExtension {
        name: Name,
        if_not_exists: bool,
        namespace: Option<Name>,
        version: Option<String>,
    },
    /// REFRESH MATERIALIZED VIEW.
    Refresh {
        name: QualifiedName,
        concurrently: bool,
        with_data: bool,
    },
    AlterTypeOwner {
        name: QualifiedName,
        to: Name,
    },
    AlterTypeSchema {
        name: QualifiedName,
        to: Name,
    },
    AlterComposite {
        name: QualifiedName,
        changes: Vec<RawAttribute>,
    },
    CreateDomain {
        name: QualifiedName,
        ty: DataType,
        collation: Option<QualifiedName>,
        default: Option<String>,
        not_null: bool,
        /// Names, if given, and expressions over VALUE.
        checks: Vec<(Option<Name>, String)>,
    },
    AlterDomain {
        name: QualifiedName,
        change: AlterDomain,
    },
    DropDomain {
        names: Vec<QualifiedName>,
        if_exists: bool,
        behavior: DropBehavior,
    },
    CommentOnDomain {
        name: QualifiedName,
        /// One of its constraints.
        constraint: Option<Name>,
        comment: Option<String>,
    },
    CreatePolicy {
        table: QualifiedName,
        policy: NewPolicy,
    },
    AlterPolicy {
        table: QualifiedName,
        name: Name,
        change: PolicyChange,
    },
    DropPolicy {
        table: QualifiedName,
        name: Name,
        if_exists: bool,
    },
    GrantOnTypes(super::RawTypeGrant),
    Function(super::RawFunction),
    DropAbsent(super::DropAbsent),
    Statistics(super::RawStatistics),
    /// COMMENT ON a constraint or a policy of a table.
    CommentOnPart {
        kind: ObjectKind,
        table: QualifiedName,
        part: Name,
        comment: Option<String>,
    },
}

/// A change of a composite type's attribute.
#[derive(Debug, Clone)]
pub enum RawAttribute {
    Add { name: Name, ty: DataType },
    Drop { name: Name, if_exists: bool, behavior: DropBehavior },
    SetType { name: Name, ty: DataType },
    Rename { from: Name, to: Name },
}

/// Reads the command if it is one of ours. The cursor stands behind the first word, which is `word`.
pub fn parse(c: &mut Cursor<'_>, word: &str) -> Result<Option<RawDdl>> {
    let start = c.at;
    if let Some(function) = super::function::parse(c, word)? {
        c.end()?;
        return Ok(Some(RawDdl::Function(function)));
    }
    c.at = start;
    let found = match word {
        "create" => create(c)?,
        "alter" => alter(c)?,
        "drop" if c.eat("statistics") => Some(super::statistics::drop(c)?),
        "drop" => match super::absent::drop(c)? {
            Some(drop) => Some(RawDdl::DropAbsent(drop)),
            None => drop(c)?,
        },
        "grant" | "revoke" => membership(c, word == "revoke")?,
        "comment" => comment(c)?,
        _ => None,
    };
    match found {
        Some(found) => {
            c.end()?;
            Ok(Some(found))
        }
        None => {
            c.at = start;
            Ok(None)
        }
    }
}

/// REFRESH MATERIALIZED VIEW [CONCURRENTLY] name [WITH [NO] DATA].
pub fn refresh(c: &mut Cursor<'_>) -> Result<RawDdl> {
    c.expect("materialized")?;
    c.expect("view")?;
    let concurrently = c.eat("concurrently");
    let name = c.qualified()?;
    let with_data = !c.eat("with no data");
    if with_data {
        c.eat("with data");
    }
    c.end()?;
    Ok(RawDdl::Refresh { name, concurrently, with_data })
}

fn create(c: &mut Cursor<'_>) -> Result<Option<RawDdl>> {
    for (word, login) in [("role", false), ("group", false), ("user", true)] {
        if c.eat(word) && !c.is_word(0, "mapping") {
            let name = role::named(c)?;
            let mut options = RoleOptions { login: Some(login), ..RoleOptions::default() };
            role_options(c, &mut options)?;
            return Ok(Some(RawDdl::Ready(Ddl::CreateRole { name, options })));
        }
    }
    if c.eat("domain") {
        return super::domain::create(c).map(Some);
    }
    if c.eat("policy") {
        return super::policy::create(c).map(Some);
    }
    if c.eat("statistics") {
        return super::statistics::create(c).map(Some);
    }
    if c.eat("extension") {
        return super::extension::create(c).map(Some);
    }
    let temporary = c.eat("temporary") || c.eat("temp");
    if !c.eat("sequence") {
        return Ok(None);
    }
    let if_not_exists = c.eat("if not exists");
    let name = c.qualified()?;
    let mut options = SequenceOptions::default();
    sequence_options(c, &mut options)?;
    let SequenceOptions { ty, change, owned_by } = options;
    Ok(Some(RawDdl::CreateSequence { name, ty, change, owned_by, if_not_exists, temporary }))
}

fn alter(c: &mut Cursor<'_>) -> Result<Option<RawDdl>> {
    for word in ["role", "user", "group"] {
        if c.eat(word) {
            return alter_role(c).map(Some);
        }
    }
    if c.eat("default privileges") {
        return super::defaults::alter(c).map(|of| Some(RawDdl::Ready(Ddl::DefaultPrivileges(of))));
    }
    if c.eat("domain") {
        return super::domain::alter(c).map(Some);
    }
    if c.eat("policy") {
        return super::policy::alter(c).map(Some);
    }
    if c.eat("statistics") {
        return super::statistics::alter(c).map(Some);
    }
    if c.eat("extension") {
        return super::extension::alter(c).map(Some);
    }
    if c.eat("type") {
        return super::composite::alter(c);
    }
    let kinds = [
        ("sequence", ObjectKind::Sequence),
        ("view", ObjectKind::View),
        ("materialized view", ObjectKind::MaterializedView),
        ("index", ObjectKind::Index),
        ("table", ObjectKind::Table),
    ];
    let Some((_, kind)) = kinds.into_iter().find(|(word, _)| c.eat(word)) else { return Ok(None) };
    let if_exists = c.eat("if exists");
    let only = c.eat("only");
    let Ok(name) = c.qualified() else { return Ok(None) };
    if kind == ObjectKind::Table
        && let Some(found) = super::partition::action(c, &name, if_exists)?
    {
        return Ok(Some(found));
    }
    if kind == ObjectKind::Index && c.eat("attach partition") {
        return Ok(Some(RawDdl::AttachIndex { name, index: c.qualified()?, if_exists }));
    }
    let action = if c.eat("set schema") {
        AlterTable::SetNamespace { to: c.name()? }
    } else if kind != ObjectKind::Table && c.eat("owner to") {
        AlterTable::SetOwner { to: role::role(c)? }
    } else if kind != ObjectKind::Table && c.eat("rename to") {
        AlterTable::RenameTable { to: c.name()? }
    } else if matches!(kind, ObjectKind::View | ObjectKind::MaterializedView) && c.eat("rename") {
        c.eat("column");
        let from = c.name()?;
        c.expect("to")?;
        AlterTable::RenameColumn { from, to: c.name()? }
    } else if matches!(kind, ObjectKind::View | ObjectKind::Table)
        && let Some(action) = view_setting(c, kind)?
    {
        action
    } else if matches!(kind, ObjectKind::Table | ObjectKind::Sequence) && c.eat("set logged") {
        only_action(c, AlterTable::SetLogged(true))?
    } else if matches!(kind, ObjectKind::Table | ObjectKind::Sequence) && c.eat("set unlogged") {
        only_action(c, AlterTable::SetLogged(false))?
    } else if kind == ObjectKind::Sequence {
        let mut options = SequenceOptions::default();
        sequence_options(c, &mut options)?;
        let SequenceOptions { ty, change, owned_by } = options;
        return Ok(Some(RawDdl::AlterSequence { name, ty, change, owned_by, if_exists }));
    } else if matches!(kind, ObjectKind::Table | ObjectKind::MaterializedView | ObjectKind::Index)
        && let Some(tuning) = super::tuning::tuning(c)?
    {
        AlterTable::Tune(tuning)
    } else if kind == ObjectKind::Table && c.eat("alter constraint") {
        super::deferral::deferral(c)?
    } else if kind == ObjectKind::Table {
        let Some(action) = identity_action(c)? else { return Ok(None) };
        action
    } else {
        return Ok(None);
    };
    Ok(Some(RawDdl::AlterShared { kind, name, if_exists, only, action }))
}

/// An action that stands alone.
fn only_action(c: &Cursor<'_>, action: AlterTable) -> Result<AlterTable> {
    match c.is_end() {
        true => Ok(action),
        false => {
            Err(Error::unsupported("SET LOGGED and SET UNLOGGED beside other actions")
                .hint("Write them by themselves."))
        }
    }
}

/// What ALTER VIEW sets; with ALTER TABLE only what names a view's option, the rest being for tables.
fn view_setting(c: &mut Cursor<'_>, kind: ObjectKind) -> Result<Option<AlterTable>> {
    let named = c.is_word(2, "security_invoker") || c.is_word(2, "security_barrier");
    if kind == ObjectKind::View || named { super::view::alter(c) } else { Ok(None) }
}

/// `ALTER [COLUMN] c DROP {IDENTITY | EXPRESSION} [IF EXISTS]`, and `SET GENERATED …`, `SET option` and `RESTART` of an
/// identity, one or several.
fn identity_action(c: &mut Cursor<'_>) -> Result<Option<AlterTable>> {
    if !c.eat("alter") {
        return Ok(None);
    }
    c.eat("column");
    let column = c.name()?;
    if c.eat("drop expression") {
        return Ok(Some(AlterTable::DropExpression { column, if_exists: c.eat("if exists") }));
    }
    if !c.eat("drop identity") {
        return altered_identity(c, column);
    }
    let if_exists = c.eat("if exists");
    Ok(Some(AlterTable::SetIdentity { column, always: None, options: None, sequence: None, if_exists }))
}

fn altered_identity(c: &mut Cursor<'_>, column: Name) -> Result<Option<AlterTable>> {
    let (mut always, mut options, mut some) = (None, SequenceOptions::default(), false);
    loop {
        if c.eat("set generated always") {
            always = Some(true);
        } else if c.eat("set generated by default") {
            always = Some(false);
        } else if c.is_word(0, "restart") || OPTIONS.iter().any(|word| c.is_word(1, word)) && c.eat("set") {
            if !sequence_option(c, &mut options)? {
                return Err(c.error());
            }
        } else {
            break;
        }
        some = true;
    }
    if !some {
        return Ok(None);
    }
    if !c.is_end() {
        return Err(Error::unsupported("ALTER COLUMN of an identity beside other actions").hint("Write it by itself."));
    }
    let SequenceOptions { change, .. } = options;
    Ok(Some(AlterTable::AlterIdentity { column, always, change }))
}

/// What `SET` before one of these is about.
const OPTIONS: [&str; 8] = ["increment", "minvalue", "maxvalue", "no", "start", "restart", "cache", "cycle"];

fn alter_role(c: &mut Cursor<'_>) -> Result<RawDdl> {
    if c.eat("all") {
        return Err(Error::unsupported("ALTER ROLE ALL"));
    }
    let name = role::role(c)?;
    let ddl = if c.eat("rename to") {
        Ddl::RenameRole { name, to: c.name()? }
    } else if c.is_word(0, "set") || c.is_word(0, "reset") || c.is_word(0, "in") {
        alter_role_set(c, name)?
    } else if c.is_word(0, "add") || c.is_word(0, "drop") {
        let revoke = c.eat("drop");
        c.eat("add");
        c.expect("user")?;
        Ddl::GrantRole { roles: vec![name], members: role::roles(c)?, admin: false, revoke, grantor: None, alter: true }
    } else {
        let mut options = RoleOptions::default();
        role_options(c, &mut options)?;
        Ddl::AlterRole { name, options }
    };
    Ok(RawDdl::Ready(ddl))
}

/// `[IN DATABASE d] SET …` or `RESET …`.
fn alter_role_set(c: &mut Cursor<'_>, name: Name) -> Result<Ddl> {
    let database = if c.eat("in database") { Some(c.name()?) } else { None };
    if c.eat("set") {
        let setting = setting_name(c)?;
        if !c.eat("to") {
            c.expect_token(&Token::Eq)?;
        }
        let value = if c.eat("default") { None } else { Some(setting_value(c)?) };
        return Ok(Ddl::AlterRoleSet { name, database, setting: Some(setting), value });
    }
    c.expect("reset")?;
    let setting = if c.eat("all") { None } else { Some(setting_name(c)?) };
    Ok(Ddl::AlterRoleSet { name, database, setting, value: None })
}

fn setting_name(c: &mut Cursor<'_>) -> Result<Name> {
    if c.eat("time zone") {
        return Ok("timezone".into());
    }
    let first = c.name()?;
    if c.eat_token(&Token::Period) {
        let second = c.name()?;
        return Ok(format!("{first}.{second}").into());
    }
    Ok(first)
}

/// A value, or several with commas (search_path).
fn setting_value(c: &mut Cursor<'_>) -> Result<String> {
    let mut values = Vec::new();
    loop {
        values.push(match c.string() {
            Ok(text) => text,
            Err(_) => match c.signed_number() {
                Ok(number) => number,
                Err(_) => any_word(c)?,
            },
        });
        if !c.eat_token(&Token::Comma) {
            return Ok(values.join(", "));
        }
    }
}

/// A word, reserved or not (`on`, `default_tablespace`).
pub(super) fn any_word(c: &mut Cursor<'_>) -> Result<String> {
    match c.peek() {
        Some(Token::Word(word)) => {
            c.at += 1;
            Ok(if word.quote_style.is_some() { format!("\"{}\"", word.value) } else { word.value.to_lowercase() })
        }
        _ => Err(c.error()),
    }
}

fn role_options(c: &mut Cursor<'_>, options: &mut RoleOptions) -> Result<()> {
    c.eat("with");
    while !c.is_end() {
        role_option(c, options)?;
    }
    Ok(())
}

fn role_option(c: &mut Cursor<'_>, options: &mut RoleOptions) -> Result<()> {
    for yes in [true, false] {
        let no = if yes { "" } else { "no" };
        let mut flag = |word: &str, field: &mut Option<bool>| {
            let found = c.eat(&format!("{no}{word}"));
            if found {
                *field = Some(yes);
            }
            found
        };
        if flag("superuser", &mut options.superuser)
            || flag("login", &mut options.login)
            || flag("inherit", &mut options.inherit)
            || flag("createrole", &mut options.create_role)
            || flag("createdb", &mut options.create_db)
            || flag("bypassrls", &mut options.bypass_rls)
        {
            return Ok(());
        }
    }
    if c.eat("noreplication") {
        return Ok(());
    }
    if c.eat("replication") {
        return Err(Error::unsupported("REPLICATION"));
    }
    c.eat("encrypted");
    if c.eat("password") {
        options.password = Some(if c.eat("null") { None } else { Some(c.string()?) });
    } else if c.eat("connection limit") {
        let text = c.signed_number()?;
        options.connection_limit = Some(text.parse().map_err(|_| c.error())?);
    } else if c.eat("valid until") {
        options.valid_until = Some(c.string()?);
    } else if c.eat("sysid") {
        // PostgreSQL reads it for old dumps, and does nothing with it.
        c.signed_number()?;
    } else if c.eat("in role") || c.eat("in group") {
        options.member_of.extend(names(c)?);
    } else if c.eat("role") || c.eat("user") {
        options.members.extend(names(c)?);
    } else if c.is_word(0, "admin") {
        return Err(Error::unsupported("CREATE ROLE … ADMIN").hint("Use GRANT … WITH ADMIN OPTION afterwards."));
    } else {
        return Err(match c.peek() {
            Some(Token::Word(word)) => {
                Error::syntax(format!("unrecognized role option \"{}\"", word.value.to_lowercase())).at(c.position())
            }
            _ => c.error(),
        });
    }
    Ok(())
}

fn names(c: &mut Cursor<'_>) -> Result<Vec<Name>> {
    let mut list = vec![c.name()?];
    while c.eat_token(&Token::Comma) {
        list.push(c.name()?);
    }
    Ok(list)
}

/// DROP of roles, domains and policies.
fn drop(c: &mut Cursor<'_>) -> Result<Option<RawDdl>> {
    if c.eat("owned by") {
        return role::drop_owned(c).map(Some);
    }
    if c.eat("policy") {
        return super::policy::drop(c).map(Some);
    }
    if c.eat("extension") {
        return super::extension::drop(c).map(Some);
    }
    if c.eat("domain") {
        let if_exists = c.eat("if exists");
        let mut names = vec![c.qualified()?];
        while c.eat_token(&Token::Comma) {
            names.push(c.qualified()?);
        }
        let behavior = if c.eat("cascade") { DropBehavior::Cascade } else { DropBehavior::Restrict };
        c.eat("restrict");
        return Ok(Some(RawDdl::DropDomain { names, if_exists, behavior }));
    }
    if !(c.eat("role") || c.eat("user") || c.eat("group")) {
        return Ok(None);
    }
    let if_exists = c.eat("if exists");
    let names = role::roles(c)?;
    if names.iter().any(|name| matches!(&**name, role::CURRENT | role::SESSION | "public")) {
        let message = "cannot use special role specifier in DROP ROLE";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(Some(RawDdl::Ready(Ddl::DropRole { names, if_exists })))
}

/// `GRANT a, b TO c [WITH ADMIN OPTION]`, `REVOKE [ADMIN OPTION FOR] a FROM c`: no ON in it; and what names types.
fn membership(c: &mut Cursor<'_>, revoke: bool) -> Result<Option<RawDdl>> {
    if let Some(on) = (c.at..c.tokens.len()).find(|i| c.is_word(i - c.at, "on")) {
        let start = std::mem::replace(&mut c.at, on + 1);
        return super::domain::granted(c, revoke, start);
    }
    let mut admin = revoke && c.eat("admin option for");
    let granted = names(c)?;
    c.expect(if revoke { "from" } else { "to" })?;
    let members = role::roles(c)?;
    if !revoke {
        admin = c.eat("with admin option");
    }
    // REVOKE of a membership does not look at it (before PostgreSQL 16).
    let grantor = if c.eat("granted by") { Some(role::role(c)?).filter(|_| !revoke) } else { None };
    if revoke {
        let _ = c.eat("cascade") || c.eat("restrict");
    }
    Ok(Some(RawDdl::Ready(Ddl::GrantRole { roles: granted, members, admin, revoke, grantor, alter: false })))
}

/// `COMMENT ON CONSTRAINT c ON [DOMAIN] t IS …`, `COMMENT ON POLICY p ON t IS …`, `COMMENT ON DOMAIN d IS …`.
fn comment(c: &mut Cursor<'_>) -> Result<Option<RawDdl>> {
    if c.eat("on domain") {
        let name = c.qualified()?;
        c.expect("is")?;
        let comment = if c.eat("null") { None } else { Some(c.string()?) };
        return Ok(Some(RawDdl::CommentOnDomain { name, constraint: None, comment }));
    }
    if c.eat("on statistics") {
        return super::statistics::comment(c).map(Some);
    }
    let kind = match () {
        () if c.eat("on constraint") => ObjectKind::Constraint,
        () if c.eat("on policy") => ObjectKind::Policy,
        () => return Ok(None),
    };
    let part = c.name()?;
    c.expect("on")?;
    let domain = kind == ObjectKind::Constraint && c.eat("domain");
    let of = c.qualified()?;
    c.expect("is")?;
    let comment = if c.eat("null") { None } else { Some(c.string()?) };
    Ok(Some(match domain {
        true => RawDdl::CommentOnDomain { name: of, constraint: Some(part), comment },
        false => RawDdl::CommentOnPart { kind, table: of, part, comment },
    }))
}
