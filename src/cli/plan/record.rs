//! `plan --record`: the folder with the transcripts.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::super::output;
use crate::graph::transcript::{Replaced, Transcript};

/// What lies beside the transcripts.
const README: &str = "\
# A recording of Microsoft Graph's answers

Written by `webex-azure-operator plan --record`, version VERSION. One transcript for each object that was looked for.

A transcript holds each request of the look (method, path, query, the items of a batch) and each answer (status, some
headers, body), the declaration of the object, and what the look came to. Replaced are:

- ids, by 00000000-0000-4000-8000-… in the order in which they appear; the same id is always replaced by the same;
- names, addresses, domains, descriptions and every other text that is not known to be the same in every tenant, by
  text-0001 and so on; names of properties that Microsoft did not publish too;
- in error messages all but ordinary words;
- times, all moved by the same number of seconds, so that the recording began on 2020-01-01;
- numbers whose meaning is not known, by 0.

Left as they are: ids of Microsoft Graph, of its permissions and of Cisco's published application; names of these; error
codes made of ordinary words; statuses, switches, and values that Microsoft Graph's description lists.

Not in it at all: the client secret, the certificate or token that was signed in with, and access tokens (of a token only
what it says of its permissions and lifetime, and ids replaced as above); headers that are not known to be harmless;
which id or name became which.

Please read the transcripts before you send them.

FILES";

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
    /// Makes the folder; nothing that lies in it is ever written over.
    pub fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let shown = folder.display();
        match fs::read_dir(folder) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    bail!("{shown} is not empty: --record writes into a folder that is empty or not there");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder).with_context(|| format!("could not make the folder {shown}"))?;
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not use {shown} as the folder to record in"));
            }
        }
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
            "Read what was recorded before you send it: README.md beside it says in words what is in it, and plan --replay shows \
             what it leads to.",
        );
        Ok(())
    }
}

/// Writes a file that nobody else may read and that was not there before.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("could not write {}", path.display()))
}
