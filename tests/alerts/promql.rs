//! As much of `PromQL` as tells which series an expression asks for: names, matchers, and the labels it groups by.

use std::collections::BTreeSet;

use webex_azure_operator::api::{ConditionType, Reason, reason::ConditionStatus};

use crate::exposition::{Exposition, labels};

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub selectors: Vec<Selector>,
    /// Labels that it groups or joins by.
    pub grouping: BTreeSet<String>,
    /// Labels that it makes itself.
    made: BTreeSet<String>,
}

/// Series of one name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// Label and pattern.
    pub matchers: Vec<(String, String)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(first) = rest.next() {
        if first == '"' {
            tokens.push(Token::Text(rest.by_ref().take_while(|c| *c != '"').collect()));
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let mut word = String::from(first);
            while let Some(next) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                word.push(next);
            }
            tokens.push(Token::Word(word));
        } else if !first.is_whitespace() {
            tokens.push(Token::Sign(first));
        }
    }
    tokens
}

/// Reads an expression; whether it is one at all is promtool's affair.
pub fn read(expression: &str) -> Query {
    const JOINTS: [&str; 7] = ["by", "on", "without", "ignoring", "group_left", "group_right", "bool"];
    const WORDS: [&str; 4] = ["and", "or", "unless", "offset"];
    let tokens = tokens(expression);
    let mut query = Query::default();
    let (mut is_matching, mut is_grouping, mut makes) = (false, false, false);
    for (place, token) in tokens.iter().enumerate() {
        let next = tokens.get(place + 1);
        match token {
            Token::Sign('{') => is_matching = true,
            Token::Sign('}') => is_matching = false,
            Token::Sign(')') => is_grouping = false,
            Token::Text(pattern) if is_matching => {
                query.selectors.last_mut().unwrap().matchers.last_mut().unwrap().1.clone_from(pattern);
            }
            Token::Text(label) if makes => {
                query.made.insert(label.clone());
                makes = false;
            }
            Token::Sign(_) | Token::Text(_) => {}
            Token::Word(label) if is_matching => {
                query.selectors.last_mut().unwrap().matchers.push((label.clone(), String::new()));
            }
            Token::Word(label) if is_grouping => drop(query.grouping.insert(label.clone())),
            Token::Word(word) if JOINTS.contains(&word.as_str()) => is_grouping = next == Some(&Token::Sign('(')),
            Token::Word(word) if WORDS.contains(&word.as_str()) || word.starts_with(|c: char| c.is_ascii_digit()) => {}
            Token::Word(word) if is_call(next) => makes |= word == "label_replace",
            Token::Word(metric) => query.selectors.push(Selector { metric: metric.clone(), matchers: Vec::new() }),
        }
    }
    query
}

/// Whether what stands before this is a function or an aggregation.
fn is_call(next: Option<&Token>) -> bool {
    let grouped = ["by", "without"].map(|word| Token::Word(word.to_owned()));
    next.is_some_and(|next| *next == Token::Sign('(') || grouped.contains(next))
}

/// Everything that the expression asks for is exposed, and every value that it asks for can occur.
pub fn check(expression: &str, exposition: &Exposition) {
    let query = read(expression);
    assert!(!query.selectors.is_empty(), "{expression} asks for nothing");
    let mut known: BTreeSet<&str> = query.made.iter().map(String::as_str).collect();
    for Selector { metric, matchers } in &query.selectors {
        let family = exposition.family(metric).unwrap_or_else(|| panic!("{metric} is not exposed: {expression}"));
        known.extend(family.labels.iter().map(String::as_str));
        if metric.ends_with("_bucket") {
            known.insert("le");
        }
        for (label, pattern) in matchers {
            assert!(family.labels.contains(label), "{metric} has no label {label}: {expression}");
            for value in pattern.split('|').filter(|value| !value.starts_with('$')) {
                assert!(can_be(exposition, metric, label, value), "{metric} has never {label}={value}: {expression}");
            }
        }
        fits(matchers, expression);
    }
    for label in &query.grouping {
        assert!(known.contains(label.as_str()), "nothing has the label {label}: {expression}");
    }
}

fn can_be(exposition: &Exposition, metric: &str, label: &str, value: &str) -> bool {
    match label {
        "reason" => Reason::from_name(value).is_some(),
        "type" => ConditionType::ALL.iter().any(|condition| condition.as_str() == value),
        _ => exposition.text.lines().any(|line| {
            line.starts_with(&format!("{metric}{{")) && labels(line).get(label).is_some_and(|it| it == value)
        }),
    }
}

/// A condition that is asked for with this reason can give it. Ready and Stalled repeat those of others.
fn fits(matchers: &[(String, String)], expression: &str) {
    let of = |label: &str| matchers.iter().find(|(name, _)| name == label).map(|(_, value)| value.as_str());
    let (Some(condition), Some(reason)) = (of("type"), of("reason")) else { return };
    let condition = ConditionType::ALL.into_iter().find(|it| it.as_str() == condition).unwrap();
    let reason = Reason::from_name(reason).unwrap();
    let all = [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown];
    let is_fitting =
        all.into_iter().any(|it| of("status").is_none_or(|own| own == it.as_str()) && reason.fits(condition, it));
    assert!(is_fitting, "{condition} never says {reason}: {expression}");
}

#[test]
fn an_expression_is_read_with_its_matchers_and_its_labels() {
    let query = read(
        "max by (namespace, reason) (label_replace(rate(m_total{reason=~\"A|B\",x!=\"\"}[5m]), \"made\", \"$1\", \"x\", \"(.*)\")) \
         and on (name) (other == 0) unless time() - third > 7 * 86400",
    );
    let names: Vec<&str> = query.selectors.iter().map(|selector| selector.metric.as_str()).collect();
    assert_eq!(names, ["m_total", "other", "third"]);
    let matchers = [("reason".to_owned(), "A|B".to_owned()), ("x".to_owned(), String::new())];
    assert_eq!(query.selectors[0].matchers, matchers);
    assert_eq!(query.grouping, ["name", "namespace", "reason"].map(str::to_owned).into());
    assert_eq!(query.made, ["made".to_owned()].into());
}
