//! Row rules and masks of tables: for whom, and over which columns.

use toml::Spanned;

use super::Resolver;
use crate::registry::files::diagnostic::did_you_mean;
use crate::registry::files::{FileMask, FileRule, raw};
use crate::registry::{Name, PolicyCommand, expression};

impl Resolver {
    /// The rules of a file's tables. All roles and tables are known.
    pub(super) fn rules(&mut self, file: usize, raw: &raw::File) {
        for table in &raw.tables {
            let table = table.get_ref();
            let namespace = table.namespace.as_ref().map_or_else(|| Self::file_namespace(raw), |n| n.get_ref());
            let key = (Name::from(namespace), Name::from(table.name.get_ref().as_str()));
            let Some(at) = self.by_name.get(&key).copied() else { continue };
            let mut rules: Vec<FileRule> = Vec::new();
            for item in &table.row_rule {
                if let Some(rule) = self.row_rule(file, item, &rules) {
                    rules.push(rule);
                }
            }
            let mut masks = Vec::new();
            for item in &table.mask {
                masks.extend(self.mask(file, at, item));
            }
            if table.force_row_rules && rules.is_empty() {
                let message = format!("table \"{}\" has no row_rule to be forced", table.name.get_ref());
                self.error(file, table.name.span().start, message, None);
            }
            let known = &mut self.schema.tables[at];
            (known.rules, known.masks, known.force_row_rules) = (rules, masks, table.force_row_rules);
        }
    }

    fn row_rule(&mut self, file: usize, item: &Spanned<raw::RowRule>, before: &[FileRule]) -> Option<FileRule> {
        let raw::RowRule { name, to, command, using, with_check, restrictive } = item.get_ref();
        let offset = name.span().start;
        if !self.name_ok(file, offset, name.get_ref()) {
            return None;
        }
        if before.iter().any(|rule| *rule.name == **name.get_ref()) {
            self.error(file, offset, format!("row rule \"{}\" is there twice", name.get_ref()), None);
            return None;
        }
        let command = match command {
            raw::RuleCommand::All => PolicyCommand::All,
            raw::RuleCommand::Select => PolicyCommand::Select,
            raw::RuleCommand::Insert => PolicyCommand::Insert,
            raw::RuleCommand::Update => PolicyCommand::Update,
            raw::RuleCommand::Delete => PolicyCommand::Delete,
        };
        match (command, using, with_check) {
            (PolicyCommand::Insert, Some(using), _) => {
                let help = Some("say it as with_check".to_owned());
                self.error(file, using.span().start, "a rule for insert has no using", help);
            }
            (PolicyCommand::Select | PolicyCommand::Delete, _, Some(check)) => {
                let help = Some("say it as using".to_owned());
                self.error(file, check.span().start, "a rule for select or delete has no with_check", help);
            }
            (_, None, None) => {
                let help = Some("add using = \"…\" or with_check = \"…\"".to_owned());
                self.error(file, offset, format!("row rule \"{}\" says nothing", name.get_ref()), help);
            }
            (_, Some(_), _) | (_, None, Some(_)) => {}
        }
        for text in [using, with_check].into_iter().flatten() {
            self.expression(file, text, "row rule");
        }
        let to = self.ruled_roles(file, to.as_ref());
        let spot = |text: &Option<Spanned<String>>| text.as_ref().map_or(offset, |t| t.span().start);
        let (using_at, check_at) = (self.spot(file, spot(using)), self.spot(file, spot(with_check)));
        Some(FileRule {
            at: self.spot(file, offset),
            using_at,
            check_at,
            name: name.get_ref().as_str().into(),
            to,
            command,
            permissive: !restrictive,
            using: using.as_ref().map(|t| t.get_ref().clone()),
            check: with_check.as_ref().map(|t| t.get_ref().clone()),
        })
    }

    fn mask(&mut self, file: usize, table: usize, item: &Spanned<raw::ColumnMask>) -> Option<FileMask> {
        let raw::ColumnMask { column, to, expression } = item.get_ref();
        let known = &self.schema.tables[table];
        if !known.columns.iter().any(|c| *c.name == **column.get_ref()) {
            let help = did_you_mean(column.get_ref(), known.columns.iter().map(|c| &*c.name));
            let message = format!("table \"{}\" has no column \"{}\"", known.name, column.get_ref());
            self.error(file, column.span().start, message, help);
            return None;
        }
        self.expression(file, expression, "mask");
        Some(FileMask {
            at: self.spot(file, expression.span().start),
            column: column.get_ref().as_str().into(),
            to: self.ruled_roles(file, to.as_ref()),
            expression: expression.get_ref().clone(),
        })
    }

    fn expression(&mut self, file: usize, text: &Spanned<String>, what: &str) {
        if let Err(message) = expression::parse(text.get_ref()) {
            self.error(file, text.span().start, format!("{what}: {message}"), None);
        }
    }

    /// Everybody, if nobody is named.
    fn ruled_roles(&mut self, file: usize, to: Option<&Spanned<raw::Names>>) -> Vec<Option<Name>> {
        let Some(to) = to else { return vec![None] };
        let mut roles = Vec::new();
        for name in to.get_ref().list() {
            if name == "public" {
                roles.push(None);
            } else if self.schema.roles.iter().any(|r| &*r.name == name) {
                roles.push(Some(Name::from(name)));
            } else {
                let help = did_you_mean(name, self.schema.roles.iter().map(|r| &*r.name));
                let what = format!("a rule for role \"{name}\"");
                self.undefined(file, to.span().start, &what, help);
            }
        }
        roles
    }
}
