//! Pasted text made plain: one alphabet of separators, no markup, no marks that cannot be seen.
//!
//! Letters and digits stay as they are, so that what only looks like an identifier does not become one.

use super::shape::Text;
use crate::domain::text::deceives;

/// Longest tag that is taken for one, and longest title that a terminal is told to show.
const MARKUP_MAX: usize = 2048;

/// The plain text.
pub fn tidy(bytes: &[u8]) -> Text {
    let chars: Vec<char> = decoded(bytes).chars().collect();
    let chars = without_entities(&chars);
    let chars = without_terminal_codes(&chars);
    let chars = without_backslashes(&folded(&chars));
    Text::new(without_tags(&chars))
}

/// Windows writes UTF-16 where a console's output goes to a file.
fn decoded(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn without_entities(chars: &[char]) -> Vec<char> {
    let mut plain = Vec::with_capacity(chars.len());
    let mut rest = chars;
    while let Some((&c, after)) = rest.split_first() {
        let entity = (c == '&').then(|| entity(after)).flatten();
        (plain, rest) = match entity {
            Some((decoded, length)) => (pushed(plain, decoded), after.get(length..).unwrap_or_default()),
            None => (pushed(plain, c), after),
        };
    }
    plain
}

fn pushed(mut chars: Vec<char>, c: char) -> Vec<char> {
    chars.push(c);
    chars
}

/// What stands for the character, and how long it is with its semicolon.
fn entity(after: &[char]) -> Option<(char, usize)> {
    let length = after.iter().take(10).position(|c| *c == ';')?;
    let name: String = after.get(..length)?.iter().collect();
    let decoded = match name.as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "colon" => ':',
        "equals" => '=',
        "lowbar" => '_',
        "sol" => '/',
        "shy" => '\u{AD}',
        other => {
            let number = other.strip_prefix('#')?;
            let value = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(value.ok()?)?
        }
    };
    Some((decoded, length + 1))
}

/// Colours, titles and links of a terminal's output.
fn without_terminal_codes(chars: &[char]) -> Vec<char> {
    let mut plain = Vec::with_capacity(chars.len());
    let mut rest = chars;
    while let Some((&c, after)) = rest.split_first() {
        rest = match (c, after) {
            ('\u{1B}', ['[', parameters @ ..]) | ('\u{9B}', parameters) => behind_sequence(parameters).unwrap_or(after),
            ('\u{1B}', [']' | 'P' | '^' | '_', string @ ..]) => behind_string(string).unwrap_or(after),
            _ => {
                plain.push(c);
                after
            }
        };
    }
    plain
}

/// What follows parameters and the letter that ends them.
fn behind_sequence(parameters: &[char]) -> Option<&[char]> {
    let length = parameters.iter().take(64).take_while(|c| (' '..='?').contains(*c)).count();
    let is_ended = parameters.get(length).is_some_and(|c| ('@'..='~').contains(c));
    is_ended.then(|| parameters.get(length + 1..)).flatten()
}

/// What follows a string and the mark that ends it.
fn behind_string(string: &[char]) -> Option<&[char]> {
    let end = string.iter().take(MARKUP_MAX).position(|c| matches!(c, '\u{7}' | '\\'))?;
    string.get(end + 1..)
}

fn folded(chars: &[char]) -> Vec<char> {
    let mut plain = Vec::with_capacity(chars.len());
    let mut was_return = false;
    for &c in chars {
        let is_second_half = c == '\n' && was_return;
        was_return = c == '\r';
        if !is_second_half {
            plain.extend(fold(c));
        }
    }
    plain
}

/// One alphabet of line ends, spaces, dashes, quotes and separators; nothing for what cannot be seen.
fn fold(c: char) -> Option<char> {
    Some(match c {
        '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '\t' => '\t',
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => '-',
        '“' | '”' | '„' | '«' | '»' | '「' | '」' | '『' | '』' | '《' | '》' => '"',
        '‘' | '’' | '‚' => '\'',
        '。' | '．' | '｡' => '.',
        '、' => ',',
        '【' => '[',
        '】' => ']',
        '\u{2236}' | '\u{FE30}' | '\u{FE55}' | '\u{A789}' => ':',
        '│' | '┃' | '¦' | '║' => '|',
        '\u{FF01}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF5E}' => {
            char::from_u32(u32::from(c) - 0xFEE0)?
        }
        c if deceives(c) => return None,
        c => c,
    })
}

/// Escapes of JSON and of Markdown; a backslash at the end of a line means that it goes on.
fn without_backslashes(chars: &[char]) -> Vec<char> {
    let mut plain = Vec::with_capacity(chars.len());
    let mut rest = chars;
    while let Some((&c, after)) = rest.split_first() {
        if c != '\\' {
            plain.push(c);
            rest = after;
            continue;
        }
        rest = match after {
            ['\n', rest @ ..] => rest,
            ['n' | 'r' | 't', rest @ ..] => {
                plain.push('\n');
                rest
            }
            ['u', a, b, c, d, behind @ ..] => {
                let digits: String = [a, b, c, d].into_iter().collect();
                match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
                    Some(decoded) => {
                        plain.extend(fold(decoded));
                        behind
                    }
                    None => after,
                }
            }
            _ => after,
        };
    }
    plain
}

/// Tags of HTML become what they look like: lines, columns, or nothing.
fn without_tags(chars: &[char]) -> Vec<char> {
    let mut plain = Vec::with_capacity(chars.len());
    let mut rest = chars;
    while let Some((&c, after)) = rest.split_first() {
        let tag = (c == '<').then(|| tag(after)).flatten();
        rest = if let Some((instead, length)) = tag {
            plain.extend(instead);
            after.get(length..).unwrap_or_default()
        } else {
            plain.push(c);
            after
        };
    }
    plain
}

/// What a tag looks like, and how long it is. An address between angle brackets is no tag.
fn tag(after: &[char]) -> Option<(Option<char>, usize)> {
    let is_comment = after.first() == Some(&'!');
    let start = usize::from(after.first() == Some(&'/'));
    let name: String = after.iter().skip(start).take_while(|c| c.is_ascii_alphanumeric()).take(12).collect();
    let name = name.to_ascii_lowercase();
    let follows = after.get(start + name.len()).copied();
    let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && follows.is_some_and(|c| c.is_whitespace() || matches!(c, '>' | '/'));
    if !is_comment && !is_tag {
        return None;
    }
    let end = after.iter().take(MARKUP_MAX).position(|c| *c == '>')?;
    let instead = match name.as_str() {
        "td" | "th" | "dd" if start == 0 => Some('|'),
        "br" | "p" | "div" | "tr" | "li" | "dt" | "ul" | "ol" | "table" | "pre" | "section" | "h1" | "h2" | "h3"
        | "h4" | "h5" | "h6" => Some('\n'),
        _ => None,
    };
    Some((instead, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        tidy(text.as_bytes()).to_string()
    }

    #[test]
    fn markup_becomes_what_it_looks_like() {
        assert_eq!(plain("<td>View Org ID</td><td class=\"a\">x</td>"), "|View Org ID|x");
        assert_eq!(
            plain("Status&#58; <b>401</b><br/>&lt;https://admin.webex.com/x&gt;"),
            "Status: 401\n<https://admin.webex.com/x>"
        );
        assert_eq!(plain(r#"{\"key\":\"401\",\u0022a\u0022}"#), r#"{"key":"401","a"}"#);
        assert_eq!(plain(r"ATLAS\_497d"), "ATLAS_497d");
    }

    #[test]
    fn separators_and_line_ends_of_all_kinds_are_one() {
        assert_eq!(plain("状态：401\r\n码＝1\rx\u{2028}y\u{a0}z"), "状态:401\n码=1\nx\ny z");
        assert_eq!(plain("2fdb923e\u{2011}1d23\u{200b}\u{feff}"), "2fdb923e-1d23");
    }

    #[test]
    fn codes_of_a_terminal_vanish_also_when_they_are_written_as_entities() {
        assert_eq!(plain("\u{1b}[31m701018\u{1b}[0m \u{1b}]0;title\u{7}x &#27;[2Jy \u{9b}1mz"), "701018 x y z");
        assert_eq!(plain("\u{1b}[\u{1b}\u{7}\u{8}a"), "[a");
    }

    #[test]
    fn letters_and_digits_stay_as_they_are() {
        assert_eq!(plain("７０１０１８ \u{0430}"), "７０１０１８ \u{0430}");
    }

    #[test]
    fn utf_16_is_read_by_its_mark() {
        let units = |unit: fn(u16) -> [u8; 2]| "\u{feff}状态: 401".encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        assert_eq!(tidy(&units(u16::to_le_bytes)).to_string(), "状态: 401");
        assert_eq!(tidy(&units(u16::to_be_bytes)).to_string(), "状态: 401");
    }
}
