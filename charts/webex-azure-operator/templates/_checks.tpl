{{/* What no schema can say: values that do not fit together. */}}
{{- define "webex-azure-operator.checks" -}}
{{- range list "leaderElection" "health" "settings" "networkPolicy" "tokenPolicy" -}}
{{- if not (hasKey $.Values .) -}}
{{- fail (printf "there is no value %s: the release keeps the values of an earlier version of this chart; use helm upgrade --reset-then-reuse-values instead of --reuse-values" .) -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicas) 1) -}}
{{- fail (printf "replicas is %d, but leaderElection.enabled is false: two pods would look at every tenant and write every status; set replicas to 1 or leaderElection.enabled to true" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.metrics.enabled (eq (int .Values.metrics.port) (int .Values.health.port)) -}}
{{- fail (printf "metrics.port and health.port are both %d: give each a port of its own" (int .Values.health.port)) -}}
{{- end -}}
{{- if and .Values.trust.caBundle .Values.trust.configMap.name -}}
{{- fail "trust.caBundle and trust.configMap.name are both set: the operator reads one file; put all certificates into one of them" -}}
{{- end -}}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false, but serviceAccount.name is empty: say which ServiceAccount of the release's namespace the pods run as" -}}
{{- end -}}
{{- if not .Values.metrics.enabled -}}
{{- range $value := list "serviceMonitor" "prometheusRule" -}}
{{- if get (get $.Values $value) "enabled" -}}
{{- fail (printf "%s.enabled is true, but metrics.enabled is false: there would be nothing to read" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "webex-azure-operator.identityChecks" . -}}
{{- end -}}

{{- define "webex-azure-operator.identityChecks" -}}
{{- $identity := .Values.operatorIdentity -}}
{{- if $identity.enabled -}}
{{- if not $identity.clientId -}}
{{- fail "operatorIdentity.enabled is true, but operatorIdentity.clientId is empty: name the application that the operator signs in as" -}}
{{- end -}}
{{- if not $identity.allow -}}
{{- fail "operatorIdentity.enabled is true, but operatorIdentity.allow is empty: nobody could use it; name a namespace and its tenantId" -}}
{{- end -}}
{{- else if $identity.allow -}}
{{- fail "operatorIdentity.allow names who may use the operator's identity, but operatorIdentity.enabled is false" -}}
{{- end -}}
{{- range $index, $allowed := $identity.allow -}}
{{- if and $.Values.namespaces (not (has $allowed.namespace $.Values.namespaces)) -}}
{{- fail (printf "operatorIdentity.allow[%d] is for the namespace %q, which is not in namespaces: nothing there is watched" $index $allowed.namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
