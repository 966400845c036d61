//! Lists and single objects as OData answers them: `$filter`, `$select`, `$orderby`, pages.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::expand::{self, Expand};
use super::filter::Filter;
use super::odata::{self, OrderBy, Query};
use super::page_token::{self, Place};
use super::schema::EntityType;
use super::search::Search;

/// One page of a list. `rows` are complete objects with their `id`.
pub(super) fn page(
    context: &Context<'_>,
    request: &GraphRequest,
    entity: &EntityType,
    rows: Vec<Properties>,
) -> Result<Answer, Refusal> {
    let query = &request.query;
    check(context, entity, query)?;
    if let Some(top) = query.top.filter(|top| *top > entity.max_top()) {
        return Err(odata::invalid_page_size(&top.to_string(), entity.max_top()));
    }
    let select = selection(context, entity, query.select.as_deref())?;
    let search = search(entity, query)?;
    let counted: Vec<&str> = query.filter.as_ref().map(Filter::counted).unwrap_or_default();
    let mut rows: Vec<(Place, Properties)> = rows
        .into_iter()
        .filter(|row| {
            let object = expand::counted(context, entity, &counted, row);
            query.filter.as_ref().is_none_or(|filter| filter.matches(&object))
                && search.as_ref().is_none_or(|search| search.matches(&object))
        })
        .map(|row| (place(&row, query.order_by.as_ref()), row))
        .collect();
    let descending = query.order_by.as_ref().is_some_and(|order| order.descending);
    rows.sort_by(|(left, _), (right, _)| if descending { right.cmp(left) } else { left.cmp(right) });
    let total = rows.len();
    if query.is_count_segment {
        return count(query, total);
    }
    let token = query.skip_token.as_deref();
    let after = token.map(|token| page_token::read(context, request, entity, token)).transpose()?;
    let mut rest: Vec<(Place, Properties)> = rows
        .into_iter()
        .skip_while(|(place, _)| {
            after.as_ref().is_some_and(|after| if descending { place >= after } else { place <= after })
        })
        .collect();
    let size = usize::try_from(query.top.unwrap_or(context.knobs.page_size).max(1)).unwrap_or(usize::MAX);
    let has_more = rest.len() > size || (rest.len() == size && context.knobs.trailing_empty_page);
    let last = rest.get(size - 1).filter(|_| has_more);
    let next = last.map(|(place, _)| page_token::write(context, request, place));
    rest.truncate(size);

    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), context_url(context, entity, query, false).into());
    // "Present only in the first page": https://learn.microsoft.com/graph/query-parameters#skiptoken
    if query.is_advanced() && query.count && after.is_none() {
        body.insert("@odata.count".to_owned(), total.into());
    }
    if let Some(token) = next {
        body.insert("@odata.nextLink".to_owned(), next_link(context, request, &token).into());
    }
    let shown =
        rest.into_iter().map(|(_, row)| show(context, entity, query, row, select.as_deref()).map(Value::Object));
    body.insert("value".to_owned(), Value::Array(shown.collect::<Result<_, _>>()?));
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
    if query.filter.is_some() || query.top.is_some() || query.order_by.is_some() || query.search.is_some() {
        return Err(Refusal::odata(
            "The query specified in the URI is not valid. Query options $filter, $orderby, $search and $top can be applied only on collections.",
        ));
    }
    check(context, entity, query)?;
    let select = selection(context, entity, query.select.as_deref())?;
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), context_url(context, entity, query, true).into());
    body.extend(show(context, entity, query, row, select.as_deref())?);
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
fn check(context: &Context<'_>, entity: &EntityType, query: &Query) -> Result<(), Refusal> {
    if let Some(expand) = &query.expand {
        expand::check(entity, expand, query.is_advanced())?;
        selection(context, expand::related_type(entity, expand)?, expand.select.as_deref())?;
    }
    if query.type_filter.is_some() || query.delta_token.is_some() {
        return Err(Refusal::unsupported_query("Filters by type and state tokens are for the delta function."));
    }
    if let Some(filter) = &query.filter {
        entity.check(filter, query.is_advanced())?;
    }
    match &query.order_by {
        Some(order) if entity.is_sortable(&order.property, query.is_advanced()) => Ok(()),
        Some(OrderBy { property, .. }) if entity.is_unknown(property) => {
            Err(Refusal::odata(format!("Could not find a property named '{property}' on type '{}'.", entity.name)))
        }
        Some(_) => Err(Refusal::unsupported_query("Sorting not supported for current query.")),
        None => Ok(()),
    }
}

/// The search with its properties spelled as declared. The refusal without the header is the published one.
/// <https://learn.microsoft.com/graph/aad-advanced-queries#error-handling-for-advanced-queries-on-directory-objects>
fn search(entity: &EntityType, query: &Query) -> Result<Option<Search>, Refusal> {
    let Some(search) = &query.search else {
        return Ok(None);
    };
    if !entity.has_search() {
        return Err(Refusal::not_built(&format!("$search in {}", entity.set)));
    }
    if !query.eventual {
        return Err(Refusal::unsupported_query(
            "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
        ));
    }
    let spelled = search.clone().spelled(&|name| entity.searchable(name));
    spelled.map(Some).map_err(|name| {
        Refusal::unsupported_query(format!(
            "Unsupported or invalid search clause specified for property '{name}' of resource '{}'.",
            entity.resource
        ))
    })
}

/// An object as the request wants it shown.
fn show(
    context: &Context<'_>,
    entity: &EntityType,
    query: &Query,
    row: Properties,
    select: Option<&[String]>,
) -> Result<Properties, Refusal> {
    let Some(expand) = &query.expand else {
        return Ok(project(row, select));
    };
    let (name, related) = expand::related(context, entity, expand, text(&row, "id"))?;
    let inner = selection(context, expand::related_type(entity, expand)?, expand.select.as_deref())?;
    let related = related.into_iter().map(|row| Value::Object(project(row, inner.as_deref())));
    let mut shown = project(row, select);
    shown.insert(name.to_owned(), related.collect());
    Ok(shown)
}

/// The names of `$select` as the metadata spells them.
pub(super) fn selection(
    context: &Context<'_>,
    entity: &EntityType,
    select: Option<&[String]>,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(select) = select else {
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
pub(super) fn project(mut row: Properties, select: Option<&[String]>) -> Properties {
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
    let mut names = query.select.clone().unwrap_or_default();
    names.extend(query.expand.iter().map(|Expand { relationship, select }| {
        format!("{relationship}({})", select.as_ref().map(|names| names.join(",")).unwrap_or_default())
    }));
    let names = if names.is_empty() { String::new() } else { format!("({})", names.join(",")) };
    let suffix = if is_single { "/$entity" } else { "" };
    format!("{}/v1.0/$metadata#{}{names}{suffix}", context.public_url, entity.set)
}

fn place(row: &Properties, order: Option<&OrderBy>) -> Place {
    let id = text(row, "id").to_owned();
    let Some(order) = order else {
        return (String::new(), id);
    };
    let value = text(row, &order.property);
    // Times may have fewer digits than their neighbours, so they are sorted as numbers of one width.
    let key = value
        .parse::<Timestamp>()
        .map_or_else(|_| value.to_lowercase(), |time| format!("{:024}", time.as_nanosecond()));
    (key, id)
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
