//! `$filter`: the part of the language that directory and audit lists are documented to understand.

use jiff::Timestamp;
use serde_json::Value;

/// How deep parentheses may nest; deeper is refused instead of followed.
const MAX_DEPTH: usize = 32;

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

/// Reads a filter; the error is the sentence Graph would answer.
pub(super) fn parse(text: &str) -> Result<Filter, String> {
    let mut parser = Parser { rest: text.trim(), variable: None, depth: 0 };
    let filter = parser.either().ok_or_else(|| invalid(text))?;
    parser.skip_spaces();
    if parser.rest.is_empty() { Ok(filter) } else { Err(invalid(text)) }
}

fn invalid(text: &str) -> String {
    format!("Invalid filter clause: Syntax error in '{text}'.")
}

/// What is left to read. Each method returns nothing where the text is no filter.
struct Parser<'a> {
    rest: &'a str,
    /// The name that `any(name: …)` gave to an element.
    variable: Option<String>,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.one()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let filter = if self.symbol('(') {
            let inner = self.either()?;
            self.symbol(')').then_some(inner)?
        } else {
            self.term()?
        };
        self.depth -= 1;
        Some(filter)
    }

    fn term(&mut self) -> Option<Filter> {
        let word = self.word()?;
        if word.eq_ignore_ascii_case("not") {
            return Some(Filter::Not(Box::new(self.one()?)));
        }
        if self.symbol('(') {
            return self.call(&word);
        }
        let path = self.path(&word);
        let operator = self.word()?.to_ascii_lowercase();
        if operator == "in" {
            return self.list().map(|literals| Filter::In { path, literals });
        }
        let operator = match operator.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "ge" => Operator::GreaterOrEqual,
            "le" => Operator::LessOrEqual,
            "gt" => Operator::Greater,
            "lt" => Operator::Less,
            _ => return None,
        };
        Some(Filter::Compare { path, operator, literal: self.literal()? })
    }

    /// A function or a lambda, after its opening parenthesis.
    fn call(&mut self, name: &str) -> Option<Filter> {
        if let Some(collection) = name.strip_suffix("/any") {
            let path = self.path(collection);
            let variable = self.word()?;
            if !self.symbol(':') || self.variable.is_some() {
                return None;
            }
            self.variable = Some(variable);
            let condition = self.either()?;
            self.variable = None;
            return self.symbol(')').then_some(Filter::Any { path, condition: Box::new(condition) });
        }
        let word = self.word()?;
        let path = self.path(&word);
        let comma = self.symbol(',');
        let Literal::Text(argument) = self.literal()? else { return None };
        if !comma || !self.symbol(')') {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "startswith" => Some(Filter::StartsWith { path, prefix: argument }),
            "endswith" => Some(Filter::EndsWith { path, suffix: argument }),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Vec<Literal>> {
        if !self.symbol('(') {
            return None;
        }
        let mut literals = vec![self.literal()?];
        while self.symbol(',') {
            literals.push(self.literal()?);
        }
        self.symbol(')').then_some(literals)
    }

    /// A property path; inside a lambda the name of the element is dropped.
    fn path(&self, word: &str) -> Vec<String> {
        let mut parts: Vec<String> = word.split('/').map(str::to_owned).collect();
        if parts.first() == self.variable.as_ref() {
            parts.remove(0);
        }
        parts
    }

    fn literal(&mut self) -> Option<Literal> {
        self.skip_spaces();
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let (text, rest) = quoted(rest)?;
            self.rest = rest;
            return Some(Literal::Text(text));
        }
        let end = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || "-:.+".contains(char)));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        match word {
            "true" => Some(Literal::Flag(true)),
            "false" => Some(Literal::Flag(false)),
            "null" => Some(Literal::Null),
            _ if super::identifier::is_guid(word) => Some(Literal::Guid(word.to_owned())),
            _ => moment(word).map(Literal::Moment),
        }
    }

    /// A name or a path of names; it may be followed at once by a parenthesis or a colon.
    fn word(&mut self) -> Option<String> {
        self.skip_spaces();
        let end = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || "_./@".contains(char)));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// Whether this connective comes next; then it is read.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        let found = self.word().is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if !found {
            self.rest = before;
        }
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        self.skip_spaces();
        let stripped = self.rest.strip_prefix(symbol);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// The text up to the closing quote, where two quotes stand for one, and what follows.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut rest = rest;
    loop {
        let (part, after) = rest.split_once('\'')?;
        text.push_str(part);
        let Some(more) = after.strip_prefix('\'') else { return Some((text, after)) };
        text.push('\'');
        rest = more;
    }
}

/// A time, with a zone, or a date alone.
fn moment(word: &str) -> Option<Timestamp> {
    word.parse().ok().or_else(|| format!("{word}T00:00:00Z").parse().ok())
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
        Literal::Moment(moment) => {
            value.and_then(Value::as_str).and_then(|value| value.parse::<Timestamp>().ok()).map(|value| value.cmp(moment))
        }
        Literal::Text(text) | Literal::Guid(text) => {
            value.and_then(Value::as_str).map(|value| value.to_lowercase().cmp(&text.to_lowercase()))
        }
    };
    let Some(ordering) = ordering else { return operator == Operator::NotEqual };
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
        for text in ["", "appId", "appId eq", "appId eq ab", "appId eq 'ab", "appId is 'ab'", "any(t:", "x/any(t t/id eq 'a')", "(a eq 'b'", "a eq 'b')", &deep] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
