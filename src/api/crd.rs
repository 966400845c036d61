//! The CustomResourceDefinition, made from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::CustomResourceExt as _;

use super::{spec::WebexAzureIntegration, status::NEVER_OBSERVED};

/// The CustomResourceDefinition of `WebexAzureIntegration`.
///
/// An object that was never looked at gets `status: {observedGeneration: -1}` from the API server; without it, tools
/// that follow kstatus take a new object for one that is finished.
pub fn crd() -> CustomResourceDefinition {
    let mut crd = WebexAzureIntegration::crd();
    for version in &mut crd.spec.versions {
        let status = version
            .schema
            .as_mut()
            .and_then(|validation| validation.open_api_v3_schema.as_mut())
            .and_then(|schema| schema.properties.as_mut())
            .and_then(|properties| properties.get_mut("status"))
            .expect("the derived schema has a status, because the type declares one");
        status.default = Some(JSON(serde_json::json!({ "observedGeneration": NEVER_OBSERVED })));
        status.nullable = None;
        if let Some(schema) = version.schema.as_mut().and_then(|validation| validation.open_api_v3_schema.as_mut()) {
            unwrap_descriptions(schema);
        }
    }
    crd
}

/// Makes one line of each paragraph and takes the marks of the source's documentation away: `kubectl explain` wraps
/// lines itself and shows marks as they are.
fn unwrap_descriptions(schema: &mut JSONSchemaProps) {
    if let Some(description) = &mut schema.description {
        let paragraphs = description.split("\n\n").map(|paragraph| paragraph.replace('\n', " ").replace('`', ""));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(unwrap_descriptions);
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        unwrap_descriptions(items);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_has_no_enum_pattern_or_bound() {
        let crd = serde_json::to_value(crd()).unwrap();
        let status = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        assert_eq!(status["default"]["observedGeneration"], -1);
        let text = status["properties"].to_string();
        for word in
            ["\"enum\"", "\"pattern\"", "\"minLength\"", "\"maxLength\"", "\"maxItems\"", "\"minimum\"", "\"maximum\""]
        {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }

    #[test]
    fn no_field_of_the_spec_holds_a_host() {
        let crd = serde_json::to_value(crd()).unwrap();
        let spec =
            crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].to_string();
        for word in ["endpoint", "\"url\"", "\"host\"", "\"uri\""] {
            assert!(!spec.to_lowercase().contains(word), "{word}");
        }
    }
}
