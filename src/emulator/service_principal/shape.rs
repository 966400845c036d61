//! How a principal looks: what it takes over from its application, and every property the metadata declares.

use serde_json::{Value, json};

use super::super::directory::{Properties, elements, text};
use super::super::schema;

/// A principal as it is when it comes into a tenant.
pub(in super::super) fn from_application(application: &Properties, tenant_id: &str, id: &str) -> Properties {
    let app_id = text(application, "appId");
    let member = |object: &str, name: &str| application.get(object).and_then(|object| object.get(name)).cloned();
    let owner = application.get("appOwnerOrganizationId").cloned().unwrap_or_else(|| tenant_id.into());
    let mut names = vec![Value::from(app_id)];
    names.extend(elements(application, "identifierUris").iter().cloned());
    let copied = [
        "appRoles",
        "info",
        "verifiedPublisher",
        "signInAudience",
        "isDisabled",
        "disabledByMicrosoftStatus",
        "createdByAppId",
        "applicationTemplateId",
        "tags",
        "addIns",
    ];
    let mut row: Properties =
        copied.iter().filter_map(|name| Some(((*name).to_owned(), application.get(*name)?.clone()))).collect();
    let own = json!({
        "id": id,
        "appId": app_id,
        "appDisplayName": application.get("displayName"),
        "displayName": application.get("displayName"),
        "appDescription": application.get("description"),
        "appOwnerOrganizationId": owner,
        "oauth2PermissionScopes": member("api", "oauth2PermissionScopes").unwrap_or_else(|| json!([])),
        "homepage": member("web", "homePageUrl"),
        "logoutUrl": member("web", "logoutUrl"),
        "replyUrls": member("web", "redirectUris").unwrap_or_else(|| json!([])),
        "servicePrincipalNames": names,
    });
    if let Value::Object(own) = own {
        row.extend(own);
    }
    complete(row)
}

/// Gives a principal every property the metadata declares.
fn complete(row: Properties) -> Properties {
    let mut whole = schema::SERVICE_PRINCIPAL.blank(&[
        "addIns",
        "alternativeNames",
        "appRoles",
        "keyCredentials",
        "notificationEmailAddresses",
        "oauth2PermissionScopes",
        "passwordCredentials",
        "replyUrls",
        "resourceSpecificApplicationPermissions",
        "servicePrincipalNames",
        "tags",
    ]);
    let own = json!({
        "accountEnabled": true,
        "appRoleAssignmentRequired": false,
        "servicePrincipalType": "Application",
        "info": {"termsOfServiceUrl": null, "supportUrl": null, "privacyStatementUrl": null, "marketingUrl": null, "logoUrl": null},
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
    });
    if let Value::Object(own) = own {
        whole.extend(own);
    }
    whole.extend(row.into_iter().filter(|(_, value)| !value.is_null()));
    whole
}
