//! Bodies of `$batch`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| webex_azure_operator_fuzz::batch(data));
