//! The program as an HTTP service: three APIs, limits, who may ask, faults, its end.

mod apis;
mod early_end;
mod fields;
mod generated;
mod limits;
mod options;
mod rights;
mod safety;
mod second_pass;
mod service;
