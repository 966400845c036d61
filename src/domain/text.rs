//! Foreign text made safe to print: display names and messages come from the tenant, and anyone there may set them.

use std::fmt::Write as _;

/// Longest foreign text that is repeated, in characters.
pub const FOREIGN_MAX: usize = 64;

/// Longest message of a condition, in bytes: an event's note holds no more.
pub const MESSAGE_MAX: usize = 1024;

/// The text with every character that could deceive a reader or a terminal shown as its code, in one line and capped.
///
/// Shown as code: control characters, line separators, bidirectional and zero-width marks, tags, variation selectors,
/// private use. Double quotes become single ones, because the text is quoted where it is used.
pub fn safe(foreign: &str) -> String {
    let mut shown = String::new();
    for (count, c) in foreign.chars().enumerate() {
        if count == FOREIGN_MAX {
            shown.push('…');
            break;
        }
        if c == '"' {
            shown.push('\'');
        } else if deceives(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Longest foreign text that is repeated inside a sentence with a remedy, in bytes.
const BRIEF_MAX: usize = 48;

/// The same, short enough for a message that has to hold more than that.
pub fn brief(foreign: &str) -> String {
    let mut shown = safe(foreign);
    if shown.len() > BRIEF_MAX {
        let mut end = BRIEF_MAX - '…'.len_utf8();
        while !shown.is_char_boundary(end) {
            end -= 1;
        }
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// The same for a text of ours that others may have touched: whole, and with its quotes.
pub fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if deceives(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
        shown
    })
}

pub(super) fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'
            | '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{E000}'..='\u{F8FF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{10FFFF}')
}

/// The text cut to the length of a message at a character's boundary, with a mark where it was cut.
pub fn capped(mut message: String) -> String {
    if message.len() <= MESSAGE_MAX {
        return message;
    }
    let mut end = MESSAGE_MAX - '…'.len_utf8();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message.push('…');
    message
}

/// The items as a person lists them, at most `most` of them by name.
pub fn listed(items: &[String], most: usize) -> String {
    match items.len().checked_sub(most) {
        Some(rest) if rest > 0 => {
            let named: Vec<&str> = items.iter().take(most).map(String::as_str).collect();
            format!("{} and {rest} more", named.join(", "))
        }
        _ => items.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_deceive_are_shown_as_codes() {
        assert_eq!(safe("Cisco\u{202e}xebeW\u{1b}[31m\n"), "Cisco\\u{202e}xebeW\\u{1b}[31m\\u{a}");
        assert_eq!(safe("a\u{200b}b\u{feff}\u{2066}"), "a\\u{200b}b\\u{feff}\\u{2066}");
        assert_eq!(safe("say \"hi\" <b>"), "say 'hi' <b>");
    }

    #[test]
    fn a_text_of_ours_is_kept_whole_but_for_what_deceives() {
        assert_eq!(visible("say \"hi\"\n\u{1b}[2J\u{202e}"), "say \"hi\"\\u{a}\\u{1b}[2J\\u{202e}");
        assert_eq!(visible(&"a".repeat(1000)).len(), 1000);
    }

    #[test]
    fn ordinary_text_in_any_script_stays() {
        for text in ["Cisco Webex Identity - Azure AD", "思科网讯", "Größe", "שלום"] {
            assert_eq!(safe(text), text);
        }
    }

    #[test]
    fn long_text_is_capped_without_breaking_a_character() {
        assert_eq!(safe(&"ä".repeat(70)), format!("{}…", "ä".repeat(64)));
        assert_eq!(brief("EncounteredQuarantineException"), "EncounteredQuarantineException");
        assert!(brief(&"ä".repeat(70)).len() <= BRIEF_MAX && brief(&"\u{202e}".repeat(70)).ends_with('…'));
        let message = capped("ä".repeat(600));
        assert!(message.len() <= MESSAGE_MAX && message.ends_with('…'));
    }
}
