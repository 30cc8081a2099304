//! The program as an HTTP service: three APIs, limits, who may ask, faults, its end.

mod apis;
mod limits;
mod rights;
mod service;
