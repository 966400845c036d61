//! `plan --record`: the folder with the transcripts.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::super::output;
use crate::graph::transcript::{Replaced, Transcript};

/// What lies beside the transcripts.
const README: &str = include_str!("record/README.md");

/// Mode of a folder that nobody else may enter.
const OWNER_ONLY: u32 = 0o700;

/// Transcripts that are written when all looks are done.
#[derive(Debug)]
pub struct Recordings {
    folder: PathBuf,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// Name of the object: for the person at the terminal, not for the folder.
    object: String,
    file: String,
    text: String,
    exchanges: usize,
    replaced: Replaced,
}

impl Recordings {
    /// Makes the folder, for its owner alone; nothing that lies in it is ever written over.
    pub fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let shown = folder.display();
        match fs::read_dir(folder) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    bail!("{shown} is not empty: --record writes into a folder that is empty or not there");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(folder);
                made.with_context(|| format!("could not make the folder {shown}"))?;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not use {shown} as the folder to record in"));
            }
        }
        // One that was there may be open to others.
        let closed = fs::set_permissions(folder, Permissions::from_mode(OWNER_ONLY));
        closed.with_context(|| format!("could not keep the folder {shown} from others"))?;
        Ok(Self { folder: folder.to_owned(), kept: Vec::new() })
    }

    /// Keeps a transcript for later.
    pub fn add(&mut self, object: &str, transcript: &Transcript, replaced: Replaced) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(transcript).context("could not write the transcript as JSON")? + "\n";
        self.kept.push(Kept {
            object: object.to_owned(),
            file: format!("transcript-{}.json", self.kept.len() + 1),
            text,
            exchanges: transcript.exchanges.len(),
            replaced,
        });
        Ok(())
    }

    /// Writes everything, and says where it is and what to do with it.
    pub fn write(self) -> anyhow::Result<()> {
        let Self { folder, kept } = self;
        let mut listed = String::new();
        for Kept { object, file, text, exchanges, replaced } in &kept {
            let path = folder.join(file);
            write_new(&path, text)?;
            let Replaced { ids, texts, times, headers } = replaced;
            let counted = format!(
                "{exchanges} requests with their answers; replaced: {ids} ids, {texts} texts, {times} times; left out: {headers} \
                 headers"
            );
            // Writing to a String cannot fail.
            let _ = writeln!(listed, "- {file}: {counted}.");
            output::say(&format!("recorded {object} in {}: {counted}", path.display()));
        }
        let readme = README.replace("VERSION", env!("CARGO_PKG_VERSION")).replace("FILES", &listed);
        write_new(&folder.join("README.md"), &readme)?;
        output::say(
            "Read what was recorded before you send it: README.md beside it says what to look for, and plan --replay shows what \
             it leads to.",
        );
        Ok(())
    }
}

/// Writes a file that nobody else may read and that was not there before.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("could not write {}", path.display()))
}
