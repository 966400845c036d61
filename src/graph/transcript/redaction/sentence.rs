//! Sentences for people: words that say nothing of whoever uses them stay, and whatever is quoted does not.

use super::{super::public, super::time, Redaction};

const QUOTES: &str = "'\"`";

/// What may stand inside a word besides letters and digits, so that a word with it is replaced as a whole.
const INSIDE: &str = "'-._@/\\+~%$&=:";

impl Redaction {
    /// The sentence without ids, names, numbers and quoted values.
    pub(super) fn sentence(&mut self, sentence: &str) -> String {
        let (mut redacted, mut word, mut rest) = (String::new(), String::new(), sentence);
        while let Some(c) = rest.chars().next() {
            let is_start = word.is_empty();
            let (part, stands) = if let Some(length) = time::length(rest).filter(|_| is_start) {
                let (time, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
                (time, Some(self.time(time).unwrap_or_else(|| self.text(time))))
            } else if let Some(quoted) = quoted(rest).filter(|_| is_start) {
                (quoted, Some(self.quoted(quoted, c)))
            } else {
                let (part, _) = rest.split_at_checked(c.len_utf8()).unwrap_or((rest, ""));
                let is_inside = c.is_alphanumeric() || !c.is_ascii() || INSIDE.contains(c);
                (part, (!is_inside).then(|| part.to_owned()))
            };
            match stands {
                Some(stands) => {
                    redacted.push_str(&self.spoken(&std::mem::take(&mut word)));
                    redacted.push_str(&stands);
                }
                None => word.push_str(part),
            }
            rest = rest.strip_prefix(part).unwrap_or_default();
        }
        redacted.push_str(&self.spoken(&word));
        redacted
    }

    /// A word with the marks that end it.
    fn spoken(&mut self, word: &str) -> String {
        let bare = word.trim_end_matches(['.', '-', '/', '\'', ':']);
        let marks = word.strip_prefix(bare).unwrap_or_default();
        let number = bare.strip_prefix("AADSTS").filter(|number| number.len() <= 9);
        let is_code = number.is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()));
        if is_code || public::is_word(bare) || public::is_name(bare) {
            return word.to_owned();
        }
        self.text(bare) + marks
    }

    fn quoted(&mut self, quoted: &str, quote: char) -> String {
        let inside = quoted.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or(quoted);
        let stands = if public::is_name(inside) { inside.to_owned() } else { self.text(inside) };
        format!("{quote}{stands}{quote}")
    }
}

/// What is quoted at the beginning, with its quotes. An apostrophe inside of a word does not end it.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| QUOTES.contains(*c))?;
    let (_, inside) = text.split_at_checked(quote.len_utf8())?;
    let ends = inside.match_indices(quote).find(|(index, _)| {
        let next = inside.get(index + quote.len_utf8()..).and_then(|after| after.chars().next());
        !next.is_some_and(char::is_alphanumeric)
    });
    text.get(..ends?.0 + 2 * quote.len_utf8())
}
