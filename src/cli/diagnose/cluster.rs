//! The objects of a cluster, as far as whoever runs the command may see them.

use kube::{Api, Client, api::ListParams, core::DeserializeGuard};

use super::examine::Declared;
use crate::{
    api::WebexAzureIntegration,
    cli::run::kubernetes_client,
    controller::{pass::PassError, publish::within_deadline},
    domain::text::visible,
    ops,
};

/// Objects of one answer.
const PAGE: u32 = 500;

/// What a cluster told.
#[derive(Default)]
pub struct Found {
    /// Its objects.
    pub declared: Vec<Declared>,
    /// None if no cluster could be asked.
    pub client: Option<Client>,
    /// What is to be said about it.
    pub notes: Vec<String>,
}

/// Asks the cluster of the kubeconfig; that there is none is an answer too.
pub async fn list(namespace: Option<&str>) -> Found {
    let client = match kubernetes_client().await {
        Ok(client) => client,
        Err(error) => {
            // The first sentence names what to set; the causes are about files that nobody meant.
            let note =
                format!("No object was given with -f, so a cluster was looked for: {}.", visible(&error.to_string()));
            return Found { notes: vec![note], ..Found::default() };
        }
    };
    let mut notes = Vec::new();
    let mut answer = pages(&client, namespace).await;
    if namespace.is_none() && answer.as_ref().is_err_and(|error| error.has_code(403)) {
        let own = client.default_namespace().to_owned();
        notes.push(format!(
            "Not allowed to list the objects of all namespaces; only namespace {} was asked.",
            visible(&own)
        ));
        answer = pages(&client, Some(&own)).await;
    }
    let objects = match answer {
        Ok(objects) => objects,
        Err(error) if error.has_code(404) => {
            notes.push("The cluster does not know WebexAzureIntegration objects.".to_owned());
            return Found { notes, ..Found::default() };
        }
        Err(error) => {
            let error = error.about("list", "the WebexAzureIntegration objects");
            notes.push(visible(&format!("The cluster could not be asked: {}.", ops::chain(&error))));
            return Found { notes, ..Found::default() };
        }
    };
    let mut declared = Vec::new();
    for guarded in objects {
        match guarded.0 {
            Ok(object) => declared.push(Declared { place: "the cluster".to_owned(), object, secrets: None }),
            Err(invalid) => notes.push(visible(&format!(
                "{}/{} could not be read: {}",
                invalid.metadata.namespace.clone().unwrap_or_default(),
                invalid.metadata.name.clone().unwrap_or_default(),
                invalid.error
            ))),
        }
    }
    Found { declared, client: Some(client), notes }
}

async fn pages(
    client: &Client,
    namespace: Option<&str>,
) -> Result<Vec<DeserializeGuard<WebexAzureIntegration>>, PassError> {
    let api: Api<DeserializeGuard<WebexAzureIntegration>> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let (mut objects, mut next) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.continue_token = next;
        let page = within_deadline(api.list(&parameters)).await?;
        objects.extend(page.items);
        next = page.metadata.continue_.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(objects);
        }
    }
}
