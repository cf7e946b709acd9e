{{- /* A ScaledObject up to its triggers. Takes (root, Deployment, pool). */ -}}
{{- define "cytomill.scaledObject" -}}
{{- $root := index . 0 -}}
{{- $scaling := $root.Values.scaling -}}
{{- $pool := index . 2 -}}
{{- $triton := and (eq $scaling.mode "policy") (eq ($pool.kind | default "") "triton") -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "cytomill.labels" (list $root "scaling") | nindent 4 }}
spec:
  scaleTargetRef:
    name: {{ index . 1 }}
  pollingInterval: {{ int $scaling.pollSeconds }}
  # The policy has waited before it says that none is wanted.
  cooldownPeriod: {{ ternary 0 (int $scaling.cooldownSeconds) (eq $scaling.mode "policy") }}
  minReplicaCount: {{ include "cytomill.least" (list $root $pool) }}
  maxReplicaCount: {{ int $pool.max }}
  fallback:
    failureThreshold: {{ int $scaling.fallback.failures }}
    replicas: {{ min (int $scaling.fallback.replicas) (int $pool.max) }}
    behavior: currentReplicasIfHigher
  advanced:
    {{- if $triton }}
    {{- $terms := list }}
    {{- range $name, $one := include "cytomill.consumers" $root | fromYaml }}
    {{- $terms = append $terms (printf "wanted_%s * %d" ($name | replace "-" "_") (int $one.threads)) }}
    {{- end }}
    scalingModifiers:
      formula: {{ printf "(%s) / %d" (join " + " $terms) (int $pool.tasksEach) | quote }}
      target: "1"
    {{- end }}
    horizontalPodAutoscalerConfig:
      behavior:
        # All that are wanted at once; what is asked has its own patience.
        scaleUp:
          stabilizationWindowSeconds: 0
          policies:
            - { type: Pods, value: {{ int $pool.max }}, periodSeconds: 15 }
        scaleDown:
          stabilizationWindowSeconds: {{ ternary 0 (int $scaling.cooldownSeconds) (eq $scaling.mode "policy") }}
          policies:
            - { type: Percent, value: 100, periodSeconds: 15 }
{{- end -}}

{{- /* KEDA looks at the tasks in the hands of consumers. Takes (root, pipeline, tasks of a worker). */ -}}
{{- define "cytomill.stream" -}}
{{- $root := index . 0 -}}
{{- $external := and (not $root.Values.redis.internal.enabled) $root.Values.redis.external -}}
- type: redis-streams
  metadata:
    address: {{ include "cytomill.redisHost" $root }}{{ if not $external }}.{{ $root.Release.Namespace }}.svc{{ end }}:{{ include "cytomill.redisPort" $root }}
    {{- with $external }}
    {{- with .username }}
    username: {{ . | quote }}
    {{- end }}
    {{- if .tls }}
    enableTLS: "true"
    {{- end }}
    databaseIndex: {{ int .database | quote }}
    {{- end }}
    stream: {{ printf "{cytomill}:queue:%s:tasks" (index . 1) | quote }}
    # Not the entries of the group: before the first job there is none, which would be an error.
    streamLength: {{ int (index . 2) | quote }}
  authenticationRef:
    name: {{ include "cytomill.name" $root }}-queue
{{- end -}}

{{- /* Kubernetes' own autoscaler, by CPU. Takes (root, Deployment, pool). */ -}}
{{- define "cytomill.cpuScaler" -}}
{{- $root := index . 0 -}}
{{- $pool := index . 2 -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ index . 1 }}
  labels:
    {{- include "cytomill.labels" (list $root "scaling") | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ index . 1 }}
  minReplicas: {{ include "cytomill.least" (list $root $pool) }}
  maxReplicas: {{ int $pool.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: {{ int $root.Values.scaling.cpuPercent }} }
  behavior:
    scaleDown:
      stabilizationWindowSeconds: {{ int $root.Values.scaling.cooldownSeconds }}
{{- end -}}
