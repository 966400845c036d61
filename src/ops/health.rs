//! What the kubelet asks: `/livez` and `/readyz`, answered from signs that others give, one sentence each.

use std::fmt::Write as _;

use axum::{
    Router,
    extract::RawQuery,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};

/// One thing that was checked, and how it is: what is fine, or what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Its name in answers.
    pub name: &'static str,
    /// The sentence.
    pub state: Result<String, String>,
}

impl Sign {
    /// A sign that all is well.
    pub fn good(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, state: Ok(sentence.into()) }
    }

    /// A sign that something is wrong.
    pub fn bad(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, state: Err(sentence.into()) }
    }
}

/// Answers `/livez` and `/readyz` with these signs: 200 if all are good, else 503 with what is wrong; `?verbose` tells of
/// the good ones too, as Kubernetes' own programs do.
pub fn router<F, G>(live: F, ready: G) -> Router
where
    F: Fn() -> Vec<Sign> + Clone + Send + Sync + 'static,
    G: Fn() -> Vec<Sign> + Clone + Send + Sync + 'static,
{
    let told = |signs: &dyn Fn() -> Vec<Sign>, query: Option<String>| {
        let is_verbose =
            query.is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")));
        let (status, text) = told(&signs(), is_verbose);
        let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        (status, headers, text).into_response()
    };
    Router::new()
        .route("/livez", get(move |RawQuery(query)| async move { told(&live, query) }))
        .route("/readyz", get(move |RawQuery(query)| async move { told(&ready, query) }))
}

fn told(signs: &[Sign], is_verbose: bool) -> (StatusCode, String) {
    let is_good = signs.iter().all(|sign| sign.state.is_ok());
    if is_good && !is_verbose {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let mut text = String::new();
    for Sign { name, state } in signs {
        let (mark, sentence) = match state {
            Ok(sentence) => ('+', sentence),
            Err(sentence) => ('-', sentence),
        };
        if is_verbose || state.is_err() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "[{mark}] {name}: {sentence}");
        }
    }
    (if is_good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_sign_is_503_and_told_alone_unless_all_are_asked_for() {
        let good = || Sign::good("loop", "the loop turns");
        let bad = || Sign::bad("lease", "the lease webex/operator was not read yet");
        let cases = [
            (vec![], false, 200, "ok\n"),
            (vec![good()], false, 200, "ok\n"),
            (vec![good()], true, 200, "[+] loop: the loop turns\n"),
            (vec![good(), bad()], false, 503, "[-] lease: the lease webex/operator was not read yet\n"),
            (
                vec![good(), bad()],
                true,
                503,
                "[+] loop: the loop turns\n[-] lease: the lease webex/operator was not read yet\n",
            ),
        ];
        for (signs, is_verbose, status, text) in cases {
            assert_eq!(told(&signs, is_verbose), (StatusCode::from_u16(status).unwrap(), text.to_owned()));
        }
    }
}
