{{/*
What every process is told, by variable. Large numbers of values are floats to Helm, which would write 1e+06.
The topics' Job runs before any ConfigMap is there, so both are made of this.
*/}}
{{- define "feedstream.settings" -}}
FEEDSTREAM_BROKER: {{ printf "%s://%s" (ternary "kafka+ssl" "kafka" .Values.kafka.tls) (join "," .Values.kafka.brokers) }}
{{- if .Values.kafka.ca.secret }}
FEEDSTREAM_KAFKA_CA: /etc/feedstream/kafka/ca.crt
{{- end }}
{{- if .Values.kafka.user }}
FEEDSTREAM_KAFKA_USER: {{ .Values.kafka.user | quote }}
FEEDSTREAM_KAFKA_MECHANISM: {{ .Values.kafka.mechanism }}
{{- end }}
{{- if .Values.redis.url }}
FEEDSTREAM_REDIS: {{ .Values.redis.url | quote }}
{{- end }}
FEEDSTREAM_USER_PARTITIONS: {{ printf "%.0f" (float64 .Values.partitions.users) | quote }}
FEEDSTREAM_VIDEO_PARTITIONS: {{ printf "%.0f" (float64 .Values.partitions.videos) | quote }}
{{- range $name, $value := .Values.settings }}
FEEDSTREAM_{{ upper $name }}: {{ include "feedstream.text" $value | quote }}
{{- end }}
{{- end -}}

{{- define "feedstream.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ . }}{{- end -}}
{{- end -}}

{{/* What comes from a Secret, as entries of `env`. */}}
{{- define "feedstream.secrets" -}}
{{- if .root.Values.kafka.user }}
- name: FEEDSTREAM_KAFKA_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: kafka-password}}
{{- end }}
{{- if not .root.Values.redis.url }}
- name: FEEDSTREAM_REDIS
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: redis-url}}
{{- end }}
{{- end -}}

{{/* The keys of the Secret that these values need, with commas. */}}
{{- define "feedstream.needed" -}}
{{- $needed := list -}}
{{- if .Values.kafka.user }}{{ $needed = append $needed "kafka-password" }}{{ end -}}
{{- if not .Values.redis.url }}{{ $needed = append $needed "redis-url" }}{{ end -}}
{{- if .Values.gateway.enabled -}}
{{- if eq .Values.gateway.access "keys" }}{{ $needed = append $needed "gateway-keys.toml" }}{{ end -}}
{{- if ne .Values.gateway.tokens "off" }}{{ $needed = append $needed "gateway-secret" }}{{ end -}}
{{- end -}}
{{- join "," $needed -}}
{{- end -}}

{{/* The namespace of groups and keys, as agents/settings.py has it where nothing is set. */}}
{{- define "feedstream.namespace" -}}
{{- .Values.settings.namespace | default "feedstream" -}}
{{- end -}}
