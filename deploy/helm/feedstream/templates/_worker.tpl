{{- define "feedstream.worker.selector" -}}
{{ include "feedstream.selector" .root }}
app.kubernetes.io/component: worker
role: {{ .role }}
{{- end -}}

{{/*
The pod of a worker. /live says whether the loop turns, which only a new process mends; /ready whether shards are open,
servers answer and nothing is far behind: a rolling update goes on only then. A worker that is told to end writes a last
checkpoint: at most 15 s for each of three groups and 5 s for what is on its way.
*/}}
{{- define "feedstream.worker" -}}
metadata:
  {{- include "feedstream.metadata" (dict "root" .root "component" "worker" "role" .role) | nindent 2 }}
spec:
  {{- include "feedstream.pod" .root | nindent 2 }}
  serviceAccountName: {{ include "feedstream.fullname" .root }}
  terminationGracePeriodSeconds: 60
  {{- $labels := include "feedstream.worker.selector" . }}
  {{- include "feedstream.placing" (dict "of" .of "labels" $labels) | nindent 2 }}
  containers:
    - name: worker
      {{- include "feedstream.container" .root | nindent 6 }}
      args: [worker, --role, {{ .role }}]
      envFrom:
        - configMapRef: {name: {{ include "feedstream.fullname" .root }}}
      env:
        {{- if .static }}
        - name: FEEDSTREAM_INSTANCE
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- end }}
        - {name: FEEDSTREAM_METRICS_HOST, value: 0.0.0.0}
        - {name: FEEDSTREAM_METRICS_PORT, value: "9464"}
        {{- with include "feedstream.secrets" (dict "root" .root "secret" (include "feedstream.secret" .root)) | trim }}
        {{- . | nindent 8 }}
        {{- end }}
      ports:
        - {name: metrics, containerPort: 9464}
      startupProbe:
        httpGet: {path: /live, port: metrics}
        periodSeconds: 2
        failureThreshold: 90
      livenessProbe:
        httpGet: {path: /live, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /ready, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- toYaml .of.resources | nindent 8 }}
      volumeMounts:
        {{- include "feedstream.mounts" .root | nindent 8 }}
  volumes:
    {{- include "feedstream.volumes" .root | nindent 4 }}
{{- end -}}
