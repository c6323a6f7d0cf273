//! Arrays of any number of dimensions and any lower bounds, where a list alone does not say what they are.
//!
//! DuckDB carries them as a STRUCT of all items in row-major order and of their shape: the number of dimensions, the length
//! of each, the lower bound of each; an empty array's shape is empty. As PostgreSQL's array_cmp does, DuckDB then compares
//! the items, their number, the number of dimensions, the lengths, the lower bounds.

use std::sync::Arc;

use super::{ArrayValue, Oid, Phys, Value};
use crate::error::{Error, Result, SqlState};

/// How many dimensions PostgreSQL's arrays have at most.
pub const MAX_DIMENSIONS: usize = 6;

impl Phys {
    /// What carries arrays of `element` of any shape.
    pub fn shaped(element: Phys) -> Self {
        Self::Shaped(Arc::from([Self::List(Box::new(element)), Self::List(Box::new(Self::Int4))]))
    }

    /// The elements of arrays of any shape; `None` for what is not [`Phys::Shaped`].
    pub fn shaped_element(&self) -> Option<&Phys> {
        match self {
            Self::Shaped(fields) => match fields.first() {
                Some(Self::List(element)) => Some(element),
                _ => None,
            },
            _ => None,
        }
    }

    /// The elements of an array, whichever of the two carriers it has.
    pub fn array_element(&self) -> Option<&Phys> {
        match self {
            Self::List(element) => Some(element),
            other => other.shaped_element(),
        }
    }
}

impl ArrayValue {
    /// True for what a list carries by itself: no dimension, or one that begins with 1.
    pub fn is_plain(&self) -> bool {
        matches!(self.dims.as_slice(), [] | [(_, 1)])
    }

    /// The number of dimensions, their lengths, their lower bounds; nothing of an empty array.
    pub fn shape(&self) -> Vec<i32> {
        if self.dims.is_empty() || self.items.is_empty() {
            return Vec::new();
        }
        let lengths = self.dims.iter().map(|(length, _)| *length);
        let bounds = self.dims.iter().map(|(_, lower)| *lower);
        std::iter::once(self.dims.len() as i32).chain(lengths).chain(bounds).collect()
    }

    /// The array of that shape. Fails (XX000) if the items are not as many as it says.
    pub fn of_shape(element: Oid, shape: &[i32], items: Vec<Value>) -> Result<Self> {
        let dims = dimensions(shape)?;
        if count(&dims) != Some(items.len()) {
            return Err(Error::internal(format!("{} items in an array of shape {shape:?}", items.len())));
        }
        Ok(Self { element, dims, items })
    }
}

/// (length, lower bound) of each dimension of a shape.
pub fn dimensions(shape: &[i32]) -> Result<Vec<(i32, i32)>> {
    let Some((number, rest)) = shape.split_first() else { return Ok(Vec::new()) };
    let number = usize::try_from(*number).unwrap_or(usize::MAX);
    if number == 0 || number > MAX_DIMENSIONS || rest.len() != 2 * number {
        return Err(Error::internal(format!("{shape:?} is no array's shape")));
    }
    Ok(rest[..number].iter().copied().zip(rest[number..].iter().copied()).collect())
}

/// How many items an array of these dimensions has; `None` beyond what a number holds.
pub fn count(dims: &[(i32, i32)]) -> Option<usize> {
    if dims.is_empty() {
        return Some(0);
    }
    dims.iter().try_fold(1usize, |n, (length, _)| n.checked_mul(usize::try_from(*length).ok()?))
}

/// 54000 beyond six dimensions.
pub fn check_dimensions(number: usize) -> Result<()> {
    if number <= MAX_DIMENSIONS {
        return Ok(());
    }
    let message = format!("number of array dimensions ({number}) exceeds the maximum allowed ({MAX_DIMENSIONS})");
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
}
