{{/* The process's environment: one variable for each switch that is set. */}}
{{- define "webex-azure-operator.settings" -}}
{{- with .Values.settings -}}
WEBEX_AZURE_OPERATOR_ATTRIBUTION: {{ .attribution | quote }}
WEBEX_AZURE_OPERATOR_HEARTBEAT: {{ .heartbeat | quote }}
WEBEX_AZURE_OPERATOR_MAX_LOOKS: {{ int .maxLooks | quote }}
{{- with .consentLinkAppIds }}
WEBEX_AZURE_OPERATOR_CONSENT_LINK_APP_ID: {{ join "," . | quote }}
{{- end }}
WEBEX_AZURE_OPERATOR_OBJECT_METRICS: {{ .objectMetrics | quote }}
{{- with .exchangeAudience }}
WEBEX_AZURE_OPERATOR_EXCHANGE_AUDIENCE: {{ . | quote }}
{{- end }}
WEBEX_AZURE_OPERATOR_LOG: {{ .logFilter | quote }}
WEBEX_AZURE_OPERATOR_LOG_FORMAT: {{ .logFormat | quote }}
{{- end }}
{{- with .Values.proxy.url }}
HTTPS_PROXY: {{ . | quote }}
{{- end }}
{{- with .Values.proxy.noProxy }}
NO_PROXY: {{ . | quote }}
{{- end }}
{{- end -}}
