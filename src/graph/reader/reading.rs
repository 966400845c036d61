//! From the answer to one item to a reading: known, absent, or what stood in the way.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    super::{
        batch::ItemAnswer,
        budget::Cost,
        call::{self, CallError},
        list::Pages,
        metric::Strange,
        trail::Operation,
        transport::Transport,
        wire::{self, ErrorAnswer, Page},
    },
    Reader, Refused,
};
use crate::domain::{
    Obstacle, Reading,
    permission::{self, Need},
};

/// The answer to one item.
pub(super) type Answered = Result<ItemAnswer, Obstacle>;

impl<T: Transport> Reader<'_, T> {
    /// The reading behind the answer to one item.
    pub(super) fn read<W: DeserializeOwned>(&self, answer: Answered, need: Need) -> Reading<W> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(obstacle) => return Reading::Unreadable(obstacle),
        };
        if answer.status == StatusCode::OK {
            return match answer.body.map(wire::from_value::<W>) {
                Some(Ok(wire)) => Reading::Known(wire),
                Some(Err(_)) | None => {
                    Reading::Unreadable(Obstacle::malformed("it was not the JSON that is documented"))
                }
            };
        }
        self.refused(&answer, need)
    }

    pub(super) fn refused<W>(&self, answer: &ItemAnswer, need: Need) -> Reading<W> {
        if let Some(obstacle) = call::general_obstacle(answer.status, &answer.headers, &self.graph.clock) {
            return Reading::Unreadable(obstacle);
        }
        let code = answer.body.as_ref().and_then(error_code).unwrap_or_default();
        match (answer.status, code.as_str()) {
            (StatusCode::NOT_FOUND, "Request_ResourceNotFound" | "Directory_ObjectNotFound") => Reading::Absent,
            (StatusCode::FORBIDDEN, _) => {
                let desired = self.question.desired;
                let lacking = permission::lacking(desired, Some(need), &self.token.roles);
                Reading::Unreadable(Obstacle::permission_missing(desired.client, &lacking))
            }
            (StatusCode::NOT_IMPLEMENTED, _) => Reading::Unreadable(Obstacle::not_offered(need.purpose())),
            (status, _) => {
                let sentence = format!("a question was answered with status {}", status.as_u16());
                Reading::Unreadable(Obstacle::malformed(&sentence))
            }
        }
    }

    /// A whole list: its first page from the batch, the others by their links. A list that is not read to its end is not
    /// read at all.
    pub(super) async fn list<W: DeserializeOwned>(
        &self,
        first: Answered,
        need: Need,
    ) -> Result<Reading<Vec<W>>, Refused> {
        let mut page = match self.read::<Page<W>>(first, need) {
            Reading::Known(page) => page,
            // A tenant and a service principal always have their lists, if only empty ones.
            Reading::Absent => {
                let sentence = "a list that is always there was not found";
                return Ok(Reading::Unreadable(Obstacle::malformed(sentence)));
            }
            Reading::Unreadable(obstacle) => return Ok(Reading::Unreadable(obstacle)),
            Reading::NotAsked => return Ok(Reading::NotAsked),
        };
        let mut pages = Pages::new(self.question.endpoints.graph.clone());
        loop {
            let link = match pages.take(page) {
                Ok(Some(link)) => link,
                Ok(None) => return Ok(Reading::Known(pages.into_items())),
                Err(obstacle) => {
                    self.line.metrics.strange(Strange::RefusedLink, 1);
                    return Ok(Reading::Unreadable(obstacle));
                }
            };
            page = match self.page(&link, need).await {
                Ok(page) => page,
                Err(Refused::Token { claims }) => return Err(Refused::Token { claims }),
                Err(Refused::Obstacle(obstacle)) => return Ok(Reading::Unreadable(obstacle)),
            };
        }
    }

    /// A further page of a list.
    pub(super) async fn page<W: DeserializeOwned>(&self, link: &str, need: Need) -> Result<Page<W>, Refused> {
        self.page_of(Operation::Page, Cost { units: 1, audits: 0 }, link, need).await
    }

    pub(super) async fn page_of<W: DeserializeOwned>(
        &self,
        operation: Operation,
        cost: Cost,
        link: &str,
        need: Need,
    ) -> Result<Page<W>, Refused> {
        let answer = self.send(operation, Method::GET, link, Bytes::new(), cost).await?;
        if answer.status == StatusCode::OK {
            let page =
                answer.json().and_then(|value| wire::from_value(value).map_err(|source| CallError::NotJson { source }));
            return page.map_err(|error| Refused::Obstacle(error.obstacle()));
        }
        let body = answer.json().ok();
        let answer = ItemAnswer { status: answer.status, headers: answer.headers, body };
        Err(Refused::Obstacle(match self.refused::<Page<W>>(&answer, need) {
            Reading::Unreadable(obstacle) => obstacle,
            Reading::Absent | Reading::Known(_) | Reading::NotAsked => {
                Obstacle::malformed("a list ended at a link that leads nowhere")
            }
        }))
    }
}

pub(super) fn error_code(body: &Value) -> Option<String> {
    wire::from_value::<ErrorAnswer>(body.clone()).ok().map(|answer| answer.error.code)
}

pub(super) fn map<W, V>(reading: Reading<W>, known: impl FnOnce(W) -> Reading<V>) -> Reading<V> {
    match reading {
        Reading::Known(wire) => known(wire),
        Reading::Absent => Reading::Absent,
        Reading::Unreadable(obstacle) => Reading::Unreadable(obstacle),
        Reading::NotAsked => Reading::NotAsked,
    }
}
