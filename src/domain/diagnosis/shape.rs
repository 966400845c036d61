//! Values that are known by their shape, also where a line was broken inside them.

use std::fmt;

use jiff::{Timestamp, civil, fmt::rfc2822, tz::TimeZone};
use uuid::Uuid;

/// Longest pause between the halves of a broken value: indentation and marks of quoting.
const BREAK_MAX: usize = 40;

/// Most breaks in one value.
const BREAKS_MAX: usize = 2;

/// How a date in words may begin.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Longest date in words, with spaces.
const DATE_MAX: usize = 64;

/// A text by its characters.
#[derive(Debug)]
pub struct Text(Vec<char>);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|c| write!(f, "{c}"))
    }
}

impl Text {
    /// These characters.
    pub const fn new(chars: Vec<char>) -> Self {
        Self(chars)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is more than white space.
    pub fn has_content(&self) -> bool {
        self.0.iter().any(|c| !c.is_whitespace())
    }

    /// The character at this place.
    pub fn at(&self, place: usize) -> Option<char> {
        self.0.get(place).copied()
    }

    /// The character before this place.
    pub fn before(&self, place: usize) -> Option<char> {
        self.at(place.checked_sub(1)?)
    }

    /// What stands between two places.
    pub fn between(&self, from: usize, to: usize) -> &[char] {
        self.0.get(from..to.min(self.0.len())).unwrap_or_default()
    }

    /// Where a value goes on that is broken at this place; this place if it is not.
    fn over_break(&self, place: usize) -> usize {
        let rest = self.between(place, place + BREAK_MAX);
        let blank = rest.iter().take_while(|c| **c == ' ').count();
        // Mail in quoted-printable ends a broken line with `=`.
        let end = blank + usize::from(rest.get(blank) == Some(&'='));
        if rest.get(end) != Some(&'\n') {
            return place;
        }
        let indentation = rest.iter().skip(end + 1).take_while(|c| matches!(c, ' ' | '\t' | '>' | '|')).count();
        place + end + 1 + indentation
    }

    /// The end of what goes on at this place, if a line is broken before it.
    fn over_break_backwards(&self, place: usize) -> usize {
        let from = place.saturating_sub(BREAK_MAX);
        let blank = |c: &&char| matches!(c, ' ' | '\t' | '>' | '|' | '\n' | '=');
        let gap = self.between(from, place);
        let length = gap.iter().rev().take_while(blank).count();
        let lines = gap.iter().rev().take(length).filter(|c| **c == '\n').count();
        if lines == 1 { place - length } else { place }
    }

    /// Whether what ends here is this text, whatever its case; where it begins.
    pub fn ends_with(&self, end: usize, text: &str) -> Option<usize> {
        let mut place = end;
        for expected in text.chars().rev() {
            let whole = self.over_break_backwards(place);
            let is_expected = |place| self.before(place).is_some_and(|c: char| c.eq_ignore_ascii_case(&expected));
            place = [place, whole].into_iter().find(|place| is_expected(*place))?.checked_sub(1)?;
        }
        Some(place)
    }

    /// Whether this text begins here, whatever its case; where it ends.
    pub fn goes_on_with(&self, start: usize, text: &str) -> Option<usize> {
        let mut place = start;
        let mut breaks = 0;
        for expected in text.chars() {
            let beyond = self.over_break(place);
            breaks += usize::from(beyond != place);
            place = beyond;
            let is_expected = self.at(place).is_some_and(|c| c.eq_ignore_ascii_case(&expected));
            if !is_expected || breaks > BREAKS_MAX {
                return None;
            }
            place += 1;
        }
        Some(place)
    }

    /// A UUID with hyphens, and where it ends.
    pub fn uuid(&self, start: usize) -> Option<(Uuid, usize)> {
        let (mut value, mut place, mut breaks) = (0_u128, start, 0);
        for position in 0..36 {
            if position > 0 {
                let beyond = self.over_break(place);
                breaks += usize::from(beyond != place);
                place = beyond;
            }
            let c = self.at(place).filter(|_| breaks <= BREAKS_MAX)?;
            if matches!(position, 8 | 13 | 18 | 23) {
                (c == '-').then_some(())?;
            } else {
                value = (value << 4) | u128::from(c.to_digit(16)?);
            }
            place += 1;
        }
        let is_longer = self.at(place).is_some_and(is_of_word)
            || (self.at(place) == Some('-') && self.at(place + 1).is_some_and(is_of_word));
        (!is_longer).then(|| (Uuid::from_u128(value), place))
    }

    /// The prefix, and where it begins, if this UUID is part of a tracking ID.
    pub fn tracking_prefix(&self, uuid: usize) -> Option<(String, usize)> {
        let end = self.ends_with(uuid, "_")?;
        let from = end.saturating_sub(32);
        let is_part = |c: &&char| c.is_ascii_alphanumeric() || **c == '-';
        let length = self.between(from, end).iter().rev().take_while(is_part).count();
        let start = end - length;
        let is_whole = !self.before(start).is_some_and(|c| is_of_word(c) || c == '_');
        let prefix: String = self.between(start, end).iter().collect();
        (is_whole && prefix.starts_with(|c: char| c.is_ascii_alphabetic())).then_some((prefix, start))
    }

    /// The number at the end of a tracking ID, and where it ends.
    pub fn tracking_suffix(&self, uuid_end: usize) -> Option<(String, usize)> {
        let start = self.goes_on_with(uuid_end, "_")?;
        let start = self.over_break(start);
        let number: String = self.between(start, start + 8).iter().take_while(|c| c.is_ascii_digit()).collect();
        let end = start + number.len();
        let is_whole = !self.at(end).is_some_and(is_of_word);
        (is_whole && !number.is_empty()).then_some((number, end))
    }

    /// The digits from here on, if they stand by themselves, and where they end.
    pub fn number(&self, start: usize) -> Option<(String, usize)> {
        let digits: String = self.between(start, start + 12).iter().take_while(|c| c.is_ascii_digit()).collect();
        let end = start + digits.len();
        (!digits.is_empty() && self.stands_alone(start, end)).then_some((digits, end))
    }

    /// A build of Control Hub, such as 20230519-182b260, and where it ends.
    pub fn build(&self, start: usize) -> Option<(String, usize)> {
        let part: String = self.between(start, start + 24).iter().take_while(|c| is_of_build(**c)).collect();
        let (date, commit) = part.split_once('-')?;
        let is_build = date.len() == 8
            && date.chars().all(|c| c.is_ascii_digit())
            && (7..=12).contains(&commit.len())
            && commit.chars().all(|c| c.is_ascii_hexdigit());
        let end = start + part.len();
        is_build.then_some((part, end))
    }

    /// A published code, if it stands by itself, also where a line was broken inside it; where it ends.
    pub fn code(&self, start: usize, code: &str) -> Option<usize> {
        let end = self.goes_on_with(start, code)?;
        self.stands_alone(start, end).then_some(end)
    }

    /// A date with time in universal time; in words also without a label.
    pub fn date(&self, start: usize) -> Option<Date> {
        let chars = self.between(start, start + DATE_MAX);
        let begin: String = chars.iter().take(3).collect::<String>().to_ascii_lowercase();
        let may_begin = begin.starts_with(|c: char| c.is_ascii_digit()) || WEEKDAYS.contains(&begin.as_str());
        if !may_begin {
            return None;
        }
        // A line may be broken between two words, or inside one.
        [' ', '\n'].into_iter().find_map(|instead| {
            let spaced: String = chars.iter().map(|c| if *c == '\n' { instead } else { *c }).collect();
            let spaced = spaced.replace('\n', "").replace('\t', " ");
            let text = spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            in_words(&text)
                .map(Date::InWords)
                .or_else(|| in_figures(&text).or_else(|| in_chinese(&text)).map(Date::Plain))
        })
    }

    fn stands_alone(&self, start: usize, end: usize) -> bool {
        let is_digit = |place: usize| self.at(place).is_some_and(|c| c.is_ascii_digit());
        let goes_on = self.at(end).is_some_and(|c| is_of_word(c) || matches!(c, '_' | '-'))
            || (matches!(self.at(end), Some('.' | ',')) && is_digit(end + 1));
        let belongs = self.before(start).is_some_and(|c| is_of_word(c) || matches!(c, '_' | '-' | '.'));
        !goes_on && !belongs
    }
}

/// A point in time, and whether its form alone says that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Date {
    /// As in mail and HTTP: `Sun, 21 May 2023 22:44:59 GMT`.
    InWords(Timestamp),
    /// In figures; anything may be dated so.
    Plain(Timestamp),
}

/// Letters and digits of scripts that put spaces between words; Chinese stands directly before an identifier.
pub fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() && c < '\u{2E80}'
}

fn is_of_build(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

fn in_words(text: &str) -> Option<Timestamp> {
    let upper = text.to_ascii_uppercase();
    let end = ["GMT", "UTC", "+0000"].into_iter().filter_map(|zone| upper.find(zone)).min()?;
    let date = format!("{}GMT", text.get(..end)?);
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(&date).ok()
}

fn in_figures(text: &str) -> Option<Timestamp> {
    let end = text.find('Z')?;
    text.get(..=end)?.parse().ok()
}

/// `2023年5月21日 星期日 22:44:59 GMT`, with or without spaces.
fn in_chinese(text: &str) -> Option<Timestamp> {
    let (year, rest) = text.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let (day, rest) = rest.split_once(['日', '号', '號'])?;
    let time = rest.get(rest.find(|c: char| c.is_ascii_digit())?..)?;
    let mut parts = time.splitn(3, ':');
    let (hour, minute, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let second: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let number = |part: &str| part.trim().parse::<i8>().ok();
    let date = civil::Date::new(year.trim().parse().ok()?, number(month)?, number(day)?).ok()?;
    let time = civil::Time::new(number(hour)?, number(minute)?, number(&second)?, 0).ok()?;
    Some(date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text::new(text.chars().collect())
    }

    const ID: &str = "2fdb923e-1d23-4e1b-a30f-e9cd88845744";

    #[test]
    fn an_identifier_is_read_over_a_broken_line_but_not_over_anything_else() {
        let expected: Uuid = ID.parse().unwrap();
        for whole in [
            ID,
            "2fdb923e-\n1d23-4e1b-a30f-e9cd88845744",
            "2fdb923e-1d23=\n> > 4e1b-a30f",
            "2fdb923e-1d23-4e1b-a30f-e9cd8\n   8845744",
        ] {
            let found = text(whole).uuid(0).map(|(id, _)| id);
            assert_eq!(found, (!whole.contains('=')).then_some(expected), "{whole}");
        }
        assert_eq!(text("2fdb923e-1d23-=\n> > 4e1b-a30f-e9cd88845744").uuid(0).unwrap().0, expected);
        for broken in [
            "2fdb923e-1d23-4e1b-a30f-e9cd8884574",
            "2fdb923e-1d23-4e1b-a30f-e9cd888457440",
            "2fdb923e-1d23-4e1b-a30f-e9cd88845744-1",
            "2fdb923e 1d23-4e1b-a30f-e9cd88845744",
            "2fdb923\u{435}-1d23-4e1b-a30f-e9cd88845744",
            "２fdb923e-1d23-4e1b-a30f-e9cd88845744",
            "2fdb923e-\n\n1d23-4e1b-a30f-e9cd88845744",
        ] {
            assert_eq!(text(broken).uuid(0), None, "{broken}");
        }
    }

    #[test]
    fn times_are_read_in_the_forms_of_the_field() {
        let expected: Timestamp = "2023-05-21T22:44:59Z".parse().unwrap();
        for (form, date) in [
            ("Sun, 21 May 2023 22:44:59 GMT, and more", Date::InWords(expected)),
            ("21 May 2023 22:44:59 UTC", Date::InWords(expected)),
            ("Sun, 21 May\n2023 22:44:59 GMT", Date::InWords(expected)),
            ("Mon, 21 May 2023 22:44:59 GMT", Date::InWords(expected)),
            ("2023-05-21T22:44:59Z", Date::Plain(expected)),
            ("2023年5月21日 星期日 22:44:59 GMT", Date::Plain(expected)),
            ("2023 年 5 月 21 日，22:44:59", Date::Plain(expected)),
        ] {
            assert_eq!(text(form).date(0), Some(date), "{form}");
        }
        for none in ["5/21/2023, 6:43:59 PM", "21 May 2023", "2023-13-45T22:44:59Z", "2023年13月45日 22:44:59"] {
            assert_eq!(text(none).date(0), None, "{none}");
        }
    }
}
