//! Blocks and statements of PL/pgSQL.

use sqlparser::tokenizer::Token;

use super::reader::{self, Around, Known, Reader, is_word};
use super::{
    Block, Condition, Declaration, Declared, Diagnostic, Fragment, Handler, Into, Kind, LoopKind, Statement, codes_of,
};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;

/// What cannot be had, by the word that it begins with.
const REFUSED: &[(&str, &str)] = &[
    ("open", "a cursor variable of PL/pgSQL"),
    ("fetch", "a cursor variable of PL/pgSQL"),
    ("move", "a cursor variable of PL/pgSQL"),
    ("close", "a cursor variable of PL/pgSQL"),
    ("commit", "COMMIT in PL/pgSQL"),
    ("rollback", "ROLLBACK in PL/pgSQL"),
    ("savepoint", "a transaction command in PL/pgSQL"),
    ("release", "a transaction command in PL/pgSQL"),
    ("start", "a transaction command in PL/pgSQL"),
    ("abort", "a transaction command in PL/pgSQL"),
    ("prepare", "PREPARE in PL/pgSQL"),
];

impl Reader<'_> {
    /// The cursor stands behind the label.
    pub fn block(&mut self, label: Option<Name>) -> Result<Block> {
        self.around.push(Around { label: label.clone(), ..Around::default() });
        let block = self.block_in_scope(label);
        self.around.pop();
        block
    }

    fn block_in_scope(&mut self, label: Option<Name>) -> Result<Block> {
        let mut declarations: Vec<Declaration> = Vec::new();
        if self.c.eat("declare") {
            while !self.at_word("begin") {
                if self.c.eat("declare") {
                    continue;
                }
                let pos = self.c.position();
                let declaration = self.declaration()?;
                let Declaration { name, constant, ty, .. } = &declaration;
                if declarations.iter().any(|d| d.name == *name) {
                    return Err(Error::syntax(format!("duplicate declaration at or near \"{name}\"")).at(pos));
                }
                let record = match ty {
                    Declared::Record | Declared::RowOf(_) => true,
                    Declared::Alias(of) => self.has_fields(of),
                    Declared::Named { text, .. } => may_have_fields(text),
                };
                let known = Known { name: name.clone(), constant: *constant, record };
                if let Some(around) = self.around.last_mut() {
                    around.variables.push(known);
                }
                declarations.push(declaration);
            }
        }
        self.c.expect("begin")?;
        let body = self.statements()?;
        let handlers = if self.c.eat("exception") { Some(self.handlers()?) } else { None };
        self.c.expect("end")?;
        self.end_label(label.as_ref())?;
        Ok(Block { label, declarations, body, handlers })
    }

    fn end_label(&mut self, label: Option<&Name>) -> Result<()> {
        if self.c.is_end() || self.at_token(&Token::SemiColon) {
            return Ok(());
        }
        let name = self.name()?;
        match label {
            Some(label) if *label == name => Ok(()),
            Some(label) => Err(Error::syntax(format!("end label \"{name}\" differs from block's label \"{label}\""))),
            None => Err(Error::syntax(format!("end label \"{name}\" specified for unlabeled block"))),
        }
    }

    fn declaration(&mut self) -> Result<Declaration> {
        let line = self.line();
        let name = self.name()?;
        if self.c.eat("alias") {
            self.c.expect("for")?;
            let of = self.alias_for()?;
            self.semicolon()?;
            let ty = Declared::Alias(of);
            return Ok(Declaration { name, line, ty, constant: false, not_null: false, default: None });
        }
        let constant = self.c.eat("constant");
        if self.at_word("cursor") || self.at_word("refcursor") || self.at_word("scroll") || self.c.is_word(1, "scroll")
        {
            return Err(Error::unsupported("a cursor variable of PL/pgSQL"));
        }
        let ends = |r: &Self| {
            ["default", "not", "collate"].iter().any(|w| r.at_word(w))
                || [Token::SemiColon, Token::Assignment, Token::Eq].iter().any(|t| r.at_token(t))
        };
        let (from, to) = self.until(ends)?;
        let ty = self.declared(from, to)?;
        if self.c.eat("collate") {
            self.name()?;
        }
        let not_null = self.c.eat("not null");
        let given = self.c.eat_token(&Token::Assignment) || self.c.eat_token(&Token::Eq) || self.c.eat("default");
        let default = match given {
            true => Some(self.expression_to_end()?),
            false => {
                self.semicolon()?;
                None
            }
        };
        if not_null && default.is_none() {
            let message = format!("variable \"{name}\" must have a default value, since it's declared NOT NULL");
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        Ok(Declaration { name, line, ty, constant, not_null, default })
    }

    fn declared(&self, from: usize, to: usize) -> Result<Declared> {
        let tokens = &self.c.tokens[from..to];
        if tokens.is_empty() {
            return Err(Error::syntax("missing data type declaration").at(self.c.position()));
        }
        if let [_] = tokens
            && is_word(tokens.first(), "record")
        {
            return Ok(Declared::Record);
        }
        let text = self.text(from, to);
        let percent = tokens.len().checked_sub(2).filter(|at| tokens[*at].token == Token::Mod);
        if let Some(at) = percent {
            let named = self.text(from, from + at);
            if is_word(tokens.last(), "rowtype") {
                return reader::statement(&format!("SELECT * FROM {named} LIMIT 0")).map(Declared::RowOf);
            }
            if is_word(tokens.last(), "type") {
                let Some((table, _)) = named.rsplit_once('.') else {
                    return Err(Error::unsupported("the type of another variable in PL/pgSQL"));
                };
                let probe = reader::statement(&format!("SELECT {named} FROM {table} LIMIT 0"))?;
                return Ok(Declared::Named { text, probe });
            }
        }
        let probe = reader::statement(&format!("SELECT CAST(NULL AS {text})"))?;
        Ok(Declared::Named { text, probe })
    }

    /// Statements up to a word that ends them.
    pub(super) fn statements(&mut self) -> Result<Vec<Statement>> {
        self.nested(|r| {
            let mut all = Vec::new();
            while !["end", "exception", "elsif", "elseif", "else", "when"].iter().any(|word| r.at_word(word)) {
                if r.c.is_end() {
                    return Err(r.c.error());
                }
                all.push(r.statement()?);
            }
            Ok(all)
        })
    }

    fn handlers(&mut self) -> Result<Vec<Handler>> {
        let mut all = Vec::new();
        self.c.expect("when")?;
        loop {
            let mut conditions = Vec::new();
            loop {
                conditions.extend(self.condition()?);
                if !self.c.eat("or") {
                    break;
                }
            }
            self.c.expect("then")?;
            let variables = ["sqlstate", "sqlerrm"].map(Known::new).into();
            self.around.push(Around { variables, ..Around::default() });
            let body = self.statements();
            self.around.pop();
            let body = body?;
            all.push(Handler { conditions, body });
            if !self.c.eat("when") {
                return Ok(all);
            }
        }
    }

    fn condition(&mut self) -> Result<Vec<Condition>> {
        if self.c.eat("sqlstate") {
            return Ok(vec![Condition::Code(self.sqlstate()?)]);
        }
        let name = self.name()?;
        if &*name == "others" {
            return Ok(vec![Condition::Others]);
        }
        Ok(codes_of(&name)?.into_iter().map(Condition::Code).collect())
    }

    pub fn sqlstate(&mut self) -> Result<SqlState> {
        let text = self.c.string()?;
        SqlState::parse(&text).ok_or_else(|| Error::syntax("invalid SQLSTATE code"))
    }

    fn statement(&mut self) -> Result<Statement> {
        let line = self.line();
        let kind = self.kind()?;
        Ok(Statement { line, kind })
    }

    fn kind(&mut self) -> Result<Kind> {
        let label = self.label()?;
        if self.at_word("declare") || self.at_word("begin") {
            let block = self.nested(|r| r.block(label))?;
            self.semicolon()?;
            return Ok(Kind::Block(Box::new(block)));
        }
        if let Some(kind) = self.loop_kind()? {
            let variables = match &kind {
                LoopKind::Integers { variable, .. } => vec![Known::new(variable.clone())],
                LoopKind::Forever
                | LoopKind::While(_)
                | LoopKind::Query { .. }
                | LoopKind::Execute { .. }
                | LoopKind::Array { .. } => Vec::new(),
            };
            self.around.push(Around { label: label.clone(), is_loop: true, variables });
            let body = self.statements();
            self.around.pop();
            let body = body?;
            self.c.expect("end")?;
            self.c.expect("loop")?;
            self.end_label(label.as_ref())?;
            self.semicolon()?;
            return Ok(Kind::Loop { label, kind, body });
        }
        if label.is_some() {
            return Err(self.c.error());
        }
        if let Some(kind) = self.simple()? {
            return Ok(kind);
        }
        if let Some((_, what)) = REFUSED.iter().find(|(word, _)| self.at_word(word)) {
            return Err(Error::unsupported(what));
        }
        // `variable :=`, `record.field =`: a word and what assigns to it.
        let assigns = |ahead: usize| {
            matches!(self.c.tokens.get(self.c.at + ahead).map(|t| &t.token), Some(Token::Assignment | Token::Eq))
        };
        let dotted = matches!(self.c.tokens.get(self.c.at + 1).map(|t| &t.token), Some(Token::Period));
        let element = matches!(self.c.tokens.get(self.c.at + 1).map(|t| &t.token), Some(Token::LBracket));
        if assigns(1) || (dotted && assigns(3)) || element {
            let to = self.target()?;
            self.c.at += 1;
            let value = self.expression_to_end()?;
            return Ok(Kind::Assign { to, value });
        }
        self.sql()
    }

    fn simple(&mut self) -> Result<Option<Kind>> {
        let found = if self.c.eat("null") {
            self.semicolon()?;
            Kind::Null
        } else if self.c.eat("if") {
            self.branches()?
        } else if self.c.eat("return") {
            self.return_kind()?
        } else if self.c.eat("case") {
            self.case()?
        } else if self.at_word("exit") || self.at_word("continue") {
            let (continues, pos) = (self.at_word("continue"), self.c.position());
            self.c.at += 1;
            let named = !self.at_word("when") && !self.at_token(&Token::SemiColon);
            let label = if named { Some(self.name()?) } else { None };
            let when = if self.c.eat("when") { Some(self.expression_until(&[], &[Token::SemiColon])?) } else { None };
            self.semicolon()?;
            self.can_leave(continues, label.as_ref(), pos)?;
            Kind::Leave { continues, label, when }
        } else if self.c.eat("raise") {
            Kind::Raise(Box::new(self.raise()?))
        } else if self.c.eat("assert") {
            let condition = self.expression_until(&[], &[Token::Comma, Token::SemiColon])?;
            let more = self.c.eat_token(&Token::Comma);
            let message = if more { Some(self.expression_until(&[], &[Token::SemiColon])?) } else { None };
            self.semicolon()?;
            Kind::Assert { condition, message }
        } else if self.c.eat("perform") {
            let (from, to) = self.until(|r| r.at_token(&Token::SemiColon))?;
            let text = self.text(from, to);
            self.semicolon()?;
            let Fragment { parsed, text } = self.fragment("SELECT ", &text, from)?;
            Kind::Perform(Fragment { parsed, text: format!("SELECT {text}").into() })
        } else if self.c.eat("execute") {
            self.execute()?
        } else if self.c.eat("get") {
            self.diagnostics()?
        } else {
            return Ok(None);
        };
        Ok(Some(found))
    }

    fn can_leave(&self, continues: bool, label: Option<&Name>, pos: u32) -> Result<()> {
        let message = match label {
            Some(label) => match self.around.iter().rev().find(|around| around.label.as_ref() == Some(label)) {
                Some(around) if around.is_loop || !continues => return Ok(()),
                Some(_) => format!("block label \"{label}\" cannot be used in CONTINUE"),
                None => {
                    format!("there is no label \"{label}\" attached to any block or loop enclosing this statement")
                }
            },
            None if self.around.iter().any(|around| around.is_loop) => return Ok(()),
            None if continues => "CONTINUE cannot be used outside a loop".to_owned(),
            None => "EXIT cannot be used outside a loop, unless it has a label".to_owned(),
        };
        Err(Error::syntax(message).at(pos))
    }

    fn branches(&mut self) -> Result<Kind> {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        loop {
            let condition = self.expression_until(&["then"], &[])?;
            self.c.expect("then")?;
            arms.push((condition, self.statements()?));
            if self.c.eat("elsif") || self.c.eat("elseif") {
                continue;
            }
            if self.c.eat("else") {
                otherwise = self.statements()?;
            }
            break;
        }
        self.c.expect("end")?;
        self.c.expect("if")?;
        self.semicolon()?;
        Ok(Kind::If { arms, otherwise })
    }

    /// LOOP, WHILE … LOOP, FOR … LOOP.
    fn loop_kind(&mut self) -> Result<Option<LoopKind>> {
        let kind = if self.c.eat("loop") {
            return Ok(Some(LoopKind::Forever));
        } else if self.c.eat("while") {
            LoopKind::While(self.expression_until(&["loop"], &[])?)
        } else if self.c.eat("for") {
            self.for_kind()?
        } else if self.c.eat("foreach") {
            self.for_each()?
        } else {
            return Ok(None);
        };
        self.c.expect("loop")?;
        Ok(Some(kind))
    }

    fn for_kind(&mut self) -> Result<LoopKind> {
        let first = self.c.at;
        // Of a loop over integers the variable is its own.
        let (known, targets) = (self.targets(), self.names_from(first)?);
        self.c.expect("in")?;
        if self.c.eat("execute") {
            let query = self.expression_until(&["using", "loop"], &[])?;
            let using = if self.c.eat("using") { self.values_until_loop()? } else { Vec::new() };
            return Ok(LoopKind::Execute { targets: known?, query, using });
        }
        let reverse = self.c.eat("reverse");
        let (from, to) = self.until(|r| r.at_word("loop"))?;
        // `1..10` comes as the numbers `1.` and `.10`.
        let dots = (from..to).find_map(|at| {
            let token = |at: usize| self.c.tokens.get(at).filter(|_| at < to).map(|t| &t.token);
            let number = |at: usize| match token(at) {
                Some(Token::Number(text, _)) => Some(text.as_str()),
                _ => None,
            };
            match (token(at), token(at + 1)) {
                (Some(Token::Period), Some(Token::Period)) => Some((self.text(from, at), at + 2, "")),
                (Some(Token::Number(first, _)), _) if first.ends_with('.') => match (token(at + 1), number(at + 1)) {
                    (Some(Token::Period), _) => Some((self.text(from, at + 1), at + 2, "")),
                    (_, Some(second)) if second.starts_with('.') => Some((self.text(from, at + 1), at + 1, ".")),
                    _ => None,
                },
                (Some(Token::Period), Some(Token::Number(second, _))) if second.starts_with('.') => {
                    Some((self.text(from, at), at + 1, "."))
                }
                _ => None,
            }
        });
        let Some((lower, behind, strip)) = dots else {
            if reverse {
                return Err(Error::syntax("cannot specify REVERSE in query FOR loop"));
            }
            let query = self.fragment("", &self.text(from, to), from)?;
            return Ok(LoopKind::Query { targets: known?, query });
        };
        let [variable] = targets.as_slice() else {
            return Err(Error::syntax("integer FOR loop must have only one target variable"));
        };
        let by = (behind..to).find(|at| is_word(self.c.tokens.get(*at), "by"));
        let upper = self.text(behind, by.unwrap_or(to));
        let by = by.map(|at| self.expression(at + 1, to)).transpose()?;
        let lower = lower.strip_suffix('.').unwrap_or(&lower);
        let upper = upper.strip_prefix(strip).unwrap_or(&upper);
        Ok(LoopKind::Integers {
            variable: variable.clone(),
            reverse,
            from: self.expression_at(lower, from)?,
            to: self.expression_at(upper, behind)?,
            by,
        })
    }

    /// The names of FOR, whether they are variables or not; the cursor goes behind them.
    fn names_from(&mut self, first: usize) -> Result<Vec<Name>> {
        self.c.at = first;
        let mut names = vec![self.name()?];
        while self.c.eat_token(&Token::Period) || self.c.eat_token(&Token::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    pub(super) fn values_until_loop(&mut self) -> Result<Vec<Fragment>> {
        let mut all = Vec::new();
        loop {
            all.push(self.expression_until(&["loop"], &[Token::Comma])?);
            if !self.c.eat_token(&Token::Comma) {
                return Ok(all);
            }
        }
    }

    fn execute(&mut self) -> Result<Kind> {
        let query = self.expression_until(&["into", "using"], &[Token::SemiColon])?;
        let (mut into, mut using) = (None, Vec::new());
        loop {
            if into.is_none() && self.c.eat("into") {
                into = Some(self.into()?);
            } else if using.is_empty() && self.c.eat("using") {
                using = self.expressions_until(&["into"])?;
            } else {
                break;
            }
        }
        self.semicolon()?;
        Ok(Kind::Execute { query, into, using })
    }

    fn into(&mut self) -> Result<Into> {
        let strict = self.c.eat("strict");
        Ok(Into { strict, targets: self.targets()? })
    }

    fn diagnostics(&mut self) -> Result<Kind> {
        let stacked = self.c.eat("stacked");
        if !stacked {
            self.c.eat("current");
        }
        self.c.expect("diagnostics")?;
        let mut items = Vec::new();
        loop {
            let target = self.target()?;
            if !self.c.eat_token(&Token::Assignment) {
                self.c.expect_token(&Token::Eq)?;
            }
            let item = self.name()?;
            let known = match &*item {
                "row_count" if !stacked => Diagnostic::RowCount,
                "returned_sqlstate" if stacked => Diagnostic::Sqlstate,
                "message_text" if stacked => Diagnostic::Message,
                "pg_exception_detail" if stacked => Diagnostic::Detail,
                "pg_exception_hint" if stacked => Diagnostic::Hint,
                "pg_exception_context" if stacked => Diagnostic::Context,
                "column_name" if stacked => Diagnostic::Column,
                "constraint_name" if stacked => Diagnostic::Constraint,
                "pg_datatype_name" if stacked => Diagnostic::Datatype,
                "table_name" if stacked => Diagnostic::Table,
                "schema_name" if stacked => Diagnostic::Schema,
                "pg_context" if !stacked => return Err(Error::unsupported("PG_CONTEXT in PL/pgSQL")),
                _ => {
                    return Err(Error::syntax(format!("unrecognized GET DIAGNOSTICS item at or near \"{item}\"")));
                }
            };
            items.push((target, known));
            if !self.c.eat_token(&Token::Comma) {
                break;
            }
        }
        self.semicolon()?;
        Ok(Kind::Diagnostics { stacked, items })
    }

    /// Anything else is SQL. INTO, but behind INSERT and MERGE, is PL/pgSQL's.
    fn sql(&mut self) -> Result<Kind> {
        let from = self.c.at;
        let takes_into = ["select", "insert", "update", "delete", "with", "values", "table", "merge", "execute"]
            .iter()
            .any(|word| self.at_word(word));
        let (_, end) = self.until(|r| r.at_token(&Token::SemiColon))?;
        let before = |at: usize| at.checked_sub(1).and_then(|i| self.c.tokens.get(i));
        let depths = (from..end).scan(0_i32, |depth, at| {
            match self.c.tokens[at].token {
                Token::LParen | Token::LBracket => *depth += 1,
                Token::RParen | Token::RBracket => *depth -= 1,
                _ => {}
            }
            Some((at, *depth))
        });
        let into_at = depths.filter(|(_, depth)| takes_into && *depth == 0).map(|(at, _)| at).find(|at| {
            is_word(self.c.tokens.get(*at), "into") && !is_word(before(*at), "insert") && !is_word(before(*at), "merge")
        });
        let Some(into_at) = into_at else {
            let statement = self.fragment("", &self.text(from, end), from)?;
            self.semicolon()?;
            return Ok(Kind::Sql { statement, into: None });
        };
        self.c.at = into_at + 1;
        let into = self.into()?;
        // Blanks in its place: positions stay what they are.
        let blank = " ".repeat(self.text(into_at, self.c.at).chars().count());
        let whole = self.text(from, end);
        let cut = self.text(from, into_at).len();
        let cut = cut + whole[cut..].len() - whole[cut..].trim_start().len();
        let behind = cut + self.text(into_at, self.c.at).len();
        let text = format!("{}{blank}{}", &whole[..cut], whole.get(behind..).unwrap_or_default());
        self.c.at = end;
        self.semicolon()?;
        let Fragment { parsed, .. } = self.fragment("", text.trim_end(), from)?;
        Ok(Kind::Sql { statement: Fragment { parsed, text: whole }, into: Some(into) })
    }
}

/// Whether a name may be a composite type's or a table's: it is known when the block begins.
fn may_have_fields(ty: &str) -> bool {
    const WORDS: [&str; 9] = ["int", "integer", "smallint", "bigint", "real", "boolean", "decimal", "dec", "character"];
    let plain = ty.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'));
    let word = ty.to_ascii_lowercase();
    plain && !WORDS.contains(&&*word) && crate::facts::TYPES.by_name(&word).next().is_none()
}
