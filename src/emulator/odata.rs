//! OData addresses: path segments with keys, and query options. Knows nothing of entities.

use super::error::Refusal;
use super::filter::{self, Filter};

/// Longest list page of the directory.
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
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, present or not")]
pub(super) struct Query {
    pub(super) filter: Option<Filter>,
    pub(super) select: Option<Vec<String>>,
    pub(super) top: Option<u32>,
    pub(super) order_by: Option<OrderBy>,
    pub(super) count: bool,
    /// `/$count` stands at the end of the path: the answer is a number.
    pub(super) is_count_segment: bool,
    pub(super) skip_token: Option<String>,
    pub(super) expand: bool,
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
    /// Whether the request asks for the index with its richer operators.
    pub(super) fn is_advanced(&self) -> bool {
        self.eventual && (self.count || self.is_count_segment)
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
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        match name.to_ascii_lowercase().as_str() {
            "$filter" => query.filter = Some(filter::parse(&value).map_err(Refusal::odata)?),
            "$select" => query.select = Some(names(&value)),
            "$top" => query.top = Some(top(&value)?),
            "$orderby" => query.order_by = Some(order_by(&value)?),
            "$count" => query.count = flag(&name, &value)?,
            "$expand" => query.expand = true,
            "$skiptoken" => query.skip_token = Some(value.to_string()),
            "$search" => return Err(Refusal::not_built("$search")),
            other if other.starts_with('$') => {
                return Err(Refusal::odata(format!("The query parameter '{name}' is not supported.")));
            }
            _ => {}
        }
        if !name.eq_ignore_ascii_case("$skiptoken") {
            query.kept.push((name.into_owned(), value.into_owned()));
        }
    }
    Ok(query)
}

fn names(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn top(value: &str) -> Result<u32, Refusal> {
    let invalid = || {
        let message = format!("Invalid page size specified: '{value}'. Must be between 1 and {MAX_TOP} inclusive.");
        Refusal::unsupported_query(message)
    };
    let number: u32 = value.parse().map_err(|_| invalid())?;
    if (1..=MAX_TOP).contains(&number) { Ok(number) } else { Err(invalid()) }
}

fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    value
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| Refusal::odata(format!("Invalid value '{value}' for {name} query option found.")))
}

fn order_by(value: &str) -> Result<OrderBy, Refusal> {
    let mut words = value.split_whitespace();
    let property = words.next().unwrap_or_default().to_owned();
    let direction = words.next().unwrap_or("asc").to_ascii_lowercase();
    if property.is_empty()
        || property.contains(',')
        || words.next().is_some()
        || !matches!(direction.as_str(), "asc" | "desc")
    {
        return Err(Refusal::unsupported_query("Sorting not supported for current query."));
    }
    Ok(OrderBy { property, descending: direction == "desc" })
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
    fn a_page_size_outside_1_to_999_is_refused_with_the_documented_range() {
        for value in ["0", "1000", "-1", "ten"] {
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
