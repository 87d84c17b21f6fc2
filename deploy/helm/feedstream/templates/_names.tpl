{{/* Names and labels. */}}
{{- define "feedstream.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Forty characters at most, so that what is appended, and the names of pods, fit. */}}
{{- define "feedstream.fullname" -}}
{{- $name := include "feedstream.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "feedstream.selector" -}}
app.kubernetes.io/name: {{ include "feedstream.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "feedstream.labels" -}}
{{ include "feedstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "feedstream.image" -}}
{{- $of := .Values.image -}}
{{- $of.repository }}{{ if $of.digest }}@{{ $of.digest }}{{ else }}:{{ $of.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- define "feedstream.secret" -}}
{{- .Values.secret.existing | default (include "feedstream.fullname" .) -}}
{{- end -}}

{{- define "feedstream.gateway.selector" -}}
{{ include "feedstream.selector" . }}
app.kubernetes.io/component: gateway
{{- end -}}
