//! `plan` over a transport and a clock that the caller brings: the command without files, sockets and terminal.

use super::{Looked, Looker, Secrets, Style, credential::CredentialArguments, exit_status, table, take_in};
use crate::{
    api::AppId,
    clock::Clock,
    domain::{Attribution, cloud::Endpoints},
    graph::{Graph, Transport},
};

/// What `plan` prints about the objects in this manifest, and its exit status. An error is what it would say of the
/// manifest. Credentials stand in the manifest too; nothing is taken from the environment.
pub async fn plan_over<T: Transport>(
    transport: T,
    clock: Clock,
    manifest: &str,
    linkable: &[AppId],
    attribution: Attribution,
) -> anyhow::Result<(String, u8)> {
    let (mut objects, mut secrets) = (Vec::new(), Secrets::new());
    take_in("-", manifest, &mut objects, &mut secrets)?;
    let graph = Graph::new(transport, clock.clone());
    let mut planned = Vec::new();
    for (file, object) in objects {
        let endpoints = Endpoints::of(object.spec.cloud);
        let credential = CredentialArguments::default().credential(&file, &object, &secrets)?;
        let looker = Looker { clock: &clock, endpoints: &endpoints, linkable, attribution, explains: false };
        let Looked { planned: one, .. } = looker.look_and_inquire(&graph, file, &object, &credential).await?;
        planned.push(one);
    }
    let text = planned.iter().map(|planned| table(planned, Style::Plain)).collect::<Vec<_>>().join("\n");
    Ok((text, exit_status(&planned)))
}
