//! `plan --replay`: the look that a transcript tells of, once more.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};

use super::{super::output, Looked, Looker, PlanArguments, Planned, exit_code, print};
use crate::{
    api::WebexAzureIntegration,
    clock::Clock,
    domain::{Attribution, Desired, cloud::Endpoints},
    graph::{
        Graph,
        transcript::{FORMAT, Replay, Transcript, Verdict},
    },
};

/// Looks at every transcript.
pub async fn replay(arguments: &PlanArguments) -> anyhow::Result<ExitCode> {
    let mut planned = Vec::new();
    for path in &arguments.replay {
        planned.push(look(path, arguments.explain).await?);
    }
    print(&planned, arguments.output, arguments.color.style())?;
    Ok(exit_code(&planned))
}

async fn look(path: &Path, explains: bool) -> anyhow::Result<Planned> {
    let file = path.display().to_string();
    let transcript = read(path)?;
    let Transcript { began, decided, consent_link_app_ids, spec, verdict, .. } = &transcript;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let object = WebexAzureIntegration::new(&name, spec.clone());
    let desired =
        Desired::from_spec(spec).map_err(|_| anyhow::anyhow!("{file}: the declaration in it breaks its rules"))?;
    let clock = Clock::seeded(*began, 0);
    let replay = Replay::new(&transcript);
    let graph = Graph::new(replay.clone(), clock.clone());
    let looker = Looker {
        clock: &clock,
        endpoints: &Endpoints::of(spec.cloud),
        linkable: consent_link_app_ids,
        attribution: Attribution::Off,
        explains,
    };
    let credential = transcript.credential(&desired);
    let Looked { look, desired, .. } = looker.look(&graph, file.clone(), &object, &credential).await?;
    replay.finish().with_context(|| {
        format!("{file}: this version asks something else than was recorded, so that it cannot be replayed")
    })?;
    let planned = looker.judged(file.clone(), &object, desired, look, *decided, None).planned;
    if Verdict::of(&planned.status, str::to_owned) != *verdict {
        output::say(&format!("{file}: the look that was recorded came to something else"));
    }
    Ok(planned)
}

fn read(path: &Path) -> anyhow::Result<Transcript> {
    let text = fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    let transcript: Transcript =
        serde_json::from_str(&text).with_context(|| format!("{} is no transcript", path.display()))?;
    if transcript.format != FORMAT {
        bail!("{}: transcripts of form {} are not known, only of form {FORMAT}", path.display(), transcript.format);
    }
    Ok(transcript)
}
