//! The two forms in which metrics are read: OpenMetrics, and the text form from before it that every reader knows.

use http::{HeaderMap, header::ACCEPT};

/// The form in which metrics are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
    OpenMetrics,
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/>
    Text,
}

impl Form {
    /// The form for whoever asks so: OpenMetrics only for those who name it, as Prometheus does.
    pub fn asked_for(headers: &HeaderMap) -> Self {
        let names_it = |accept: &str| accept.contains("application/openmetrics-text");
        let is_named = headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(names_it));
        if is_named { Self::OpenMetrics } else { Self::Text }
    }

    /// The media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// What is written in OpenMetrics, in this form.
    pub fn told(self, open_metrics: String) -> String {
        match self {
            Self::OpenMetrics => open_metrics,
            Self::Text => older(&open_metrics),
        }
    }
}

/// The text form of what is written in OpenMetrics. There a counter's family lacks the `_total` of its series, and units
/// and the end are lines of their own, which the text form has not.
fn older(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = "";
    let mut push = |line: &[&str]| {
        text.extend(line.iter().copied());
        text.push('\n');
    };
    for line in open_metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest;
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let ending = if kind == "counter" { "_total" } else { "" };
            let words = help.strip_prefix(name).unwrap_or_default();
            push(&["# HELP ", name, ending, words]);
            push(&["# TYPE ", name, ending, " ", kind]);
        } else if !line.starts_with('#') {
            push(&[line]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_for_those_who_name_it() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            Form::asked_for(&headers)
        };
        // What Prometheus 3 sends.
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(form(prometheus), Form::OpenMetrics);
        assert_eq!(form("*/*"), Form::Text);
        assert_eq!(form("text/plain;version=0.0.4"), Form::Text);
        assert_eq!(Form::asked_for(&HeaderMap::new()), Form::Text);
    }

    #[test]
    fn the_text_form_has_counters_by_their_whole_name_and_no_lines_of_openmetrics_alone() {
        let open_metrics = "# HELP p_held_back_seconds Time.\n# TYPE p_held_back_seconds counter\n# UNIT p_held_back_seconds seconds\n\
            p_held_back_seconds_total 1.5\n# HELP p_depth Depth.\n# TYPE p_depth gauge\np_depth{class=\"edit\"} 2\n# EOF\n";
        assert_eq!(
            older(open_metrics),
            "# HELP p_held_back_seconds_total Time.\n# TYPE p_held_back_seconds_total counter\np_held_back_seconds_total 1.5\n\
             # HELP p_depth Depth.\n# TYPE p_depth gauge\np_depth{class=\"edit\"} 2\n"
        );
    }
}
