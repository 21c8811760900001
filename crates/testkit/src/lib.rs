//! Worlds, fixtures and auditors for tests.
