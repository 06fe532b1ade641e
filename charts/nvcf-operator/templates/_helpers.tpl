{{- define "nvcf-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "nvcf-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "nvcf-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "nvcf-operator.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "nvcf-operator.selector" -}}
app.kubernetes.io/name: {{ include "nvcf-operator.name" . }}
app.kubernetes.io/instance: {{ toYaml .Release.Name }}
{{- end }}

{{- define "nvcf-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "nvcf-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "nvcf-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "nvcf-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "nvcf-operator.image" -}}
{{- $name := .Values.image.repository }}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end }}
{{- if .Values.image.digest }}{{ printf "%s@%s" $name .Values.image.digest }}{{ else }}{{ printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) }}{{ end }}
{{- end }}

{{- /* What the operator may do with resources, in the cluster or in a namespace. */ -}}
{{- define "nvcf-operator.rules" -}}
# Patching is for the finalizers; the operator never writes spec.
- apiGroups: [nvcf-operator.io]
  resources: [cloudfunctions, functiondeployments]
  verbs: [get, list, watch, patch]
- apiGroups: [nvcf-operator.io]
  resources: [cloudfunctions/status, functiondeployments/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.credentials.anySecret }}
# API keys, wherever a resource says that its own is.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- else if .Values.credentials.secretNames }}
# API keys, by name: no other Secret can be read, and none can be listed. A resource whose
# spec.credentials.secretRef names another Secret needs that name here.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson .Values.credentials.secretNames }}
  verbs: [get]
{{- end }}
{{- if and .Values.functionSecrets.secretNames (not .Values.credentials.anySecret) }}
# Secrets of functions, by name. Each must also allow the CloudFunction that names it by an annotation.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson .Values.functionSecrets.secretNames }}
  verbs: [get]
{{- end }}
{{- end }}

{{- define "nvcf-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "nvcf-operator.serviceAccount" . | toYaml }}
  namespace: {{ toYaml .Release.Namespace }}
{{- end }}

{{- define "nvcf-operator.check" -}}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.replicaCount) 1) }}
{{- fail "replicaCount is above 1 and leaderElection.enabled is false: two operators at once would deploy twice. Set replicaCount: 1 or leaderElection.enabled: true." }}
{{- end }}
{{- if and .Values.credentials.operatorKey.namespaces (not .Values.credentials.operatorKey.existingSecret) }}
{{- fail "credentials.operatorKey.namespaces allows use of the operator's own key, but there is none: set credentials.operatorKey.existingSecret as well." }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
{{- fail "metrics.serviceMonitor and metrics.podMonitor would scrape each Pod twice, and every leader would be counted twice: enable one of them." }}
{{- end }}
{{- $policies := .Values.admissionPolicies }}
{{- if and (or $policies.protectCrd $policies.protectLabelled $policies.maxInstances) (semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version) }}
{{- fail (printf "admissionPolicies need Kubernetes 1.30 or newer, and this is %s: set protectCrd and protectLabelled to false and maxInstances to 0." .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
