{{/* A pod that runs one command; it may run when no ConfigMap and no ServiceAccount of ours is there yet. */}}
{{- define "feedstream.oneshot" -}}
{{- include "feedstream.pod" .root }}
restartPolicy: Never
containers:
  - name: {{ first .args }}
    {{- include "feedstream.container" .root | nindent 4 }}
    args: {{ toJson .args }}
    env:
      {{- range $name, $value := include "feedstream.settings" .root | fromYaml }}
      - {name: {{ $name }}, value: {{ $value | quote }}}
      {{- end }}
      {{- with include "feedstream.secrets" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 512Mi}
    volumeMounts:
      {{- include "feedstream.mounts" .root | nindent 6 }}
volumes:
  {{- include "feedstream.volumes" .root | nindent 2 }}
{{- end -}}
