//! The parsers of everything from outside, for libFuzzer: the same functions that the crate's tests
//! run on seeded mutations. `scripts/fuzz/run` builds and runs them.

#[path = "../../../tests/harness/parsers.rs"]
pub mod parsers;
