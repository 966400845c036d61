//! One object: a look at its tenant if there is something to sign in with, else what the operator published.

use std::rc::Rc;

use kube::{Client, ResourceExt as _};

use crate::{
    api::{CredentialSource, WebexAzureIntegration},
    cli::plan::examination::{CredentialArguments, Examination, Examiner, Secrets, desired},
    controller::{
        credential::{OperatorIdentity, read},
        store::ObjectKey,
    },
    domain::text::visible,
    graph::{Credential, Transport},
};

/// A declared object, and where it was found.
#[derive(Debug)]
pub struct Declared {
    /// File, or a word for the cluster.
    pub place: String,
    /// The object.
    pub object: WebexAzureIntegration,
    /// Secrets of the files; none for an object of the cluster.
    pub secrets: Option<Rc<Secrets>>,
}

impl Declared {
    /// The object as people name it, made safe.
    pub fn title(&self) -> String {
        let namespace = self.object.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        visible(&format!("{namespace}{}", self.object.name_any()))
    }
}

/// What is known of the tenant of this object, and from where.
pub async fn examine<T: Transport>(
    examiner: &Examiner<'_, T>,
    client: Option<&Client>,
    arguments: &CredentialArguments,
    declared: &mut Declared,
) -> anyhow::Result<(String, Examination)> {
    let (place, object) = (declared.place.clone(), &declared.object);
    let Some(client) = client else {
        let secrets = declared.secrets.clone().unwrap_or_default();
        let credential = arguments.credential(&place, object, &secrets)?;
        let examination = examiner.look(place.clone(), object, &credential).await?;
        let place = if place == "-" { "standard input" } else { &place };
        return Ok((visible(&format!("Looked at just now, as declared in {place}.")), examination));
    };
    make_visible(&mut declared.object)?;
    let object = &declared.object;
    let why = match in_cluster(examiner, client, arguments, object).await? {
        Ok((whose, credential)) => {
            let examination = examiner.look(place.clone(), object, &credential).await?;
            if !examination.is_blocked || !is_told(object) {
                return Ok((format!("Looked at just now, signed in with {whose}."), examination));
            }
            let mut published = Examination::published(place, object)?;
            let why = format!("a look from here did not succeed ({})", examination.observed_reason());
            published.failed = examination.failed;
            return Ok((told(object, &why), published));
        }
        Err(why) => why,
    };
    Ok((told(object, &why), Examination::published(place, object)?))
}

/// What to sign in with for an object of the cluster, or why there is nothing.
async fn in_cluster<T: Transport>(
    examiner: &Examiner<'_, T>,
    client: &Client,
    arguments: &CredentialArguments,
    object: &WebexAzureIntegration,
) -> anyhow::Result<Result<(&'static str, Credential), String>> {
    let desired = desired(object)?;
    let why = match &desired.credential {
        CredentialSource::ClientSecret(_) | CredentialSource::ClientCertificate(_) => {
            let key = ObjectKey { namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
            let endpoints = examiner.endpoints(object);
            // Its own identity is the operator's alone.
            let nobody = OperatorIdentity::default();
            match read(client, &key, &desired, &endpoints, &nobody).await {
                Ok(Ok((credential, _))) => return Ok(Ok(("the credential in the object's Secret", credential))),
                Ok(Err(obstacle)) => format!("its Secret could not be used from here ({})", obstacle.reason),
                Err(error) => format!("its Secret could not be read ({})", visible(&crate::ops::chain(&error))),
            }
        }
        CredentialSource::WorkloadIdentity(_) => {
            "it signs in with a ServiceAccount, which is left to the operator".to_owned()
        }
        CredentialSource::OperatorIdentity => "it signs in with the operator's own identity".to_owned(),
    };
    // Whoever sets the variables that Microsoft's tools read wants them used.
    match arguments.credential("the cluster", object, &Secrets::new()) {
        Ok(credential) => Ok(Ok(("the credential of the environment", credential))),
        Err(_) => Ok(Err(why)),
    }
}

/// Whether the operator has told anything of this object.
fn is_told(object: &WebexAzureIntegration) -> bool {
    object.status.as_ref().is_some_and(|status| !status.conditions.is_empty())
}

fn told(object: &WebexAzureIntegration, why: &str) -> String {
    let status = object.status.clone().unwrap_or_default();
    let when = status.last_observed_time.map_or_else(
        || "never read the tenant completely".to_owned(),
        |last| format!("last wrote a complete look at {}", last.0),
    );
    let is_of_this = status.observed_generation == object.metadata.generation;
    let earlier = if is_of_this { "" } else { " It speaks of an earlier version of the object." };
    format!(
        "Not looked at from here, because {why}; told from the status that the operator published, which {when}.{earlier}"
    )
}

/// A status is text that whoever may write it chose.
fn make_visible(object: &mut WebexAzureIntegration) -> anyhow::Result<()> {
    fn walk(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = visible(text),
            serde_json::Value::Array(items) => {
                for item in items {
                    walk(item);
                }
            }
            serde_json::Value::Object(fields) => {
                for field in fields.values_mut() {
                    walk(field);
                }
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
        }
    }
    if let Some(status) = &object.status {
        let mut value = serde_json::to_value(status)?;
        walk(&mut value);
        object.status = Some(serde_json::from_value(value)?);
    }
    Ok(())
}
