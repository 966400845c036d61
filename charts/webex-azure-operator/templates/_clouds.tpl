{{/* Hosts of Microsoft's clouds and the audiences of tokens that they exchange. A test compares them with the operator's. */}}
{{- define "webex-azure-operator.clouds" -}}
Global:
  login: login.microsoftonline.com
  graph: graph.microsoft.com
  audience: api://AzureADTokenExchange
USGovernment:
  login: login.microsoftonline.us
  graph: graph.microsoft.us
  audience: api://AzureADTokenExchangeUSGov
USGovernmentDoD:
  login: login.microsoftonline.us
  graph: dod-graph.microsoft.us
  audience: api://AzureADTokenExchangeUSGov
China:
  login: login.chinacloudapi.cn
  graph: microsoftgraph.chinacloudapi.cn
  audience: api://AzureADTokenExchangeChina
{{- end -}}

{{/* The audiences that the operator may ask for, as a list in JSON, which is one in CEL too. */}}
{{- define "webex-azure-operator.audiences" -}}
{{- $audiences := .Values.tokenPolicy.audiences -}}
{{- range fromYaml (include "webex-azure-operator.clouds" .) -}}
{{- $audiences = append $audiences .audience -}}
{{- end -}}
{{- with .Values.settings.exchangeAudience -}}
{{- $audiences = append $audiences . -}}
{{- end -}}
{{- $audiences | uniq | sortAlpha | toJson -}}
{{- end -}}
