//! From ledgers to one HTML page, figures and tables.
