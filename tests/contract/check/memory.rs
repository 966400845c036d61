//! Which shapes were found right before, so that two million looks of the simulation are not each validated anew.
//!
//! A shape is the text of request and answer in which identifiers, dates and long numbers stand for themselves no
//! more. Only such text is replaced as meets its pattern to the letter; all else, keys and members of enumerations
//! among it, is kept. So what has the shape of a valid answer is valid.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, header};

use super::batch;

static KNOWN: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// The shapes of an exchange: of a batch, one per item.
pub fn shapes(request: &Request<Bytes>, response: &Response<Bytes>) -> Vec<u64> {
    let target = request.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let kind = response.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let mut outer = Shape::new();
    outer.take(request.method().as_str().as_bytes());
    outer.take(target.as_bytes());
    outer.take(if batch::is_eventual(request) { b"eventual" } else { b"" });
    outer.take(response.status().as_str().as_bytes());
    outer.take(kind);
    let is_batch = batch::graph_target(request).is_some_and(|target| batch::is_batch(&target));
    if is_batch
        && response.status() == http::StatusCode::OK
        && let Some(items) = items(request.body(), response.body())
    {
        let of_item = |(request, response): (&[u8], &[u8])| {
            let mut shape = outer;
            shape.take(request);
            shape.take(response);
            shape.0
        };
        return items.into_iter().map(of_item).collect();
    }
    // A form holds secrets and says nothing about the answer.
    outer.take(response.body());
    vec![outer.0]
}

/// Whether all of them were found right before.
pub fn knows(shapes: &[u64]) -> bool {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    !shapes.is_empty() && shapes.iter().all(|shape| known.contains(shape))
}

/// They were found right.
pub fn learn(shapes: &[u64]) {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).extend(shapes);
}

/// FNV-1a over text with what varies left out.
#[derive(Debug, Clone, Copy)]
struct Shape(u64);

impl Shape {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn take(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            if !is_word(*first) {
                self.byte(*first);
                rest = after;
                continue;
            }
            if first.is_ascii_digit()
                && let Some((length, has_zone)) = date(rest)
            {
                self.byte(if has_zone { 1 } else { 2 });
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length);
            self.word(word);
            rest = after;
        }
        self.byte(0);
    }

    fn word(&mut self, word: &[u8]) {
        let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
        if word.len() == 36 && is_guid(word) {
            self.byte(3);
        } else if word.len() >= 40 && digits > 0 {
            // No member of an enumeration is like it.
            self.byte(4);
        } else if (4..=9).contains(&word.len()) && digits == word.len() {
            self.byte(5);
        } else {
            for byte in word {
                self.byte(*byte);
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_guid(word: &[u8]) -> bool {
    let dashes = [8, 13, 18, 23];
    word.iter()
        .enumerate()
        .all(|(at, byte)| if dashes.contains(&at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Length of the date and time that a text begins with, and whether it has a zone.
fn date(text: &[u8]) -> Option<(usize, bool)> {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let head = text.get(..FORM.len())?;
    let fits = |(own, form): (&u8, &u8)| if *form == b'0' { own.is_ascii_digit() } else { own == form };
    if !head.iter().zip(FORM).all(fits) {
        return None;
    }
    let number = |at: usize| {
        head.get(at..at + 2).map_or(99, |two| two.iter().fold(0_u32, |sum, byte| sum * 10 + u32::from(byte - b'0')))
    };
    let (month, day, hour, minute, second) = (number(5), number(8), number(11), number(14), number(17));
    let days = match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut length = FORM.len();
    let rest = text.get(length..).unwrap_or_default();
    if rest.first() == Some(&b'.') {
        let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=12).contains(&digits) {
            return None;
        }
        length += 1 + digits;
    }
    match text.get(length) {
        Some(b'Z') if text.get(length + 1).is_none_or(|next| !is_word(*next)) => Some((length + 1, true)),
        Some(next) if is_word(*next) || *next == b'+' || *next == b'.' || *next == b':' => None,
        _ => Some((length, false)),
    }
}

/// The items of a batch with the requests that they answer. None if the envelope is not as expected, which is for
/// the description to judge.
fn items<'a>(request: &'a [u8], response: &'a [u8]) -> Option<Vec<(&'a [u8], &'a [u8])>> {
    let requests = elements(request, br#"{"requests":["#)?;
    let responses = elements(response, br#"{"responses":["#)?;
    if requests.len() != responses.len() {
        return None;
    }
    let mut requests: Vec<(&[u8], &[u8])> =
        requests.into_iter().map(|item| Some((id(item)?, item))).collect::<Option<_>>()?;
    let mut pairs = Vec::with_capacity(responses.len());
    for response in responses {
        let own = id(response)?;
        let place = requests.iter().position(|(other, _)| *other == own)?;
        pairs.push((requests.swap_remove(place).1, response));
    }
    Some(pairs)
}

/// The elements of the only list of an object.
fn elements<'a>(text: &'a [u8], head: &[u8]) -> Option<Vec<&'a [u8]>> {
    let inner = text.strip_prefix(head)?.strip_suffix(b"]}")?;
    let (mut found, mut start) = (Vec::new(), 0);
    walk(inner, |at, depth, byte| {
        if depth == 0 && byte == b',' {
            found.push(inner.get(start..at));
            start = at + 1;
        }
    })?;
    found.push(inner.get(start..));
    found.into_iter().collect()
}

/// The text of the member `id` of an object.
fn id(object: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = br#""id":""#;
    let mut place = None;
    walk(object, |at, depth, byte| {
        if depth == 1 && byte == b'"' && place.is_none() && object.get(at..).is_some_and(|rest| rest.starts_with(NAME))
        {
            place = Some(at + NAME.len());
        }
    })?;
    let rest = object.get(place?..)?;
    rest.get(..rest.iter().position(|byte| *byte == b'"')?)
}

/// Goes through JSON and shows each byte outside of texts, and the quote that begins a text, with its depth.
/// None if it is not balanced.
fn walk(text: &[u8], mut see: impl FnMut(usize, u32, u8)) -> Option<()> {
    let (mut depth, mut in_text, mut is_escaped) = (0_u32, false, false);
    for (at, byte) in text.iter().copied().enumerate() {
        if in_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        if matches!(byte, b'}' | b']') {
            depth = depth.checked_sub(1)?;
        }
        see(at, depth, byte);
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => depth += 1,
            _ => {}
        }
    }
    (depth == 0 && !in_text).then_some(())
}
