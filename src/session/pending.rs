//! Stands in for the compiler and the codecs until they are joined: everything is refused.

pub mod sql {
    //! What `crate::sql` will have.
    use crate::error::{Error, Result};
    pub use crate::sql::*;
    use crate::types::{Oid, PgType};

    fn refused<T>() -> Result<T> {
        Err(Error::unsupported("SQL in this build"))
    }

    pub fn compile(_parsed: &Parsed, _context: &Context, _types: &[Option<Oid>]) -> Result<Compiled> {
        refused()
    }

    pub fn compile_statement(_: crate::tree::Statement, _: Vec<PgType>, _: &Context) -> Result<Compiled> {
        refused()
    }
}

pub mod types {
    //! What `crate::types` will have.
    pub use crate::types::*;

    pub mod text {
        //! Text codecs.
        use super::*;
        use crate::error::{Error, Result};

        pub fn parse(_: &str, _: PgType, _: &OutputSettings, _: &dyn TypeLookup) -> Result<Value> {
            Err(Error::unsupported("text input"))
        }

        pub fn format(_: &Value, _: PgType, _: &OutputSettings, _: &dyn TypeLookup) -> String {
            String::new()
        }
    }

    pub mod binary {
        //! Binary codecs.
        use super::*;
        use crate::error::{Error, Result};

        pub fn decode(_: &[u8], _: PgType, _: &dyn TypeLookup) -> Result<Value> {
            Err(Error::unsupported("binary input"))
        }
    }

    pub mod arrow {
        //! Values of arrays.
        use super::*;

        pub fn value_at(_: &dyn ::arrow::array::Array, _: usize, _: &Phys) -> Value {
            Value::Null
        }
    }
}
