//! `$filter`: the part of the language that directory and audit lists are documented to understand.

mod parser;
#[cfg(test)]
mod property;

use jiff::Timestamp;
use serde_json::Value;

pub(super) use parser::parse;

/// A parsed filter. Paths inside a lambda begin at its element; an empty path is the element itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare {
        path: Vec<String>,
        operator: Operator,
        literal: Literal,
    },
    In {
        path: Vec<String>,
        literals: Vec<Literal>,
    },
    Call {
        function: Function,
        path: Vec<String>,
        argument: String,
    },
    /// Without a condition: whether there is an element at all.
    Any {
        path: Vec<String>,
        condition: Option<Box<Filter>>,
    },
    All {
        path: Vec<String>,
        condition: Box<Filter>,
    },
}

/// A function of two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    GreaterOrEqual,
    LessOrEqual,
    Greater,
    Less,
    /// Of flags enumerations, which no directory object has.
    Has,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Guid(String),
    Moment(Timestamp),
    Number(f64),
    Flag(bool),
    Null,
}

/// What stands behind a collection where its elements are counted.
pub(super) const COUNT: &str = "$count";

impl Filter {
    /// The collections whose elements it counts, as in `owners/$count eq 0`.
    pub(super) fn counted(&self) -> Vec<&str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => [left.counted(), right.counted()].concat(),
            Self::Not(inner) => inner.counted(),
            Self::Compare { path, .. } => match path.as_slice() {
                [collection, last] if last == COUNT => vec![collection],
                _ => Vec::new(),
            },
            Self::In { .. } | Self::Call { .. } | Self::Any { .. } | Self::All { .. } => Vec::new(),
        }
    }

    /// Whether an object satisfies it. Texts are compared without regard to case, as the directory does.
    pub(super) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Compare { path, operator, literal } => match path.split_last() {
                Some((last, collection)) if last == COUNT => {
                    compare(Some(&elements(object, collection).len().into()), *operator, literal)
                }
                _ => compare(at(object, path), *operator, literal),
            },
            Self::In { path, literals } => {
                literals.iter().any(|literal| compare(at(object, path), Operator::Equal, literal))
            }
            Self::Call { function, path, argument } => {
                let (value, argument) = (lower(at(object, path)), argument.to_lowercase());
                match function {
                    Function::StartsWith => value.starts_with(&argument),
                    Function::EndsWith => value.ends_with(&argument),
                    Function::Contains => value.contains(&argument),
                }
            }
            Self::Any { path, condition } => elements(object, path)
                .iter()
                .any(|element| condition.as_ref().is_none_or(|condition| condition.matches(element))),
            Self::All { path, condition } => elements(object, path).iter().all(|element| condition.matches(element)),
        }
    }
}

fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name.as_str()))
}

fn elements<'a>(object: &'a Value, path: &[String]) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn lower(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

fn compare(value: Option<&Value>, operator: Operator, literal: &Literal) -> bool {
    let value = value.filter(|value| !value.is_null());
    let ordering = match literal {
        Literal::Null => {
            return match operator {
                Operator::Equal => value.is_none(),
                Operator::NotEqual => value.is_some(),
                Operator::GreaterOrEqual
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::Less
                | Operator::Has => false,
            };
        }
        Literal::Number(number) => value.and_then(Value::as_f64).and_then(|value| value.partial_cmp(number)),
        Literal::Flag(flag) => value.and_then(Value::as_bool).map(|value| value.cmp(flag)),
        Literal::Moment(moment) => value
            .and_then(Value::as_str)
            .and_then(|value| value.parse::<Timestamp>().ok())
            .map(|value| value.cmp(moment)),
        Literal::Text(text) | Literal::Guid(text) => {
            value.and_then(Value::as_str).map(|value| value.to_lowercase().cmp(&text.to_lowercase()))
        }
    };
    let Some(ordering) = ordering else {
        return operator == Operator::NotEqual;
    };
    match operator {
        Operator::Equal => ordering.is_eq(),
        Operator::NotEqual => ordering.is_ne(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Greater => ordering.is_gt(),
        Operator::Less => ordering.is_lt(),
        Operator::Has => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &str, object: &Value, expected: bool) {
        assert_eq!(parse(filter).unwrap_or_else(|error| panic!("{error}")).matches(object), expected, "{filter}");
    }

    #[test]
    fn the_documented_filters_select_what_they_say() {
        let principal = json!({"appId": "ab", "displayName": "Cisco Webex Identity", "deletedDateTime": null, "accountEnabled": true});
        check("appId eq 'ab'", &principal, true);
        check("appId eq 'ac'", &principal, false);
        check("startswith(displayName,'cisco webex')", &principal, true);
        check("startswith(displayName, 'Webex')", &principal, false);
        check("deletedDateTime eq null and accountEnabled eq true", &principal, true);
        check("appId in ('x', 'ab')", &principal, true);
        check("(appId eq 'x' or appId eq 'ab') and not (displayName eq 'y')", &principal, true);
        check("appId ne 'ab'", &principal, false);
    }

    #[test]
    fn an_audit_filter_with_time_activity_and_target_is_understood() {
        let record = json!({
            "activityDateTime": "2026-11-20T22:43:59.1234567Z",
            "activityDisplayName": "Remove service principal",
            "initiatedBy": {"user": {"userPrincipalName": "admin@contoso.com"}, "app": null},
            "targetResources": [{"id": "one"}, {"id": "two"}],
        });
        let filter = "activityDateTime ge 2026-11-20T00:00:00Z and activityDisplayName eq 'Remove service principal' \
                      and targetResources/any(t: t/id eq 'two')";
        check(filter, &record, true);
        check("targetResources/any(t:t/id eq 'three')", &record, false);
        check("initiatedBy/user/userPrincipalName eq 'admin@contoso.com'", &record, true);
        check("initiatedBy/app/appId eq 'x'", &record, false);
        check("activityDateTime le 2026-11-20", &record, false);
        check("activityDateTime gt 2026-11-20T22:43:59Z and activityDateTime lt 2026-11-20T22:44:00Z", &record, true);
    }

    #[test]
    fn and_binds_tighter_than_or_and_not_tighter_than_both() {
        let object = json!({"a": 1, "b": 2, "c": "x"});
        check("a eq 1 or b eq 9 and c eq 'y'", &object, true);
        check("(a eq 1 or b eq 9) and c eq 'y'", &object, false);
        check("not (a eq 9) and b eq 2", &object, true);
        check("NOT startswith(c,'y') AND a lt 1.5 OR b gt 7", &object, true);
        check("not(a eq 1) or b ge -2", &object, true);
    }

    #[test]
    fn a_lambda_reaches_plain_values_and_members() {
        let object = json!({"tags": ["one", "Two"], "appRoles": [{"value": "x", "isEnabled": true}]});
        check("tags/any(t:t eq 'two')", &object, true);
        check("tags/any(t:startswith(t,'tw'))", &object, true);
        check("not tags/any(t:t eq 'three')", &object, true);
        check("appRoles/any(r:r/value eq 'x' and r/isEnabled eq true)", &object, true);
        check("tags/any()", &object, true);
        check("keyCredentials/any()", &object, false);
        check("tags/$count eq 2 and owners/$count eq 0", &object, true);
        check("tags/$count ne 2", &object, false);
        check("tags/all(t:t eq 'two')", &object, false);
    }

    #[test]
    fn nothing_is_greater_or_less_than_null() {
        let object = json!({"a": null, "b": ""});
        for operator in ["ge", "le", "gt", "lt"] {
            for path in ["a", "b", "c"] {
                check(&format!("{path} {operator} null"), &object, false);
                check(&format!("not({path} {operator} null)"), &object, true);
            }
        }
    }

    #[test]
    fn two_quotes_stand_for_one() {
        check("displayName eq 'O''Brien'", &json!({"displayName": "O'Brien"}), true);
    }

    #[test]
    fn what_is_no_filter_is_refused_and_never_panics() {
        let deep = format!("{}a eq 1{}", "(".repeat(100), ")".repeat(100));
        for text in [
            "",
            "appId",
            "appId eq",
            "appId eq ab",
            "appId in ()",
            "not appId eq 'ab'",
            "frobnicate(appId,'ab')",
            "tags/any(t:appId eq 'ab')",
            "tags/any(t:t/any(u:u eq 'ab'))",
            "a eq 1.2.3",
            "a eq inf",
            "a eq nan",
            "appId eq 'ab",
            "appId is 'ab'",
            "any(t:",
            "x/any(t t/id eq 'a')",
            "(a eq 'b'",
            "a eq 'b')",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
