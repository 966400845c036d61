{{/* The name of all namespaced objects: the release's name if it says what this is, else with the chart's name behind it. */}}
{{- define "webex-azure-operator.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of roles that two releases in two namespaces could both want. */}}
{{- define "webex-azure-operator.wideName" -}}
{{- printf "%s:%s" .Release.Namespace (include "webex-azure-operator.name" .) -}}
{{- end -}}

{{/* The same for kinds whose names are those of DNS. No namespace has a dot, so that no two are alike. */}}
{{- define "webex-azure-operator.wideDnsName" -}}
{{- printf "%s.%s" .Release.Namespace (include "webex-azure-operator.name" .) -}}
{{- end -}}

{{- define "webex-azure-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "webex-azure-operator.name" .) -}}
{{- end -}}

{{/* What never changes in the life of a release. */}}
{{- define "webex-azure-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "webex-azure-operator.ownLabels" -}}
{{ include "webex-azure-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end -}}

{{- define "webex-azure-operator.labels" -}}
{{- mergeOverwrite (dict) .Values.commonLabels (fromYaml (include "webex-azure-operator.ownLabels" .)) | toYaml -}}
{{- end -}}

{{- define "webex-azure-operator.podLabels" -}}
{{- $labels := mergeOverwrite (dict) .Values.commonLabels .Values.podLabels -}}
{{- if and .Values.operatorIdentity.enabled .Values.operatorIdentity.webhook -}}
{{- $_ := set $labels "azure.workload.identity/use" "true" -}}
{{- end -}}
{{- mergeOverwrite $labels (fromYaml (include "webex-azure-operator.selectorLabels" .)) | toYaml -}}
{{- end -}}

{{- define "webex-azure-operator.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The subject of all bindings. */}}
{{- define "webex-azure-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "webex-azure-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
