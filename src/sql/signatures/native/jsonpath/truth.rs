//! Predicates of jsonpath: three-valued, and never an error of their own.

use super::*;

impl Run<'_> {
    /// A predicate's answer for a value.
    pub(super) fn truth(&mut self, item: &Item, value: &Any) -> Step<Truth> {
        with_stack(|| self.predicate(item, value))
    }

    fn predicate(&mut self, item: &Item, value: &Any) -> Step<Truth> {
        match &item.kind {
            Kind::Binary(Op::And, left, right) => match self.truth(left, value)? {
                Some(false) => Ok(Some(false)),
                left => Ok(match self.truth(right, value)? {
                    Some(true) => left,
                    right => right,
                }),
            },
            Kind::Binary(Op::Or, left, right) => match self.truth(left, value)? {
                Some(true) => Ok(Some(true)),
                left => Ok(match self.truth(right, value)? {
                    Some(false) => left,
                    right => right,
                }),
            },
            Kind::Not(arg) => Ok(self.truth(arg, value)?.map(|t| !t)),
            Kind::IsUnknown(arg) => Ok(Some(self.truth(arg, value)?.is_none())),
            Kind::Binary(op, left, right) => {
                self.pairs(left, Some((&**right, true)), value, |a, b| Ok(b.and_then(|b| compare(*op, a, b))))
            }
            Kind::StartsWith(left, right) => self.pairs(left, Some((&**right, false)), value, |a, b| match (a, b) {
                (Any::String(a), Some(Any::String(b))) => Ok(Some(a.starts_with(&**b))),
                _ => Ok(None),
            }),
            Kind::LikeRegex { arg, pattern, flags } => {
                let flags = regex_flags(flags);
                self.pairs(arg, None, value, |a, _| match a {
                    Any::String(s) => compiled(pattern, &flags, |r| Ok(Some(r.is_match(s)))),
                    _ => Ok(None),
                })
            }
            Kind::Exists(arg) => {
                let answer = if self.lax() {
                    self.item(arg, value, None)
                } else {
                    let mut found = Vec::new();
                    self.item(arg, value, Some(&mut found)).map(|_| !found.is_empty())
                };
                match answer {
                    Ok(found) => Ok(Some(found)),
                    Err(Stop::Soft(_)) => Ok(None),
                    Err(hard) => Err(hard),
                }
            }
            _ => Err(Stop::Hard(Error::internal("jsonpath: not a predicate"))),
        }
    }

    /// A test of each pair of the operands' items: true if one is, unknown if one could not be compared.
    fn pairs(
        &mut self,
        left: &Item,
        right: Option<(&Item, bool)>,
        value: &Any,
        test: impl Fn(&Any, Option<&Any>) -> Result<Truth>,
    ) -> Step<Truth> {
        let known = |items: Step<Vec<Any>>| match items {
            Ok(items) => Ok(Some(items)),
            Err(Stop::Soft(_)) => Ok(None),
            Err(hard) => Err(hard),
        };
        let Some(lefts) = known(self.operand(left, value))? else { return Ok(None) };
        let rights: Vec<Option<Any>> = match right {
            None => vec![None],
            Some((right, unfold)) => {
                let items = if unfold {
                    self.operand(right, value)
                } else {
                    let mut found = Vec::new();
                    self.item(right, value, Some(&mut found)).map(|_| found)
                };
                let Some(items) = known(items)? else { return Ok(None) };
                items.into_iter().map(Some).collect()
            }
        };
        let (mut found, mut unknown) = (false, false);
        for l in &lefts {
            for r in &rights {
                tick()?;
                match test(l, r.as_ref())? {
                    Some(true) if self.lax() => return Ok(Some(true)),
                    Some(true) => found = true,
                    Some(false) => {}
                    None if !self.lax() => return Ok(None),
                    None => unknown = true,
                }
            }
        }
        Ok(match (found, unknown) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        })
    }
}

/// XQuery's flags as PostgreSQL's: `.` leaves newlines out unless `s` says otherwise.
fn regex_flags(flags: &str) -> String {
    let mut out = String::new();
    if flags.contains('q') {
        out.push('q');
    } else {
        out.push(match (flags.contains('s'), flags.contains('m')) {
            (true, true) => 'w',
            (true, false) => 's',
            (false, true) => 'n',
            (false, false) => 'p',
        });
    }
    if flags.contains('i') {
        out.push('i');
    }
    out
}

/// Items of different types are not comparable, but with null; nor are arrays and objects.
fn compare(op: Op, a: &Any, b: &Any) -> Truth {
    let order = match (a, b) {
        (Any::Null, Any::Null) => Ordering::Equal,
        (Any::Null, _) | (_, Any::Null) => return Some(op == Op::NotEqual),
        (Any::Bool(a), Any::Bool(b)) => a.cmp(b),
        (Any::Number(a), Any::Number(b)) => a.compare(b),
        (Any::String(a), Any::String(b)) => a.cmp(b),
        _ => return None,
    };
    Some(match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::Greater => order.is_gt(),
        Op::LessOrEqual => order.is_le(),
        _ => order.is_ge(),
    })
}
