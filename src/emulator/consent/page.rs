//! The pages people see. Everything that comes from outside is escaped; nothing is loaded from elsewhere.

use super::grant::{Asked, Done, Kind};

/// What the question page shows.
pub(super) struct Question<'a> {
    pub(super) tenant: &'a str,
    pub(super) account: &'a str,
    pub(super) application: &'a str,
    pub(super) publisher: &'a str,
    pub(super) client_id: &'a str,
    pub(super) asked: &'a [Asked],
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) state: Option<&'a str>,
    pub(super) proof: &'a str,
}

const STYLE: &str = include_str!("page.css");

/// The question: what the application asks for, what accepting does, yes or no.
pub(super) fn question(question: &Question<'_>) -> String {
    let Question { tenant, account, application, publisher, client_id, asked, redirect_uri, state, proof } = question;
    let initial = escape(&application.chars().take(1).collect::<String>());
    let (tenant, account, application) = (escape(tenant), escape(account), escape(application));
    let publisher = if publisher.is_empty() { "not named".to_owned() } else { escape(publisher) };
    let permissions: String = asked.iter().map(permission).collect();
    let fields =
        [("client_id", Some(*client_id)), ("redirect_uri", *redirect_uri), ("state", *state), ("proof", Some(*proof))];
    let fields: String = fields
        .into_iter()
        .filter_map(|(name, value)| {
            Some(format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value?)))
        })
        .collect();
    let client_id = escape(client_id);
    let body = format!(
        r#"<p class="account"><span class="quiet">Signed in as</span> {account}</p>
<h1>Permissions requested <span class="sub">Review for your organization</span></h1>
<div class="app">
<span class="initial" aria-hidden="true">{initial}</span>
<div>
<p class="name">{application}</p>
<p class="quiet">Publisher: {publisher}</p>
<p class="quiet">App ID: <code>{client_id}</code></p>
</div>
</div>
<h2>This application asks to</h2>
<ul class="permissions">
{permissions}</ul>
<section class="effect" aria-label="What accepting does">
<p>Accepting gives {application} these permissions for everyone in <strong>{tenant}</strong>. Nobody else will be asked.</p>
<p>If the application is missing from your enterprise applications, accepting adds it again, under a new object ID. Accept only if you trust the publisher; you can take permissions back under Enterprise applications.</p>
</section>
<form method="post">
{fields}<div class="buttons">
<button type="submit" name="decision" value="cancel" class="secondary">Cancel</button>
<button type="submit" name="decision" value="accept" class="primary">Accept</button>
</div>
</form>
"#
    );
    whole("Permissions requested", &body)
}

fn permission(asked: &Asked) -> String {
    let Asked { kind, value, display_name, description, resource, .. } = asked;
    let (kind, meaning) = match kind {
        Kind::Application => ("Application", "works without a signed-in user"),
        Kind::Delegated => ("Delegated", "works for the signed-in user"),
    };
    let (value, display_name, description, resource) =
        (escape(value), escape(display_name), escape(description), escape(resource));
    format!(
        r#"<li><details>
<summary><span class="display">{display_name}</span>
<span class="line"><code>{value}</code> <span class="kind" title="{meaning}">{kind}</span></span></summary>
<p>{description}</p>
<p class="quiet">{resource}, {meaning}</p>
</details></li>
"#
    )
}

/// What was done.
pub(super) fn granted(done: &Done) -> String {
    let Done { application, tenant, principal_id, created, granted, revoked } = done;
    let list = |title: &str, values: &[String]| {
        let items: Vec<String> =
            values.iter().map(|value| format!("<li><code>{}</code></li>", escape(value))).collect();
        let items = items.join("\n");
        if items.is_empty() {
            String::new()
        } else {
            format!("<h2>{title}</h2>\n<ul class=\"plain\">\n{items}\n</ul>\n")
        }
    };
    let origin = if *created {
        "The enterprise application was missing and was created, under a new object ID."
    } else {
        "The enterprise application was there already and kept its object ID."
    };
    let nothing = if granted.is_empty() { "<p>All permissions had been granted before.</p>\n" } else { "" };
    let body = format!(
        "<h1>Consent granted</h1>\n<p><strong>{}</strong> has the permissions it asked for in <strong>{}</strong>.</p>\n\
         <p>{origin}</p>\n<p class=\"quiet\">Object ID: <code>{}</code></p>\n{nothing}{}{}\
         <p>You can close this page.</p>\n",
        escape(application),
        escape(tenant),
        escape(principal_id),
        list("Granted now", granted),
        list("Revoked, because the application does not ask for them any more", revoked),
    );
    whole("Consent granted", &body)
}

/// Nothing was done, by choice.
pub(super) fn cancelled(tenant: &str) -> String {
    let body = format!(
        "<h1>Consent declined</h1>\n<p>Nothing was changed in tenant <code>{}</code>.</p>\n\
         <p class=\"quiet\"><code>permission_denied</code>: The admin canceled the request.</p>\n",
        escape(tenant)
    );
    whole("Consent declined", &body)
}

/// Nothing was done, because something is wrong.
pub(super) fn trouble(code: u32, text: &str, trace_id: &str, time: &str) -> String {
    let body = format!(
        "<h1>This consent cannot go on</h1>\n<p><code>AADSTS{code}</code>: {}</p>\n\
         <p class=\"quiet\">Trace ID: <code>{}</code><br>Timestamp: {}</p>\n",
        escape(text),
        escape(trace_id),
        escape(time)
    );
    whole("Consent problem", &body)
}

fn whole(title: &str, body: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{title} (emulated)</title>
<style>
{STYLE}</style>
</head>
<body>
<p class="banner" role="note"><strong>Emulated consent page – not Microsoft.</strong> Nothing here reaches a real tenant. Do not type real passwords.</p>
<main>
{body}</main>
</body>
</html>
"#
    )
}

/// Text for HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let evil = "<script>alert('x')</script>\"&";
        let shown = question(&Question {
            tenant: evil,
            account: evil,
            application: evil,
            publisher: evil,
            client_id: evil,
            asked: &[],
            redirect_uri: Some(evil),
            state: Some(evil),
            proof: evil,
        });
        assert!(!shown.contains("<script"), "{shown}");
        assert!(!shown.contains("'x'"), "{shown}");
        assert_eq!(shown.matches("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;").count(), 10);
    }
}
