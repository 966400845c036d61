//! What the words before a value call it, in English and in Chinese.
//!
//! Translations of Control Hub and of support articles differ in their words, so that Chinese is known by the words that
//! matter and not by whole labels.

use super::shape::Text;

/// Most words of a label.
const WORDS_MAX: usize = 6;

/// Longest label, and longest gap between it and its value: columns may be padded.
const REACH: usize = 80;

/// What a value is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The organization that is open in Control Hub.
    Organization,
    /// The organization of whoever is signed in.
    SignedInOrganization,
    /// Whoever is signed in.
    SignedInUser,
    /// The clock of whoever is signed in.
    Clock,
    /// Status of the answer.
    Status,
    /// Code of the error.
    Code,
    /// Webex's name for its request to Microsoft.
    ClientRequestId,
    /// Build of Control Hub.
    Build,
}

const ENGLISH: [(&str, Label); 24] = [
    ("vieworgid", Label::Organization),
    ("vieworganizationid", Label::Organization),
    ("organizationid", Label::Organization),
    ("organisationid", Label::Organization),
    ("orgid", Label::Organization),
    ("loggedinuserorgid", Label::SignedInOrganization),
    ("loggedinuserorganizationid", Label::SignedInOrganization),
    ("userorgid", Label::SignedInOrganization),
    ("loggedinuserid", Label::SignedInUser),
    ("userid", Label::SignedInUser),
    ("loggedinuserclockutc", Label::Clock),
    ("loggedinuserclock", Label::Clock),
    ("userclockutc", Label::Clock),
    ("clockutc", Label::Clock),
    ("status", Label::Status),
    ("statuscode", Label::Status),
    ("httpstatus", Label::Status),
    ("http", Label::Status),
    ("key", Label::Status),
    ("code", Label::Code),
    ("errorcode", Label::Code),
    ("clientrequestid", Label::ClientRequestId),
    ("controlhubbuild", Label::Build),
    ("build", Label::Build),
];

/// Words of which one of each group is in the label; the first row that fits counts.
const CHINESE: [(&[&[&str]], Label); 8] = [
    (&[&["时钟", "時鐘", "时间", "時間"]], Label::Clock),
    (&[&["客户端请求", "用户端请求", "用戶端請求", "客戶端請求", "用戶端要求"]], Label::ClientRequestId),
    (&[&["组织", "組織"], &["登录", "登錄", "登入", "用户", "用戶", "使用者"]], Label::SignedInOrganization),
    (&[&["组织", "組織", "机构", "機構"]], Label::Organization),
    (&[&["登录", "登錄", "登入", "用户", "用戶", "使用者"]], Label::SignedInUser),
    (&[&["代码", "代碼", "错误码", "錯誤碼"]], Label::Code),
    (&[&["状态", "狀態"]], Label::Status),
    (&[&["内部版本", "內部版本", "构建", "建置", "组建", "組建", "版本"]], Label::Build),
];

impl Label {
    /// What the value that begins here is called.
    pub fn before(text: &Text, value: usize) -> Option<Self> {
        let words = words_before(text, value);
        let english = (0..words.len()).find_map(|skipped| {
            let joined: String = words.iter().skip(skipped).map(String::as_str).collect();
            ENGLISH.iter().find(|(name, _)| *name == joined).map(|(_, label)| *label)
        });
        english.or_else(|| chinese(&words))
    }
}

fn chinese(words: &[String]) -> Option<Label> {
    let joined = words.concat();
    if joined.is_ascii() {
        return None;
    }
    let fits = |groups: &&[&[&str]]| groups.iter().all(|group| group.iter().any(|word| joined.contains(word)));
    // "状态代码" is the status of the answer, not a code of the error.
    let is_status = joined.contains("状态") || joined.contains("狀態");
    let found = CHINESE.iter().find(|(groups, _)| fits(groups)).map(|(_, label)| *label);
    if is_status && found == Some(Label::Code) { Some(Label::Status) } else { found }
}

/// Up to six words before this place, up to the next mark that ends a label, in small letters and digits only.
fn words_before(text: &Text, value: usize) -> Vec<String> {
    let mut place = gap_before(text, value);
    let mut words = Vec::new();
    let (mut reach, mut has_broken) = (0, false);
    while words.len() < WORDS_MAX {
        let length = text
            .between(place.saturating_sub(REACH), place)
            .iter()
            .rev()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '*' | '`' | '\''))
            .count();
        let word: String = text
            .between(place - length, place)
            .iter()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase();
        reach += length;
        if length == 0 || reach > REACH {
            break;
        }
        if !word.is_empty() {
            words.push(word);
        }
        place -= length;
        while let Some(c @ (' ' | '\n')) = text.before(place) {
            if c == '\n' && std::mem::replace(&mut has_broken, true) {
                return in_order(words);
            }
            place -= 1;
        }
    }
    in_order(words)
}

fn in_order(mut words: Vec<String>) -> Vec<String> {
    words.reverse();
    words
}

/// Where the label ends: before separators, quotes, marks of lists, and at most two line ends.
fn gap_before(text: &Text, value: usize) -> usize {
    let from = value.saturating_sub(REACH);
    let mut lines = 0;
    let is_gap = |c: &&char| {
        lines += usize::from(**c == '\n');
        lines <= 2
            && matches!(
                c,
                ' ' | '\t' | '\n' | ':' | '=' | '|' | '"' | '\'' | '`' | '*' | '>' | '<' | '(' | '[' | '{' | '-' | '~'
            )
    };
    let length = text.between(from, value).iter().rev().take_while(is_gap).count();
    value - length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(before: &str) -> Option<Label> {
        let text = Text::new(format!("{before}VALUE").chars().collect());
        Label::before(&text, before.chars().count())
    }

    #[test]
    fn english_labels_are_known_whatever_separates_them_from_the_value() {
        for separator in [": ", "=", " = ", " | ", "\t", "\n", ":\n    ", " - ", "\": \"", "**: `", ":** "] {
            assert_eq!(label(&format!("x\nView Org ID{separator}")), Some(Label::Organization), "{separator:?}");
            assert_eq!(label(&format!("Logged-in User Org ID{separator}")), Some(Label::SignedInOrganization));
        }
        assert_eq!(label("Logged-in User\nOrg ID: "), Some(Label::SignedInOrganization));
        assert_eq!(label("{\"error\":{\"key\":\""), Some(Label::Status));
        assert_eq!(label("description\":\"Request unauthorized. client-request-id: "), Some(Label::ClientRequestId));
        assert_eq!(label("Customer Type: Enterprise\nStatus: "), Some(Label::Status));
    }

    #[test]
    fn chinese_labels_are_known_by_the_words_that_matter() {
        for (before, expected) in [
            ("查看组织 ID: ", Label::Organization),
            ("檢視組織ID:", Label::Organization),
            ("登录用户组织 ID: ", Label::SignedInOrganization),
            ("已登入的使用者組織 ID: ", Label::SignedInOrganization),
            ("登录用户 ID: ", Label::SignedInUser),
            ("登录用户时钟 UTC: ", Label::Clock),
            ("已登入使用者時鐘UTC: ", Label::Clock),
            ("状态: ", Label::Status),
            ("HTTP 状态代码: ", Label::Status),
            ("错误代码: ", Label::Code),
            ("客户端请求 ID: ", Label::ClientRequestId),
            ("Control Hub 内部版本: ", Label::Build),
        ] {
            assert_eq!(label(before), Some(expected), "{before}");
        }
    }

    #[test]
    fn other_words_are_no_label() {
        for before in ["", "see ", "Application ID: ", "Object ID: ", "Status Text: ", "状态文本未授权。 ", "Org\n\n\n"]
        {
            assert_eq!(label(before), None, "{before:?}");
        }
    }
}
