//! COPY formats: text, csv, binary; pure, both ways.
