//! Arithmetic of jsonpath.

use super::*;

impl Run<'_> {
    /// The items of an operand, arrays unfolded in lax mode.
    pub(super) fn operand(&mut self, item: &Item, value: &Any) -> Step<Vec<Any>> {
        let mut found = Vec::new();
        self.item(item, value, Some(&mut found))?;
        if !self.lax() {
            return Ok(found);
        }
        let mut flat = Vec::with_capacity(found.len());
        for value in found {
            match value {
                Any::Array(items) => flat.extend(items.iter().cloned()),
                other => flat.push(other),
            }
        }
        Ok(flat)
    }

    pub(super) fn arithmetic(
        &mut self,
        item: &Item,
        op: Op,
        left: &Item,
        right: &Item,
        value: &Any,
        found: Found<'_>,
    ) -> Step<bool> {
        let (left, right) = (self.operand(left, value)?, self.operand(right, value)?);
        let single = |items: &[Any], side: &str| match items {
            [Any::Number(n)] => Ok(n.clone()),
            _ => soft(
                SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED,
                format!("{side} operand of jsonpath operator {} is not a single numeric value", op.text()),
            ),
        };
        let (a, b) = (single(&left, "left")?, single(&right, "right")?);
        let result = match op {
            Op::Add => a.add(&b),
            Op::Sub => a.sub(&b),
            Op::Mul => a.mul(&b),
            Op::Div => a.div(&b),
            _ => a.rem(&b),
        };
        let result = result.map_err(Stop::Soft)?;
        self.next(item, Any::Number(result), found)
    }

    pub(super) fn signed(
        &mut self,
        item: &Item,
        arg: &Item,
        minus: bool,
        value: &Any,
        mut found: Found<'_>,
    ) -> Step<bool> {
        let mut any = false;
        for operand in self.operand(arg, value)? {
            let Any::Number(n) = operand else {
                if found.is_none() && item.next.is_none() {
                    continue;
                }
                let sign = if minus { '-' } else { '+' };
                return soft(
                    SqlState::SQL_JSON_NUMBER_NOT_FOUND,
                    format!("operand of unary jsonpath operator {sign} is not a numeric value"),
                );
            };
            any |= self.next(item, Any::Number(if minus { n.neg() } else { n }), found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(any)
    }
}
