//! LIST and WATCH of the custom resource: pages, revisions, first events.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    Answer, ApiServer,
    answer::{self, Failure},
    request::{RequestLine, Resource},
    store::event_line,
    watch::{WatchOptions, bookmark_line, too_old_line},
};

/// How long a watch lasts that does not say; a real server draws from 30 to 60 minutes.
const DEFAULT_WATCH_TIMEOUT: Duration = Duration::from_mins(30);

/// Where a list goes on: the revision of its first page (negative: the present one) and the first key.
struct ContinueToken {
    revision: i64,
    start: String,
}

impl ApiServer {
    pub(super) fn list(&mut self, line: &RequestLine, headers: &HeaderMap) -> Result<Answer, Failure> {
        refuse_unserved(line, headers)?;
        let prefix = prefix(line);
        let limit = line.query.get("limit").and_then(|limit| limit.parse().ok());
        let mut limit: Option<usize> = limit.filter(|limit| *limit > 0);
        let token = line.query.get("continue").filter(|token| !token.is_empty());
        let (revision, start) = if let Some(token) = token {
            self.continued(line, token)?
        } else {
            if line.query.get("resourceVersion").is_some_and(|revision| revision == "0") {
                limit = None;
            }
            (self.list_revision(line, limit.is_some())?, String::new())
        };
        let objects: Vec<(&str, &Arc<Value>)> =
            self.store.list_at(&prefix, revision).filter(|(key, _)| *key >= start.as_str()).collect();
        let page = limit.unwrap_or(objects.len()).min(objects.len());
        let items: Vec<&Value> = objects.iter().take(page).map(|(_, object)| &***object).collect();
        let mut metadata = json!({ "continue": "", "resourceVersion": revision.to_string() });
        if let Some((last, _)) = objects.get(page.wrapping_sub(1)).filter(|_| page < objects.len()) {
            let revision = i64::try_from(revision).unwrap_or(i64::MAX);
            metadata["continue"] = ContinueToken { revision, start: format!("{last}\0") }.encode().into();
            metadata["remainingItemCount"] = (objects.len() - page).into();
        }
        let resource = Resource::Integrations;
        let list = json!({
            "apiVersion": resource.api_version(),
            "kind": format!("{}List", resource.kind()),
            "metadata": metadata,
            "items": items,
        });
        Ok(Answer::Response(answer::json_response(StatusCode::OK, &list)))
    }

    fn continued(&self, line: &RequestLine, token: &str) -> Result<(u64, String), Failure> {
        if line.query.get("resourceVersion").is_some_and(|revision| !revision.is_empty()) {
            return Err(Failure::bad_request("specifying resource version is not allowed when using continue"));
        }
        let ContinueToken { revision, start } = ContinueToken::decode(token)
            .ok_or_else(|| Failure::bad_request("invalid continue token: continue key is not valid"))?;
        match u64::try_from(revision) {
            Ok(revision) if revision < self.store.compacted() => {
                Err(Failure::expired_continue(ContinueToken { revision: -1, start }.encode()))
            }
            Ok(revision) => Ok((revision, start)),
            Err(_) => Ok((self.store.revision(), start)),
        }
    }

    fn list_revision(&self, line: &RequestLine, is_limited: bool) -> Result<u64, Failure> {
        let present = self.store.revision();
        let matching = line.query.get("resourceVersionMatch").map(String::as_str);
        let wanted = revision(line)
            .map_err(|refused| Failure::bad_request(format!("invalid resource version: resourceVersion: {refused}")))?;
        match wanted {
            None => Ok(present),
            Some(0) => Ok(self.store.visible()),
            Some(wanted) if wanted > present => Err(Failure::too_large_revision(wanted, present)),
            Some(wanted) if matching == Some("Exact") || (matching.is_none() && is_limited) => {
                if wanted < self.store.compacted() {
                    return Err(Failure::expired("The resourceVersion for the provided list is too old."));
                }
                Ok(wanted)
            }
            Some(wanted) => Ok(self.store.visible().max(wanted)),
        }
    }

    pub(super) fn watch(&mut self, line: &RequestLine, headers: &HeaderMap) -> Result<Answer, Failure> {
        refuse_unserved(line, headers)?;
        let initial_events = line.query.get("sendInitialEvents").map(|value| value == "true");
        if initial_events.is_some()
            && line.query.get("resourceVersionMatch").is_none_or(|matching| matching != "NotOlderThan")
        {
            let message = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            let error = ("resourceVersionMatch", "FieldValueForbidden", message.to_owned());
            return Err(Failure::invalid(("meta.k8s.io", "ListOptions"), "", &[error]));
        }
        let wanted = revision(line).map_err(|refused| Failure::internal(format!("resourceVersion: {refused}")))?;
        let timeout = line.query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok());
        let mut options = WatchOptions {
            prefix: prefix(line),
            after: wanted.unwrap_or_default(),
            initial: Vec::new(),
            timeout: timeout.filter(|seconds| *seconds > 0).map_or(DEFAULT_WATCH_TIMEOUT, Duration::from_secs),
            has_bookmarks: line.flag("allowWatchBookmarks"),
        };
        let has_start = options.after > 0 && initial_events != Some(true);
        if has_start && options.after < self.store.compacted() {
            return Ok(self.refuse_watch(options));
        }
        if !has_start {
            options.after = match wanted {
                None => self.store.revision(),
                Some(wanted) => self.store.visible().max(wanted),
            };
            if initial_events != Some(false) {
                let state = self.store.list_at(&options.prefix, options.after);
                options.initial = state.map(|(_, object)| event_line("ADDED", object)).collect();
                if options.has_bookmarks {
                    options.initial.push(bookmark_line(options.after, true));
                }
            }
        }
        Ok(Answer::Watch(self.watches.open(&self.store, options)))
    }

    /// The status code is 200 and the stream says 410, as the watch cache answers.
    fn refuse_watch(&mut self, mut options: WatchOptions) -> Answer {
        options.initial = vec![too_old_line(options.after, self.store.compacted())];
        Answer::Watch(self.watches.open_closed(&self.store, options))
    }
}

impl ContinueToken {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!({ "v": "meta.k8s.io/v1", "rv": self.revision, "start": self.start }).to_string())
    }

    fn decode(token: &str) -> Option<Self> {
        let token: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (revision, start) = (token.get("rv")?.as_i64()?, token.get("start")?.as_str()?.to_owned());
        (revision != 0 && !start.is_empty()).then_some(Self { revision, start })
    }
}

fn prefix(line: &RequestLine) -> String {
    line.namespace.as_deref().map(|namespace| format!("{namespace}/")).unwrap_or_default()
}

/// The parameter `resourceVersion`, or the words of the parser of a real server.
fn revision(line: &RequestLine) -> Result<Option<u64>, String> {
    let value = line.query.get("resourceVersion").filter(|value| !value.is_empty());
    let parse = |value: &String| {
        let refused = |_| format!("Invalid value: \"{value}\": strconv.ParseUint: parsing \"{value}\": invalid syntax");
        value.parse().map_err(refused)
    };
    value.map(parse).transpose()
}

/// Selectors and metadata-only collections are refused rather than ignored.
fn refuse_unserved(line: &RequestLine, headers: &HeaderMap) -> Result<(), Failure> {
    if let Some(selector) = ["labelSelector", "fieldSelector"].into_iter().find(|name| line.query.contains_key(*name)) {
        return Err(Failure::bad_request(format!("this simulation serves no {selector}")));
    }
    if answer::wants_metadata(headers) { Err(Failure::not_acceptable()) } else { Ok(()) }
}
