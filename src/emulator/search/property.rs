//! Properties of the search language: what is printed is read back, and no text ends in a panic.

use proptest::prelude::*;
use serde_json::json;

use super::{Search, has_words, parse};

fn print(search: &Search) -> String {
    match search {
        Search::And(left, right) => format!("({}) AND ({})", print(left), print(right)),
        Search::Or(left, right) => format!("({}) OR ({})", print(left), print(right)),
        Search::Clause { property, text } => {
            format!("\"{property}:{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    }
}

fn search() -> impl Strategy<Value = Search> {
    let clause = ("[a-z]{1,3}", "[a-cA-C1(\"\\\\:.]([a-cA-C1 (\"\\\\:.]{0,4}[a-c])?")
        .prop_map(|(property, text)| Search::Clause { property, text });
    clause.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Search::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner).prop_map(|(left, right)| Search::Or(Box::new(left), Box::new(right))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_search_is_read_back_as_it_was(search in search()) {
        let text = print(&search);
        prop_assert_eq!(parse(&text), Ok(search), "{}", text);
    }

    #[test]
    fn each_text_finds_itself(text in "\\PC{0,20}[a-z]") {
        prop_assert!(has_words(&text, &text));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", parts in prop::collection::vec("(AND|OR|\\(|\\)|\"|:|\\\\| |a|é)", 0..40)) {
        for text in [text, parts.concat()] {
            if let Ok(search) = parse(&text) {
                let _ = search.matches(&json!({"a": "é a"}));
            }
        }
    }
}
