//! What pipelines make of our objects, asked of their own code: kstatus and Flux as Go modules, Argo CD's health check
//! in its interpreter. Here the files that people install are held against them; every status of every scenario is, by the
//! same table, in tests/scenario.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod argocd;
mod case;
mod command;
mod document;
mod file;
#[path = "../support/flux.rs"]
mod flux;
#[path = "../support/go.rs"]
mod go;
mod judge;
mod property;
