//! Lists and single objects as OData answers them: `$filter`, `$select`, `$orderby`, pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::Properties;
use super::error::Refusal;
use super::odata::{OrderBy, Query};
use super::schema::EntityType;

/// Sort key of a row and its id: the place in the list where the next page begins.
type Place = (String, String);

/// One page of a list. `rows` are complete objects with their `id`.
pub(super) fn page(
    context: &Context<'_>,
    request: &GraphRequest,
    entity: &EntityType,
    rows: Vec<Properties>,
) -> Result<Answer, Refusal> {
    let query = &request.query;
    check(entity, query)?;
    let select = selection(context, entity, query)?;
    let mut rows: Vec<(Place, Properties)> = rows
        .into_iter()
        .filter(|row| query.filter.as_ref().is_none_or(|filter| filter.matches(&Value::Object(row.clone()))))
        .map(|row| (place(&row, query.order_by.as_ref()), row))
        .collect();
    let descending = query.order_by.as_ref().is_some_and(|order| order.descending);
    rows.sort_by(|(left, _), (right, _)| if descending { right.cmp(left) } else { left.cmp(right) });
    let total = rows.len();
    if query.is_count_segment {
        return count(query, total);
    }
    let after = query.skip_token.as_deref().map(read_token).transpose()?;
    let mut rest: Vec<(Place, Properties)> = rows
        .into_iter()
        .skip_while(|(place, _)| {
            after.as_ref().is_some_and(|after| if descending { place >= after } else { place <= after })
        })
        .collect();
    let size = usize::try_from(query.top.unwrap_or(context.knobs.page_size).max(1)).unwrap_or(usize::MAX);
    let has_more = rest.len() > size || (rest.len() == size && context.knobs.trailing_empty_page);
    let next = rest.get(size - 1).filter(|_| has_more).map(|(place, _)| write_token(place));
    rest.truncate(size);

    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), context_url(context, entity, query, false).into());
    if query.is_advanced() {
        body.insert("@odata.count".to_owned(), total.into());
    }
    if let Some(token) = next {
        body.insert("@odata.nextLink".to_owned(), next_link(context, request, &token).into());
    }
    let values = rest.into_iter().map(|(_, row)| Value::Object(project(row, select.as_deref())));
    body.insert("value".to_owned(), values.collect());
    Ok(Answer::graph(StatusCode::OK, Value::Object(body)))
}

/// How many rows there are, as plain text. Only the index counts.
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
fn count(query: &Query, total: usize) -> Result<Answer, Refusal> {
    if query.eventual {
        return Ok(Answer::json(StatusCode::OK, total.into()).with("content-type", "text/plain"));
    }
    Err(Refusal::bad_request("$count is not currently supported."))
}

/// One object.
pub(super) fn single(
    context: &Context<'_>,
    request: &GraphRequest,
    entity: &EntityType,
    row: Properties,
) -> Result<Answer, Refusal> {
    let query = &request.query;
    if query.is_count_segment {
        return Err(Refusal::odata("Resource not found for the segment '$count'."));
    }
    if query.filter.is_some() || query.top.is_some() || query.order_by.is_some() {
        return Err(Refusal::odata(
            "The query specified in the URI is not valid. Query options $filter, $orderby and $top can be applied only on collections.",
        ));
    }
    check(entity, query)?;
    let select = selection(context, entity, query)?;
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), context_url(context, entity, query, true).into());
    body.extend(project(row, select.as_deref()));
    Ok(Answer::graph(StatusCode::OK, Value::Object(body)))
}

/// A new object, 201.
pub(super) fn created(context: &Context<'_>, entity: &EntityType, row: Properties) -> Answer {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), context_url(context, entity, &Query::default(), true).into());
    body.extend(project(row, None));
    Answer::graph(StatusCode::CREATED, Value::Object(body))
}

/// Refuses options the list does not take.
fn check(entity: &EntityType, query: &Query) -> Result<(), Refusal> {
    if query.expand {
        return Err(Refusal::not_built("$expand"));
    }
    if let Some(filter) = &query.filter {
        entity.check(filter, query.is_advanced())?;
    }
    match &query.order_by {
        Some(order) if !entity.is_sortable(&order.property, query.is_advanced()) => {
            Err(Refusal::unsupported_query("Sorting not supported for current query."))
        }
        Some(_) | None => Ok(()),
    }
}

/// The names of `$select` as the metadata spells them.
fn selection(context: &Context<'_>, entity: &EntityType, query: &Query) -> Result<Option<Vec<String>>, Refusal> {
    let Some(select) = &query.select else {
        return Ok(None);
    };
    let mut names = Vec::new();
    for name in select {
        match entity.spelling(name) {
            Some(declared) => names.push(declared.to_owned()),
            None if context.knobs.refuse_unknown_select => {
                let kind = entity.name;
                return Err(Refusal::odata(format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{kind}'."
                )));
            }
            None => {}
        }
    }
    Ok(Some(names))
}

/// What of an object is shown. `keyCredentials` come without their keys unless they are asked for by name;
/// `customSecurityAttributes` come only when asked for.
/// <https://learn.microsoft.com/graph/api/serviceprincipal-get>
fn project(mut row: Properties, select: Option<&[String]>) -> Properties {
    if let Some(names) = select {
        return row.into_iter().filter(|(name, _)| names.contains(name) || name.starts_with('@')).collect();
    }
    row.remove("customSecurityAttributes");
    if let Some(Value::Array(keys)) = row.get_mut("keyCredentials") {
        for key in keys.iter_mut().filter_map(Value::as_object_mut) {
            key.insert("key".to_owned(), Value::Null);
        }
    }
    row
}

fn context_url(context: &Context<'_>, entity: &EntityType, query: &Query, is_single: bool) -> String {
    let names = query.select.as_ref().map(|names| format!("({})", names.join(","))).unwrap_or_default();
    let suffix = if is_single { "/$entity" } else { "" };
    format!("{}/v1.0/$metadata#{}{names}{suffix}", context.public_url, entity.set)
}

fn place(row: &Properties, order: Option<&OrderBy>) -> Place {
    let id = super::directory::text(row, "id").to_owned();
    let Some(order) = order else {
        return (String::new(), id);
    };
    let value = super::directory::text(row, &order.property);
    // Times may have fewer digits than their neighbours, so they are sorted as numbers of one width.
    let key = value
        .parse::<Timestamp>()
        .map_or_else(|_| value.to_lowercase(), |time| format!("{:024}", time.as_nanosecond()));
    (key, id)
}

fn write_token((key, id): &Place) -> String {
    URL_SAFE_NO_PAD.encode(json!([key, id]).to_string())
}

fn read_token(token: &str) -> Result<Place, Refusal> {
    let place = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.ok_or_else(|| {
        let message = format!("The specified page token value '{token}' included in the request is not valid.");
        Refusal::new(StatusCode::BAD_REQUEST, "Directory_ExpiredPageToken", message)
    })
}

fn next_link(context: &Context<'_>, request: &GraphRequest, token: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in &request.query.kept {
        query.append_pair(name, value);
    }
    query.append_pair("$skiptoken", token);
    // Form encoding hides the dollar signs; the service shows them.
    let query = query.finish().replace("%24", "$").replace('+', "%20");
    format!("{}/v1.0{}?{query}", context.public_url, request.path)
}
