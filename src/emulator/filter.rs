//! `$filter`: the part of the language that directory and audit lists are documented to understand.

mod parser;

use jiff::Timestamp;
use serde_json::Value;

pub(super) use parser::parse;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare { path: Vec<String>, operator: Operator, literal: Literal },
    In { path: Vec<String>, literals: Vec<Literal> },
    StartsWith { path: Vec<String>, prefix: String },
    EndsWith { path: Vec<String>, suffix: String },
    Any { path: Vec<String>, condition: Box<Filter> },
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
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Guid(String),
    Moment(Timestamp),
    Flag(bool),
    Null,
}

impl Filter {
    /// Whether an object satisfies it. Texts are compared without regard to case, as the directory does.
    pub(super) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Compare { path, operator, literal } => compare(at(object, path), *operator, literal),
            Self::In { path, literals } => {
                literals.iter().any(|literal| compare(at(object, path), Operator::Equal, literal))
            }
            Self::StartsWith { path, prefix } => lower(at(object, path)).starts_with(&prefix.to_lowercase()),
            Self::EndsWith { path, suffix } => lower(at(object, path)).ends_with(&suffix.to_lowercase()),
            Self::Any { path, condition } => at(object, path)
                .and_then(Value::as_array)
                .is_some_and(|elements| elements.iter().any(|element| condition.matches(element))),
        }
    }
}

fn at<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| value.get(name.as_str()))
}

fn lower(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

fn compare(value: Option<&Value>, operator: Operator, literal: &Literal) -> bool {
    let value = value.filter(|value| !value.is_null());
    let ordering = match literal {
        Literal::Null => return (operator == Operator::Equal) == value.is_none(),
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
