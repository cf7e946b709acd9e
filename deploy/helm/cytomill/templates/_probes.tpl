{{- /* Probes of a worker: it lives while its process does its work, and is ready while it can be
given some. Takes (path of life, path of readiness, port, seconds between looks at that). */ -}}
{{- define "cytomill.workerProbes" -}}
startupProbe:
  httpGet: { path: {{ index . 0 }}, port: {{ index . 2 }} }
  periodSeconds: 2
  failureThreshold: 150
readinessProbe:
  httpGet: { path: {{ index . 1 }}, port: {{ index . 2 }} }
  periodSeconds: {{ index . 3 }}
  timeoutSeconds: 5
  failureThreshold: 2
livenessProbe:
  httpGet: { path: {{ index . 0 }}, port: {{ index . 2 }} }
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 4
{{- end -}}
