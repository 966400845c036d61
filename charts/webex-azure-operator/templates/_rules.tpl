{{/* What watching objects and writing their status takes, in one namespace or in all. */}}
{{- define "webex-azure-operator.rules" -}}
- apiGroups: [webexazure.dev]
  resources: [webexazureintegrations]
  verbs: [get, list, watch]
- apiGroups: [webexazure.dev]
  resources: [webexazureintegrations/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
