//! How the questions of a look get to Microsoft Graph and the answers back: within the tenant's budget, in batches, with
//! items that were asked to wait asked again alone.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use tracing::debug;

use super::{
    super::{
        batch::{BatchAnswer, BatchRequest, ITEMS_MAX, Item, ItemAnswer},
        budget::{self, BudgetKey, Cost, PATIENCE},
        call::{self, Answer},
        challenge, line,
        look::Question,
        metric::Strange,
        retry_after,
        trail::{Exchange, Operation},
        transport::Transport,
    },
    Reader,
};
use crate::domain::Obstacle;

/// Items that were asked to wait are asked again this often within a look.
const ITEM_RETRIES: u32 = 2;

/// Answers by the names of the items, or what stood in their way.
pub(in super::super) type Answers = BTreeMap<String, Result<ItemAnswer, Obstacle>>;

/// Whose budget this look spends.
pub(in super::super) fn budget_key(question: Question<'_>) -> BudgetKey {
    (question.desired.cloud, question.desired.tenant, question.desired.client)
}

/// Why a request did not get an answer that can be read.
pub(in super::super) enum Refused {
    /// The token was not accepted; with the claims that a new one should have, where told.
    Token { claims: Option<String> },
    /// Anything else.
    Obstacle(Obstacle),
}

impl<T: Transport> Reader<'_, T> {
    /// All items, in as many requests as they need. A request that fails after others were answered leaves its items
    /// and those behind them unanswered, and takes nothing away from the others.
    pub(super) async fn batches(&self, items: &[Item]) -> Result<Answers, Refused> {
        let mut answers = Answers::new();
        let mut failed: Option<Obstacle> = None;
        for requests in items.chunks(ITEMS_MAX) {
            let answered = match &failed {
                Some(obstacle) => Err(Refused::Obstacle(obstacle.clone())),
                None => self.batch(requests).await,
            };
            match answered {
                Ok(answered) => answers.extend(answered),
                Err(Refused::Obstacle(obstacle)) if !answers.is_empty() => {
                    answers.extend(requests.iter().map(|item| (item.id.clone(), Err(obstacle.clone()))));
                    failed = Some(obstacle);
                }
                Err(refused) => return Err(refused),
            }
        }
        Ok(answers)
    }

    /// One request; items that were asked to wait for a moment are asked again alone.
    async fn batch(&self, items: &[Item]) -> Result<Answers, Refused> {
        let mut answers = self.exchange(items).await?;
        for _ in 0..ITEM_RETRIES {
            let may_wait = |item: &&Item| item.operation != Operation::DirectoryAudits;
            let wait = |item: &&Item| answers.get(&item.id).and_then(|answer| short_wait(answer.as_ref().ok()?, self));
            let (again, waits): (Vec<Item>, Vec<Duration>) =
                items.iter().filter(may_wait).filter_map(|item| Some((item.clone(), wait(&item)?))).unzip();
            let Some(longest) = waits.into_iter().max() else { break };
            self.graph.hold_back(longest).await;
            match self.exchange(&again).await {
                Ok(answered) => answers.extend(answered),
                Err(Refused::Obstacle(obstacle)) => {
                    answers.extend(again.into_iter().map(|item| (item.id, Err(obstacle.clone()))));
                }
                Err(refused @ Refused::Token { .. }) => return Err(refused),
            }
        }
        Ok(answers)
    }

    async fn exchange(&self, requests: &[Item]) -> Result<Answers, Refused> {
        let costs: Vec<Cost> = requests.iter().map(|item| budget::cost_of(&item.url)).collect();
        // Reads of the audit log were paid for before they were asked, so that nothing waits for them.
        let cost = Cost { units: costs.iter().map(|cost| cost.units).sum(), audits: 0 };
        self.line.metrics.batch(requests.len());
        let body = serde_json::to_vec(&BatchRequest { requests }).expect("strings and maps of strings become JSON");
        let url = format!("{}/v1.0/$batch", self.question.endpoints.graph);
        let began = self.graph.clock.instant();
        let answer = self.send(Operation::Batch, Method::POST, &url, Bytes::from(body), cost).await?;
        let took = self.graph.clock.instant().duration_since(began);
        if answer.status != StatusCode::OK {
            let sentence = format!("$batch was answered with status {}", answer.status.as_u16());
            return Err(Refused::Obstacle(Obstacle::malformed(&sentence)));
        }
        let batch: BatchAnswer = answer.json().map_err(|error| Refused::Obstacle(error.obstacle()))?;
        let no_item = || Refused::Obstacle(Obstacle::malformed("it was not the JSON that is documented"));
        let mut by_id = batch.by_id().ok_or_else(no_item)?;
        let mut answers = Answers::new();
        let mut told = 0;
        for (item, cost) in requests.iter().zip(costs) {
            let Some(answer) = by_id.remove(&item.id) else { continue };
            let units = budget::told_cost(&answer.headers);
            told += units.unwrap_or(cost.units);
            self.note(item, &answer, took);
            // The tenant's other looks mind at once what was said here; what it means for this one is read later.
            self.minded(item.operation, answer.status, &answer.headers);
            if answer.status == StatusCode::UNAUTHORIZED {
                return Err(Refused::Token { claims: challenge::claims(&answer.headers) });
            }
            answers.insert(item.id.clone(), Ok(answer));
        }
        self.graph.budgets.settle(&budget_key(self.question), cost.units, told, self.graph.clock.instant());
        self.line.metrics.strange(Strange::UnaskedItem, by_id.len());
        self.line.metrics.strange(Strange::UnansweredItem, requests.len() - answers.len());
        Ok(answers)
    }

    /// Counts an item and keeps it for the trail.
    fn note(&self, item: &Item, answer: &ItemAnswer, took: Duration) {
        let (operation, status) = (item.operation, answer.status.as_u16());
        let resource_units = budget::told_cost(&answer.headers);
        let code = answer.body.as_ref().filter(|_| !answer.status.is_success()).and_then(line::error_code);
        let request_id = line::item_request_id(&answer.headers, answer.body.as_ref());
        debug!(
            operation = operation.as_str(),
            status,
            code,
            graph.request_id = request_id,
            graph.client_request_id = item.client_request_id(),
            "an item of a batch was answered"
        );
        self.line.metrics.item(operation, status);
        self.line.metrics.units(operation, resource_units.unwrap_or_default());
        self.line.trail.note(Exchange {
            operation,
            method: "GET".to_owned(),
            target: item.url.clone(),
            status: Some(status),
            code,
            request_id,
            client_request_id: item.client_request_id().to_owned(),
            resource_units,
            took,
        });
    }

    /// Sends one request of this look, when the tenant's budget allows it.
    pub(super) async fn send(
        &self,
        operation: Operation,
        method: Method,
        url: &str,
        body: Bytes,
        cost: Cost,
    ) -> Result<Answer, Refused> {
        let Self { graph, question, line, token } = self;
        let key = budget_key(*question);
        let wait = graph.budgets.take(&key, cost, graph.clock.instant()).map_err(Refused::Obstacle)?;
        graph.hold_back(wait).await;
        let refused = || Refused::Token { claims: None };
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret())).map_err(|_| refused())?;
        authorization.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, authorization);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request =
            request.body(body).map_err(|_| Refused::Obstacle(Obstacle::malformed("a link was no address")))?;
        let answer = line.call(operation, request).await.map_err(|error| Refused::Obstacle(error.obstacle()))?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(Refused::Token { claims: challenge::claims(&answer.headers) });
        }
        match self.minded(operation, answer.status, &answer.headers) {
            Some(obstacle) => Err(Refused::Obstacle(obstacle)),
            None => Ok(answer),
        }
    }

    /// The obstacle behind an answer or item that is an error whatever was asked; the tenant's budget minds what it says
    /// about limits. The audit log has limits of its own.
    fn minded(&self, operation: Operation, status: StatusCode, headers: &HeaderMap) -> Option<Obstacle> {
        let (budgets, now) = (&self.graph.budgets, self.graph.clock.instant());
        let key = budget_key(self.question);
        if operation == Operation::DirectoryAudits {
            let obstacle = call::general_obstacle(status, headers, &self.graph.clock)?;
            budgets.mind_audits(&key, &obstacle, now);
            return Some(obstacle);
        }
        budgets.learn(&key, headers, budget::is_refusal(status), now);
        let obstacle = call::general_obstacle(status, headers, &self.graph.clock)?;
        budgets.mind(&key, &obstacle, now);
        Some(obstacle)
    }
}

/// How long an item asks to wait, if it may be asked again within this look.
fn short_wait<T>(answer: &ItemAnswer, reader: &Reader<'_, T>) -> Option<Duration> {
    let is_passing = matches!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    );
    let seconds = retry_after::seconds(&answer.headers, reader.graph.clock.now()).filter(|_| is_passing)?;
    let wait = Duration::from_secs(seconds.into());
    (wait <= PATIENCE).then_some(wait)
}
