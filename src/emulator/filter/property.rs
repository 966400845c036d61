//! Properties of the filter language: what is printed is read back, what is read means what it says, and no text ends
//! in a panic.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Filter, Function, Literal, Operator, parse};

const OPERATORS: [(Operator, &str); 7] = [
    (Operator::Equal, "eq"),
    (Operator::NotEqual, "ne"),
    (Operator::GreaterOrEqual, "ge"),
    (Operator::LessOrEqual, "le"),
    (Operator::Greater, "gt"),
    (Operator::Less, "lt"),
    (Operator::Has, "has"),
];

const FUNCTIONS: [(Function, &str); 3] =
    [(Function::StartsWith, "startswith"), (Function::EndsWith, "endsWith"), (Function::Contains, "contains")];

/// A filter as text; inside a lambda the element is called `x`.
fn print(filter: &Filter, element: &str) -> String {
    let place = |path: &[String]| {
        let parts: Vec<&str> = Some(element).filter(|name| !name.is_empty()).into_iter().collect();
        parts.into_iter().chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("/")
    };
    match filter {
        Filter::And(left, right) => format!("({}) and ({})", print(left, element), print(right, element)),
        Filter::Or(left, right) => format!("({}) or ({})", print(left, element), print(right, element)),
        Filter::Not(inner) => format!("not ({})", print(inner, element)),
        Filter::Compare { path, operator, literal } => {
            let (_, name) = OPERATORS.iter().find(|(known, _)| known == operator).unwrap();
            format!("{} {name} {}", place(path), constant(literal))
        }
        Filter::In { path, literals } => {
            let literals: Vec<String> = literals.iter().map(constant).collect();
            format!("{} in ({})", place(path), literals.join(", "))
        }
        Filter::Call { function, path, argument } => {
            let (_, name) = FUNCTIONS.iter().find(|(known, _)| known == function).unwrap();
            format!("{name}({},{})", place(path), constant(&Literal::Text(argument.clone())))
        }
        Filter::Any { path, condition: None } => format!("{}/any()", place(path)),
        Filter::Any { path, condition: Some(condition) } => format!("{}/any(x:{})", place(path), print(condition, "x")),
        Filter::All { path, condition } => format!("{}/all(x: {})", place(path), print(condition, "x")),
    }
}

fn constant(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => format!("'{}'", text.replace('\'', "''")),
        Literal::Guid(guid) => guid.clone(),
        Literal::Moment(moment) => moment.to_string(),
        Literal::Number(number) => number.to_string(),
        Literal::Flag(flag) => flag.to_string(),
        Literal::Null => "null".to_owned(),
    }
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        "[a-cA-C' ]{0,3}".prop_map(Literal::Text),
        "\\PC{0,6}".prop_map(Literal::Text),
        Just(Literal::Guid("fea94d6d-b5bf-44d2-a887-4f72a8d74f44".to_owned())),
        (0..4_000_000_000_i64).prop_map(|second| Literal::Moment(jiff::Timestamp::from_second(second).unwrap())),
        (-9..9_i32).prop_map(|number| Literal::Number(f64::from(number) / 2.0)),
        any::<bool>().prop_map(Literal::Flag),
        Just(Literal::Null),
    ]
}

fn leaf(path: impl Strategy<Value = Vec<String>> + Clone) -> impl Strategy<Value = Filter> {
    prop_oneof![
        (path.clone(), 0..OPERATORS.len(), literal()).prop_map(|(path, operator, literal)| Filter::Compare {
            path,
            operator: OPERATORS[operator].0,
            literal
        }),
        (path.clone(), prop::collection::vec(literal(), 1..4))
            .prop_map(|(path, literals)| Filter::In { path, literals }),
        (path, 0..FUNCTIONS.len(), "[a-c' ]{0,2}").prop_map(|(path, function, argument)| Filter::Call {
            function: FUNCTIONS[function].0,
            path,
            argument
        }),
    ]
}

fn nested(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Filter::And(Box::new(left), Box::new(right))),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| Filter::Or(Box::new(left), Box::new(right))),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]).prop_map(str::to_owned);
    let path = prop::collection::vec(name.clone(), 1..3);
    let element = prop::collection::vec(name, 0..2);
    let condition = || nested(leaf(element.clone()));
    let lambda = (path.clone(), prop::option::of(condition()))
        .prop_map(|(path, condition)| Filter::Any { path, condition: condition.map(Box::new) });
    let all =
        (path.clone(), condition()).prop_map(|(path, condition)| Filter::All { path, condition: Box::new(condition) });
    nested(prop_oneof![4 => leaf(path), 1 => lambda, 1 => all])
}

fn object() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        "[a-cA-C' ]{0,3}".prop_map(Value::from),
        (-9..9_i32).prop_map(|number| Value::from(f64::from(number) / 2.0)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("2026-11-20T00:00:00.5Z")),
    ];
    plain.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The meaning once more, in other words: values are first brought to a common form, then compared.
#[derive(PartialEq, PartialOrd)]
enum Plain {
    Flag(bool),
    Number(f64),
    Moment(jiff::Timestamp),
    Text(String),
}

fn like(value: &Value, literal: &Literal) -> Option<(Plain, Plain)> {
    Some(match literal {
        Literal::Null => return None,
        Literal::Flag(flag) => (Plain::Flag(value.as_bool()?), Plain::Flag(*flag)),
        Literal::Number(number) => (Plain::Number(value.as_f64()?), Plain::Number(*number)),
        Literal::Moment(moment) => (Plain::Moment(value.as_str()?.parse().ok()?), Plain::Moment(*moment)),
        Literal::Text(text) | Literal::Guid(text) => {
            (Plain::Text(value.as_str()?.to_lowercase()), Plain::Text(text.to_lowercase()))
        }
    })
}

fn reach(object: &Value, path: &[String]) -> Value {
    match path {
        [] => object.clone(),
        [first, rest @ ..] => reach(&object[first.as_str()], rest),
    }
}

fn holds(filter: &Filter, object: &Value) -> bool {
    let equals = |path: &[String], literal: &Literal| {
        let value = reach(object, path);
        if *literal == Literal::Null { value.is_null() } else { like(&value, literal).is_some_and(|(a, b)| a == b) }
    };
    let rows = |path: &[String]| reach(object, path).as_array().cloned().unwrap_or_default();
    match filter {
        Filter::And(left, right) => [left, right].iter().all(|side| holds(side, object)),
        Filter::Or(left, right) => [left, right].iter().any(|side| holds(side, object)),
        Filter::Not(inner) => !holds(inner, object),
        Filter::In { path, literals } => literals.iter().any(|literal| equals(path, literal)),
        Filter::Compare { path, operator: Operator::Equal, literal } => equals(path, literal),
        Filter::Compare { path, operator: Operator::NotEqual, literal } => !equals(path, literal),
        Filter::Compare { path, operator, literal } => {
            like(&reach(object, path), literal).is_some_and(|(a, b)| match operator {
                Operator::GreaterOrEqual => a >= b,
                Operator::LessOrEqual => a <= b,
                Operator::Greater => a > b,
                Operator::Less => a < b,
                Operator::Has | Operator::Equal | Operator::NotEqual => false,
            })
        }
        Filter::Call { function, path, argument } => {
            let value = reach(object, path).as_str().unwrap_or_default().to_lowercase();
            let at = value
                .match_indices(&argument.to_lowercase())
                .map(|(at, found)| (at, at + found.len()))
                .collect::<Vec<_>>();
            match function {
                Function::StartsWith => at.iter().any(|(begin, _)| *begin == 0),
                Function::EndsWith => {
                    at.iter().any(|(_, end)| *end == value.len()) || value.ends_with(&argument.to_lowercase())
                }
                Function::Contains => !at.is_empty(),
            }
        }
        Filter::Any { path, condition: None } => !rows(path).is_empty(),
        Filter::Any { path, condition: Some(condition) } => !rows(path).iter().all(|row| !holds(condition, row)),
        Filter::All { path, condition } => !rows(path).iter().any(|row| !holds(condition, row)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_filter_is_read_back_as_it_was(filter in filter()) {
        let text = print(&filter, "");
        prop_assert_eq!(parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn a_filter_selects_what_the_plain_reading_of_it_selects(filter in filter(), object in object()) {
        prop_assert_eq!(filter.matches(&object), holds(&filter, &object), "{} of {}", print(&filter, ""), object);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", parts in prop::collection::vec("(not|and|or|eq|in|any|all|/|\\(|\\)|'|:|,| |a|x|1|\\$|null|true|-)", 0..40)) {
        let _ = parse(&text);
        let _ = parse(&parts.concat());
    }
}
