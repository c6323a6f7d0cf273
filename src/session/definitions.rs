//! Definitions as pg_get_viewdef and its kin print them: made by the compiler, kept as long as the snapshot is read.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::engine::directory::{Deparsed, Printed};
use crate::registry::Name;
use crate::sql::deparse::{self, Style};
use crate::sql::{Context, analyze};
use crate::types::Oid;

/// How many definitions are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

#[derive(PartialEq, Eq, Hash)]
struct Key {
    snapshot: u64,
    path: Arc<[Name]>,
    relation: Oid,
    /// None for a view's query and a function's body.
    text: Option<Box<str>>,
    pretty: bool,
}

/// The definitions that were printed last.
pub struct Definitions {
    printed: Mutex<LruCache<Key, Option<Printed>>>,
}

impl Default for Definitions {
    fn default() -> Self {
        Self { printed: Mutex::new(LruCache::new(KEPT)) }
    }
}

impl Definitions {
    /// `None` for what the compiler cannot print: the kept text must do.
    pub fn print(&self, what: Deparsed<'_>, pretty: bool, cx: &Context) -> Option<Printed> {
        let (relation, text) = match what {
            Deparsed::View(relation) | Deparsed::Body(relation) => (relation, None),
            Deparsed::Expression { text, relation } => (relation, Some(text)),
        };
        let key = Key {
            snapshot: cx.snapshot.version,
            path: Arc::clone(&cx.search_path),
            relation,
            text: text.map(Box::from),
            pretty,
        };
        if let Some(printed) = self.printed.lock().get(&key) {
            return printed.clone();
        }
        let printed = print(relation, text, Style::of(pretty), cx);
        self.printed.lock().put(key, printed.clone());
        printed
    }
}

fn print(relation: Oid, text: Option<&str>, style: Style, cx: &Context) -> Option<Printed> {
    let seen = cx.seen();
    let printed = match text {
        Some(text) => deparse::stored::kept_expression(text, relation, cx, &seen, style),
        None if cx.snapshot.function_by_oid(relation).is_some() => {
            let function = cx.snapshot.function_by_oid(relation)?;
            analyze::body::shown(function, cx, &seen, style).map(|text| (text, false))
        }
        None => {
            let view = cx.snapshot.relation_by_oid(relation)?;
            deparse::stored::view(view, cx, &seen, style).map(|text| (text, false))
        }
    };
    match printed {
        Ok((text, call)) => Some(Printed { text: text.into(), call }),
        Err(error) => {
            tracing::debug!(%error, relation, "a definition is shown as it is kept");
            None
        }
    }
}
