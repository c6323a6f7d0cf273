//! Raw file, environment and flags → one resolved Config.
