//! `…/delta`: what changed since last time. A state token is the place in the journals of the directory, signed.
//! <https://learn.microsoft.com/graph/delta-query-overview>

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::collection;
use super::context::{Context, GraphRequest};
use super::directory::{self, Properties, text};
use super::directory_object::{DIRECTORY_OBJECT, typed};
use super::error::Refusal;
use super::filter::{Filter, Literal, Operator};
use super::graph::{Named, Route};
use super::odata::Query;
use super::permission::{self, Access};
use super::replica::{Change, JOURNAL, View};
use super::schema::{self, EntityType};

/// "There is a limit of 50 filter expressions."
/// <https://learn.microsoft.com/graph/api/directoryobject-delta>
const MAX_IDS: usize = 50;

/// The operations that track changes.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/delta", |context, request, _: &Named<'_>| answer(context, request, Set::Principals)),
    Route::get("applications/delta", |context, request, _| answer(context, request, Set::Applications)),
    Route::get("directoryobjects/delta", |context, request, _| answer(context, request, Set::Objects)),
    Route::get("oauth2permissiongrants/delta", |context, request, _| answer(context, request, Set::Grants)),
];

/// What is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Set {
    Principals,
    Applications,
    /// Principals and applications.
    Objects,
    Grants,
}

/// The last write of each journal that has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    principals: u64,
    applications: u64,
    grants: u64,
}

/// A state token: "they also encode and include other query parameters specified in the initial request".
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    tenant: String,
    set: Set,
    issued: i64,
    /// Where this round begins; nothing in the first round.
    from: Option<Place>,
    /// Where it ends, once it has begun.
    until: Option<Place>,
    /// The last object that was told in this round.
    after: String,
    select: Option<Vec<String>>,
    ids: Option<BTreeSet<String>>,
    types: Option<BTreeSet<String>>,
}

/// An object that changed: its type, and the properties that did, unless it is new to the reader.
struct Tracked {
    entity: &'static EntityType,
    names: Option<BTreeSet<String>>,
}

impl Set {
    fn entity(self) -> &'static EntityType {
        match self {
            Self::Principals => &schema::SERVICE_PRINCIPAL,
            Self::Applications => &schema::APPLICATION,
            Self::Objects => &DIRECTORY_OBJECT,
            Self::Grants => &schema::OAUTH2_PERMISSION_GRANT,
        }
    }

    fn has(self, entity: &EntityType) -> bool {
        let of_objects = self == Self::Objects && entity.set != schema::OAUTH2_PERMISSION_GRANT.set;
        of_objects || self.entity().set == entity.set
    }
}

fn answer(context: &mut Context<'_>, request: &GraphRequest, set: Set) -> Result<Answer, Refusal> {
    permission::require(context, if set == Set::Grants { Access::ReadGrants } else { Access::ReadApplications })?;
    let query = &request.query;
    let token = query.skip_token.as_deref().or(query.delta_token.as_deref()).filter(|token| !token.is_empty());
    let is_latest = token.is_some_and(|token| token.eq_ignore_ascii_case("latest"));
    let mut state = match token.filter(|_| !is_latest) {
        Some(token) => read(context, request, token, set)?,
        None => begin(context, query, set)?,
    };
    let now = place(context);
    let until = *state.until.get_or_insert(now);
    let (rest, has_more) = if is_latest { (Vec::new(), false) } else { changed(context, &state, until) };
    let is_minimal = request.prefer.to_ascii_lowercase().contains("return=minimal") && state.from.is_some();
    let values: Vec<Value> =
        rest.iter().map(|(id, tracked)| shown(context, &state, id, tracked, is_minimal).into()).collect();
    let (link, option) = if has_more {
        state.after = rest.last().map(|(id, _)| id.clone()).unwrap_or_default();
        ("@odata.nextLink", "$skiptoken")
    } else {
        (state.from, state.until, state.after) = (Some(until), None, String::new());
        ("@odata.deltaLink", "$deltatoken")
    };
    state.issued = context.now.as_second();
    let names = state.select.as_ref().map(|names| format!("({})", names.join(","))).unwrap_or_default();
    let url = context.public_url;
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), format!("{url}/v1.0/$metadata#{}{names}", set.entity().set).into());
    body.insert(link.to_owned(), format!("{url}/v1.0{}?{option}={}", request.path, write(context, &state)).into());
    body.insert("value".to_owned(), values.into());
    Ok(Answer::graph(StatusCode::OK, Value::Object(body)))
}

/// The first round, with what it is restricted to.
fn begin(context: &Context<'_>, query: &Query, set: Set) -> Result<State, Refusal> {
    let is_refused = query.expand.is_some()
        || query.search.is_some()
        || query.top.is_some()
        || query.order_by.is_some()
        || query.count;
    if is_refused {
        let message = "The query parameters $expand, $search, $top, $orderby and $count are not supported with the delta function.";
        return Err(Refusal::unsupported_query(message));
    }
    let select = if set == Set::Objects {
        query.select.as_ref().map(|names| names.iter().map(|name| unqualified(name)).collect())
    } else {
        collection::selection(context, set.entity(), query.select.as_deref())?
    };
    let types = match &query.type_filter {
        Some(filter) if set == Set::Objects => Some(types(filter)?),
        Some(_) => return Err(unsupported_filter()),
        None => None,
    };
    let ids = query.filter.as_ref().map(|filter| {
        let mut ids = BTreeSet::new();
        let is_read = ids_of(filter, &mut ids);
        if is_read && ids.len() <= MAX_IDS { Ok(ids) } else { Err(unsupported_filter()) }
    });
    let (tenant, issued) = (context.tenant.id.clone(), context.now.as_second());
    let ids = ids.transpose()?;
    Ok(State { tenant, set, issued, from: None, until: None, after: String::new(), select, ids, types })
}

/// `microsoft.graph.servicePrincipal/displayName`
fn unqualified(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// "The only supported `$filter` expression is for tracking changes for specific resources, by their id."
fn unsupported_filter() -> Refusal {
    Refusal::unsupported_query("Unsupported or invalid query filter clause specified for the delta function.")
}

fn ids_of(filter: &Filter, ids: &mut BTreeSet<String>) -> bool {
    match filter {
        Filter::Or(left, right) => ids_of(left, ids) && ids_of(right, ids),
        Filter::Compare { path, operator: Operator::Equal, literal: Literal::Text(id) | Literal::Guid(id) }
            if path.len() == 1 && path.iter().all(|name| name == "id") =>
        {
            ids.insert(id.clone());
            true
        }
        Filter::And(..)
        | Filter::Not(_)
        | Filter::Compare { .. }
        | Filter::In { .. }
        | Filter::Call { .. }
        | Filter::Any { .. }
        | Filter::All { .. } => false,
    }
}

/// `isof('microsoft.graph.application') or isof('microsoft.graph.servicePrincipal')`
fn types(filter: &str) -> Result<BTreeSet<String>, Refusal> {
    filter
        .split(" or ")
        .map(|clause| {
            let inside = clause.trim().strip_prefix("isof('").and_then(|rest| rest.strip_suffix("')"));
            inside.filter(|name| name.starts_with("microsoft.graph.")).map(str::to_owned)
        })
        .collect::<Option<_>>()
        .ok_or_else(unsupported_filter)
}

/// How far the journals are, as far as every copy of the directory knows them: what is on its way is told next time.
fn place(context: &Context<'_>) -> Place {
    let tenant = &context.tenant;
    Place {
        principals: tenant.service_principals.settled(context.now),
        applications: tenant.applications.settled(context.now),
        grants: tenant.oauth2_permission_grants.settled(context.now),
    }
}

/// One page of what this round tells, and whether there is more.
fn changed(context: &Context<'_>, state: &State, until: Place) -> (Vec<(String, Tracked)>, bool) {
    let all = match state.from {
        None => existing(context),
        Some(from) => since(context, state.set, from, until),
    };
    let is_wanted = |(id, tracked): &(String, Tracked)| {
        let tells = |names: &BTreeSet<String>| {
            let is_selected = |name: &String| state.select.as_ref().is_none_or(|select| select.contains(name));
            names.iter().any(|name| name == "deletedDateTime" || is_selected(name))
        };
        state.set.has(tracked.entity)
            && *id > state.after
            && state.ids.as_ref().is_none_or(|ids| ids.contains(id))
            && state.types.as_ref().is_none_or(|types| types.contains(tracked.entity.name))
            && tracked.names.as_ref().is_none_or(tells)
    };
    let mut rest: Vec<(String, Tracked)> = all.into_iter().filter(is_wanted).collect();
    let size = usize::try_from(context.knobs.page_size.max(1)).unwrap_or(usize::MAX);
    let has_more = rest.len() > size || (rest.len() == size && context.knobs.trailing_empty_page);
    rest.truncate(size);
    (rest, has_more)
}

/// Everything there is. "Resources that have been created and deleted prior to the initial delta query won't be
/// returned."
fn existing(context: &Context<'_>) -> BTreeMap<String, Tracked> {
    let (tenant, view) = (&context.tenant, context.view);
    let whole = |entity| move |(id, _): (&str, &Properties)| (id.to_owned(), Tracked { entity, names: None });
    directory::live(&tenant.service_principals, view)
        .map(whole(&schema::SERVICE_PRINCIPAL))
        .chain(directory::live(&tenant.applications, view).map(whole(&schema::APPLICATION)))
        .chain(tenant.grants(view).map(whole(&schema::OAUTH2_PERMISSION_GRANT)))
        .collect()
}

/// What the journals have between two places. A grant comes and goes with the principals at its ends.
fn since(context: &Context<'_>, set: Set, from: Place, until: Place) -> BTreeMap<String, Tracked> {
    let tenant = &context.tenant;
    let mut found = BTreeMap::new();
    let mut ends = BTreeSet::new();
    for change in tenant.service_principals.changes(from.principals, until.principals) {
        let comes_or_goes =
            change.names.as_ref().is_none_or(|names| names.iter().any(|name| name == "deletedDateTime"));
        if comes_or_goes {
            ends.insert(change.id.as_str());
        }
        note(&mut found, &schema::SERVICE_PRINCIPAL, change);
    }
    for change in tenant.applications.changes(from.applications, until.applications) {
        note(&mut found, &schema::APPLICATION, change);
    }
    if set == Set::Grants {
        for change in tenant.oauth2_permission_grants.changes(from.grants, until.grants) {
            note(&mut found, &schema::OAUTH2_PERMISSION_GRANT, change);
        }
        let touched = tenant
            .oauth2_permission_grants
            .all(View::Truth)
            .filter(|(_, row)| ends.contains(text(row, "clientId")) || ends.contains(text(row, "resourceId")));
        for (id, _) in touched {
            found.insert(id.to_owned(), Tracked { entity: &schema::OAUTH2_PERMISSION_GRANT, names: None });
        }
    }
    found
}

fn note(found: &mut BTreeMap<String, Tracked>, entity: &'static EntityType, change: &Change) {
    let fresh = || Tracked { entity, names: Some(BTreeSet::new()) };
    let tracked = found.entry(change.id.clone()).or_insert_with(fresh);
    match (&change.names, &mut tracked.names) {
        (Some(new), Some(names)) => names.extend(new.iter().cloned()),
        (None, names) => *names = None,
        (Some(_), None) => {}
    }
}

/// An object as it is now, or that it is gone. "`changed` indicates the item was deleted and can be restored from
/// deletedItems; `deleted` indicates the item is deleted and cannot be restored."
fn shown(context: &Context<'_>, state: &State, id: &str, tracked: &Tracked, is_minimal: bool) -> Properties {
    let (tenant, view) = (&context.tenant, context.view);
    let Tracked { entity, names } = tracked;
    let row = match entity.set {
        "servicePrincipals" => tenant.service_principals.get(view, id),
        "applications" => tenant.applications.get(view, id),
        _ => tenant.grants(view).find(|(own, _)| *own == id).map(|(_, row)| row),
    };
    let is_kept = tenant.oauth2_permission_grants.get(view, id).is_some() || row.is_some();
    let Some(row) = row.filter(|row| directory::is_live(row)) else {
        let reason = if is_kept { "changed" } else { "deleted" };
        let gone = [("id".to_owned(), id.into()), ("@removed".to_owned(), json!({ "reason": reason }))];
        return with_type(state.set, entity, Properties::from_iter(gone));
    };
    let came_back = names.as_ref().is_none_or(|names| names.contains("deletedDateTime"));
    let is_changed = |name: &String| names.as_ref().is_some_and(|names| names.contains(name));
    let is_selected = |name: &String| state.select.as_ref().is_none_or(|select| select.contains(name));
    let is_told = |name: &String| name == "id" || (is_selected(name) && (!is_minimal || came_back || is_changed(name)));
    let row = collection::project(row.clone(), None);
    with_type(state.set, entity, row.into_iter().filter(|(name, _)| is_told(name)).collect())
}

/// Only where rows may be of several types they say their own.
fn with_type(set: Set, entity: &EntityType, row: Properties) -> Properties {
    if set == Set::Objects { typed(entity, &row) } else { row }
}

fn write(context: &Context<'_>, state: &State) -> String {
    let payload = serde_json::to_vec(state).unwrap_or_default();
    let tag = hmac::sign(&key(context), &payload);
    let bytes: Vec<u8> = tag.as_ref().iter().chain(&payload).copied().collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a token: whatever this emulator did not write is refused, and what it wrote more than seven days ago is gone.
fn read(context: &Context<'_>, request: &GraphRequest, token: &str, set: Set) -> Result<State, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let state = bytes
        .split_at_checked(hmac::HMAC_SHA256.digest_algorithm().output_len())
        .filter(|(tag, payload)| hmac::verify(&key(context), payload, tag).is_ok())
        .and_then(|(_, payload)| serde_json::from_slice::<State>(payload).ok())
        .filter(|state| state.set == set && state.tenant == context.tenant.id);
    let Some(state) = state else {
        let message = "The specified state token included in the request is not valid.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "Directory_ExpiredPageToken", message));
    };
    let now = place(context);
    let is_ahead = state.from.is_some_and(|from| {
        from.principals > now.principals || from.applications > now.applications || from.grants > now.grants
    });
    let end = Timestamp::from_second(state.issued).and_then(|issued| issued.checked_add(JOURNAL));
    if is_ahead || end.is_ok_and(|end| end < context.now) {
        return Err(gone(context, request));
    }
    Ok(state)
}

/// 410: the reader has to begin anew, at the address in `Location`. Which code comes with it is documented by example
/// only: "error codes such as syncStateNotFound".
/// <https://learn.microsoft.com/graph/delta-query-overview#synchronization-reset>
fn gone(context: &Context<'_>, request: &GraphRequest) -> Refusal {
    let message =
        "The sync state generation is not found. The delta token is expired and data must be synchronized again.";
    let location = format!("{}/v1.0{}?$deltatoken=", context.public_url, request.path);
    let refusal = Refusal::new(StatusCode::GONE, "syncStateNotFound", message);
    Refusal { headers: vec![("location", location)], ..refusal }
}

fn key(context: &Context<'_>) -> hmac::Key {
    let seed = match context.view {
        View::Copy { seed, .. } => seed,
        View::Truth => 0,
    };
    hmac::Key::new(hmac::HMAC_SHA256, &[b"state token".as_slice(), &seed.to_le_bytes()].concat())
}
