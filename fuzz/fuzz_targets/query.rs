//! `$filter`, `$search`, `$expand`, `$select`, `$orderby` and `$skiptoken` on four lists.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| webex_azure_operator_fuzz::query(data));
