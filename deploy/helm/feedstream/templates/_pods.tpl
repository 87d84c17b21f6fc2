{{/* What all pods have in common: nobody is root, nothing on the disk changes but /tmp, nobody knows the cluster's API. */}}
{{- define "feedstream.metadata" -}}
labels:
  {{- include "feedstream.selector" .root | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/component: {{ .component }}
  {{- with .role }}
  role: {{ . }}
  {{- end }}
  {{- with .root.Values.pod.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ include "feedstream.settings" .root | sha256sum }}
  {{- if not .root.Values.secret.existing }}
  checksum/secret: {{ toYaml .root.Values.secret.data | sha256sum }}
  {{- end }}
  {{- with .root.Values.pod.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* enableServiceLinks: for a Service feedstream-gateway Kubernetes would set FEEDSTREAM_GATEWAY_PORT=tcp://…, our own. */}}
{{- define "feedstream.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "feedstream.container" -}}
image: {{ include "feedstream.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "feedstream.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with .Values.kafka.ca }}{{ if .secret }}
- name: kafka-ca
  secret: {secretName: {{ .secret }}, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}{{ end }}
{{- with .Values.redis.ca }}{{ if .secret }}
- name: redis-ca
  secret: {secretName: {{ .secret }}, items: [{key: {{ .key }}, path: ca.crt}]}
{{- end }}{{ end }}
{{- with .Values.pod.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "feedstream.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .Values.kafka.ca.secret }}
- {name: kafka-ca, mountPath: /etc/feedstream/kafka, readOnly: true}
{{- end }}
{{- if .Values.redis.ca.secret }}
- {name: redis-ca, mountPath: /etc/feedstream/redis, readOnly: true}
{{- end }}
{{- with .Values.pod.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where pods of a kind go: `of` is the part of the values, `labels` select its pods. */}}
{{- define "feedstream.placing" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $.labels | nindent 8 }}
  {{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
