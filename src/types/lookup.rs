//! What the codecs need to know about types and objects that users defined; the registry's snapshot answers.

use std::sync::Arc;

use super::coded::range::RangeType;
use super::{Oid, PgType};

/// A type that a user defined.
#[derive(Debug, Clone, PartialEq)]
pub struct UserTypeInfo {
    /// As `format_type` prints it: quoted where needed, qualified where not visible.
    pub name: String,
    /// The type of an array of this; 0 if none.
    pub array: Oid,
    pub kind: UserTypeInfoKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum UserTypeInfoKind {
    Enum {
        labels: Arc<[Arc<str>]>,
    },
    Domain {
        base: PgType,
    },
    /// An array of another type; `delimiter` is always a comma for user types.
    Array {
        element: Oid,
    },
    /// A range, or its multirange.
    Range {
        of: RangeType,
        multi: bool,
    },
    /// The row type of a relation: names and types of its columns.
    Composite {
        fields: Vec<(Arc<str>, PgType)>,
    },
}

/// Finds user-defined types. Every method but the first has a default that knows only PostgreSQL's own objects.
pub trait TypeLookup {
    /// The user-defined type with this OID (of the type itself or of its array).
    fn user_type(&self, oid: Oid) -> Option<UserTypeInfo>;

    /// The user-defined type that this name means; without a namespace, along the search path.
    fn user_type_named(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let _ = (namespace, name);
        None
    }

    /// What stands before the names of an extension's types, quoted where needed; `None` where they are visible.
    fn extension_qualifier(&self, extension: &str) -> Option<String> {
        let _ = extension;
        None
    }

    /// The text of a value of `regclass`, `regrole`, `regnamespace` … (`kind` is the type's OID) for a user's object.
    fn object_name(&self, kind: Oid, object: Oid) -> Option<String> {
        let _ = (kind, object);
        None
    }

    /// May who asks know what is in that namespace (USAGE)?
    fn may_look_into(&self, namespace: &str) -> bool {
        let _ = namespace;
        true
    }

    /// The object that the text of a `regclass` … value names; `None` if there is none.
    fn object_named(&self, kind: Oid, name: &str) -> Option<Oid> {
        let _ = (kind, name);
        None
    }
}

/// The lookup that knows PostgreSQL's own types only.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinTypes;

impl TypeLookup for BuiltinTypes {
    fn user_type(&self, _oid: Oid) -> Option<UserTypeInfo> {
        None
    }
}
