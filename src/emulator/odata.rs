//! OData addresses: path segments with keys, and query options. Knows nothing of entities.

use super::error::Refusal;
use super::expand::{self, Expand};
use super::filter::{self, Filter};
use super::search::{self, Search};

/// Longest list page of the directory, which messages name.
const MAX_TOP: u32 = 999;

/// One part of a path: `servicePrincipals`, `servicePrincipals(appId='…')` or an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// As sent, decoded.
    pub(super) name: String,
    /// `(appId='…')` as name and value.
    pub(super) key: Option<(String, String)>,
}

/// The query options of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub(super) filter: Option<Filter>,
    pub(super) select: Option<Vec<String>>,
    pub(super) top: Option<u32>,
    pub(super) order_by: Option<OrderBy>,
    pub(super) count: bool,
    /// `/$count` stands at the end of the path: the answer is a number.
    pub(super) is_count_segment: bool,
    pub(super) skip_token: Option<String>,
    pub(super) expand: Option<Expand>,
    pub(super) search: Option<Search>,
    /// Where a round of change tracking begins.
    pub(super) delta_token: Option<String>,
    /// A filter by type, which only change tracking takes, as it was sent.
    pub(super) type_filter: Option<String>,
    /// `ConsistencyLevel: eventual` was sent: the index may be asked.
    pub(super) eventual: bool,
    /// Every option but `$skiptoken`, as name and value, for `@odata.nextLink`.
    pub(super) kept: Vec<(String, String)>,
}

/// `$orderby` with one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OrderBy {
    pub(super) property: String,
    pub(super) descending: bool,
}

impl Query {
    /// Whether the request asks for the index with its richer operators: the header together with `$count` or
    /// `$search`. <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub(super) fn is_advanced(&self) -> bool {
        self.eventual && (self.count || self.is_count_segment || self.search.is_some())
    }
}

/// Takes a path apart, without `/v1.0`.
pub(super) fn segments(path: &str) -> Vec<Segment> {
    path.split('/').filter(|part| !part.is_empty()).map(|part| segment(&decode(part))).collect()
}

fn segment(part: &str) -> Segment {
    let plain = || Segment { name: part.to_owned(), key: None };
    let Some((name, rest)) = part.split_once('(') else {
        return plain();
    };
    let Some(inside) = rest.strip_suffix(')') else {
        return plain();
    };
    if inside.is_empty() {
        return plain();
    }
    let (key, value) = inside.split_once('=').unwrap_or(("id", inside));
    let value = value.trim();
    let unquoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    let value = unquoted.map_or_else(|| value.to_owned(), |value| value.replace("''", "'"));
    Segment { name: name.to_owned(), key: Some((key.trim().to_owned(), value)) }
}

/// Takes a query apart and checks its form.
pub(super) fn query(raw: &str, eventual: bool) -> Result<Query, Refusal> {
    let mut query = Query { eventual, ..Query::default() };
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        if lower.starts_with('$') && seen.contains(&lower) {
            return Err(Refusal::odata(format!(
                "Query option '{name}' was specified more than once, but it must be specified at most once."
            )));
        }
        match lower.as_str() {
            "$filter" if value.trim_start().starts_with("isof(") => query.type_filter = Some(value.to_string()),
            "$deltatoken" => query.delta_token = Some(value.to_string()),
            "$filter" => query.filter = Some(filter::parse(&value).map_err(Refusal::odata)?),
            "$select" => query.select = names(&value)?,
            "$top" => query.top = Some(top(&value)?),
            "$orderby" => query.order_by = Some(order_by(&value)?),
            "$count" => query.count = flag(&name, &value)?,
            "$expand" => query.expand = Some(expand::parse(&value)?),
            "$skiptoken" => query.skip_token = Some(value.to_string()),
            "$search" => query.search = Some(search::parse(&value).map_err(Refusal::odata)?),
            "$format" if value.eq_ignore_ascii_case("json") || value.starts_with("application/json") => {}
            other if other.starts_with('$') => {
                return Err(Refusal::odata(format!("The query parameter '{name}' is not supported.")));
            }
            _ => {}
        }
        if lower != "$skiptoken" {
            query.kept.push((name.into_owned(), value.into_owned()));
        }
        seen.push(lower);
    }
    Ok(query)
}

/// The names of a `$select`; none of them stands for all.
pub(super) fn names(value: &str) -> Result<Option<Vec<String>>, Refusal> {
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    if let Some(term) = names.iter().find(|name| **name != "*" && !is_name(name)) {
        return Err(bad_term(term));
    }
    let names = names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    Ok((!names.iter().any(|name| name == "*")).then_some(names))
}

/// Whether this is a name of a property, or a path of such names.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./".contains(&byte))
}

/// 400 of the OData layer: this stands where a name is expected.
pub(super) fn bad_term(term: &str) -> Refusal {
    Refusal::odata(format!(
        "Parsing OData Select and Expand failed: Term '{term}' is not valid in a $select or $expand expression."
    ))
}

/// A page size. How large it may be, the list knows.
fn top(value: &str) -> Result<u32, Refusal> {
    let number = value.parse().ok().filter(|number: &u32| *number > 0);
    number.ok_or_else(|| invalid_page_size(value, MAX_TOP))
}

/// 400: a page of this size is not made.
pub(super) fn invalid_page_size(value: &str, max: u32) -> Refusal {
    let message = format!("Invalid page size specified: '{value}'. Must be between 1 and {max} inclusive.");
    Refusal::unsupported_query(message)
}

fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    value
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| Refusal::odata(format!("Invalid value '{value}' for {name} query option found.")))
}

/// `name`, `name asc` or `name desc`. The OData layer refuses what is no order, the directory what has several keys.
fn order_by(value: &str) -> Result<OrderBy, Refusal> {
    let mut orders = value.split(',').map(|part| {
        let mut words = part.split_whitespace();
        let property = words.next().filter(|name| is_name(name))?.to_owned();
        let direction = words.next().unwrap_or("asc").to_ascii_lowercase();
        let is_complete = words.next().is_none() && matches!(direction.as_str(), "asc" | "desc");
        is_complete.then(|| OrderBy { property, descending: direction == "desc" })
    });
    let invalid = || Refusal::odata(format!("Syntax error in the $orderby expression '{value}'."));
    let first = orders.next().flatten().ok_or_else(invalid)?;
    match orders.collect::<Option<Vec<_>>>() {
        None => Err(invalid()),
        Some(others) if others.is_empty() => Ok(first),
        Some(_) => Err(Refusal::unsupported_query("Sorting not supported for current query.")),
    }
}

/// Percent-decoding of a path segment; what is not UTF-8 stays visible as replacement characters.
pub(super) fn decode(part: &str) -> String {
    let mut bytes = part.bytes();
    let mut decoded = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
        if let (b'%', (Some(high), Some(low))) = (byte, pair) {
            decoded.push(high * 16 + low);
            bytes = ahead;
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alternate_key_is_read_in_plain_and_in_encoded_spelling() {
        let expected =
            Segment { name: "servicePrincipals".to_owned(), key: Some(("appId".to_owned(), "a'b".to_owned())) };
        assert_eq!(segments("/servicePrincipals(appId='a''b')"), std::slice::from_ref(&expected));
        assert_eq!(segments("/servicePrincipals(appId=%27a%27%27b%27)"), [expected]);
    }

    #[test]
    fn what_is_no_page_size_is_refused_with_the_documented_range() {
        for value in ["0", "", "-1", "1.5", "ten"] {
            let refusal = query(&format!("$top={value}"), false).unwrap_err();
            assert_eq!(refusal.code, "Request_UnsupportedQuery");
            assert!(refusal.message.contains("Must be between 1 and 999 inclusive."), "{}", refusal.message);
        }
    }

    #[test]
    fn option_names_are_read_in_any_case_and_unknown_ones_are_refused() {
        assert!(query("$orderBy=activityDateTime%20desc", false).unwrap().order_by.unwrap().descending);
        assert_eq!(query("$fitler=x", false).unwrap_err().message, "The query parameter '$fitler' is not supported.");
    }

    #[test]
    fn decoding_leaves_stray_percent_signs_alone() {
        assert_eq!(decode("100%25%2"), "100%%2");
    }
}
