//! PostgreSQL's frontend/backend protocol: bytes to messages and back.
