{{/* Arguments of the process. What is a switch of its behaviour is in the settings. */}}
{{- define "webex-azure-operator.args" -}}
- run
{{- if .Values.leaderElection.enabled }}
- {{ printf "--lease=%s/%s" .Release.Namespace (include "webex-azure-operator.name" .) | quote }}
{{- end }}
- {{ printf "--health-address=0.0.0.0:%d" (int .Values.health.port) | quote }}
{{- if .Values.metrics.enabled }}
- {{ printf "--metrics-address=0.0.0.0:%d" (int .Values.metrics.port) | quote }}
{{- end }}
{{- range .Values.namespaces }}
- {{ printf "--namespace=%s" . | quote }}
{{- end }}
{{- range .Values.operatorIdentity.allow }}
- {{ printf "--allow-operator-identity=%s=%s" .namespace .tenantId | quote }}
{{- end }}
{{- if or .Values.trust.caBundle .Values.trust.configMap.name }}
- --trust-ca-file=/etc/webex-azure-operator/trust/ca.crt
{{- end }}
{{- range .Values.args }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Whether the chart, and not Microsoft's webhook, hands out the operator's own identity. */}}
{{- define "webex-azure-operator.projectsIdentity" -}}
{{- if and .Values.operatorIdentity.enabled (not .Values.operatorIdentity.webhook) -}}yes{{- end -}}
{{- end -}}

{{- define "webex-azure-operator.env" -}}
{{- if include "webex-azure-operator.projectsIdentity" . }}
{{- $cloud := get (fromYaml (include "webex-azure-operator.clouds" .)) .Values.operatorIdentity.cloud }}
- name: AZURE_CLIENT_ID
  value: {{ .Values.operatorIdentity.clientId | quote }}
- name: AZURE_FEDERATED_TOKEN_FILE
  value: /var/run/secrets/azure/tokens/azure-identity-token
- name: AZURE_AUTHORITY_HOST
  value: {{ printf "https://%s/" $cloud.login | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "webex-azure-operator.volumes" -}}
# What automounting would give to every container, also to those that others add to the pod.
- name: kube-api-access
  projected:
    sources:
      - serviceAccountToken:
          path: token
          expirationSeconds: 3607
      - configMap:
          name: kube-root-ca.crt
          items:
            - key: ca.crt
              path: ca.crt
      - downwardAPI:
          items:
            - path: namespace
              fieldRef:
                apiVersion: v1
                fieldPath: metadata.namespace
{{- if include "webex-azure-operator.projectsIdentity" . }}
{{- $cloud := get (fromYaml (include "webex-azure-operator.clouds" .)) .Values.operatorIdentity.cloud }}
- name: azure-identity-token
  projected:
    sources:
      - serviceAccountToken:
          path: azure-identity-token
          audience: {{ .Values.operatorIdentity.audience | default $cloud.audience | quote }}
          expirationSeconds: 3600
{{- end }}
{{- if .Values.trust.caBundle }}
- name: trust
  configMap:
    name: {{ printf "%s-trust" (include "webex-azure-operator.name" .) | quote }}
{{- else if .Values.trust.configMap.name }}
- name: trust
  configMap:
    name: {{ .Values.trust.configMap.name | quote }}
    items:
      - key: {{ .Values.trust.configMap.key | quote }}
        path: ca.crt
{{- end }}
{{- end -}}

{{- define "webex-azure-operator.volumeMounts" -}}
- name: kube-api-access
  mountPath: /var/run/secrets/kubernetes.io/serviceaccount
  readOnly: true
{{- if include "webex-azure-operator.projectsIdentity" . }}
- name: azure-identity-token
  mountPath: /var/run/secrets/azure/tokens
  readOnly: true
{{- end }}
{{- if or .Values.trust.caBundle .Values.trust.configMap.name }}
- name: trust
  mountPath: /etc/webex-azure-operator/trust
  readOnly: true
{{- end }}
{{- end -}}

{{/* Numbers, so that the kubelet need not look into the image to know that it is not root. */}}
{{- define "webex-azure-operator.user" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int64 . }}
{{- end }}
{{- with .Values.runAsGroup }}
runAsGroup: {{ int64 . }}
{{- end }}
{{- end -}}
