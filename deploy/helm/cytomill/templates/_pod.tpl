{{- /* What every pod has. Takes (root, user). */ -}}
{{- define "cytomill.pod" -}}
{{- $root := index . 0 -}}
automountServiceAccountToken: false
# Services of the namespace would be told as CYTOMILL_…_PORT, which are no settings of the program.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 1 }}
  runAsGroup: {{ index . 1 }}
  fsGroup: {{ index . 1 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "cytomill.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* Where pods may run: their values', spread over nodes and zones. Takes (root, component,
values, labels to tell a pool by). */ -}}
{{- define "cytomill.placement" -}}
{{- $values := index . 2 -}}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- else }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 50
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "cytomill.selector" (list (index . 0) (index . 1)) | nindent 14 }}
              {{- with index . 3 }}
              {{- toYaml . | nindent 14 }}
              {{- end }}
{{- end }}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "cytomill.selector" (list (index $ 0) (index $ 1)) | nindent 8 }}
        {{- with index $ 3 }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- end }}
{{- end -}}

{{- /* Resources, with the GPUs and the disk that values name. Takes (values). */ -}}
{{- define "cytomill.resources" -}}
{{- $resources := deepCopy .resources -}}
{{- $disk := printf "%dGi" (int .scratchGiB) -}}
{{- $limits := merge (dict "ephemeral-storage" $disk) ($resources.limits | default dict) -}}
{{- if .gpus -}}{{- $_ := set $limits "nvidia.com/gpu" (int .gpus) -}}{{- end -}}
{{- $_ := set $resources "limits" $limits -}}
{{- $_ := set $resources "requests" (merge (dict "ephemeral-storage" "1Gi") ($resources.requests | default dict)) -}}
resources:
  {{- toYaml $resources | nindent 2 }}
{{- end -}}

{{- /* What all parts of the kiosk are told; the password is in no ConfigMap. */ -}}
{{- define "cytomill.environment" -}}
envFrom:
  - configMapRef:
      name: {{ include "cytomill.name" . }}-settings
  {{- with .Values.bucket.secret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
{{- end -}}

{{- define "cytomill.redisVariables" -}}
{{- $redis := .Values.redis -}}
{{- if and (not $redis.internal.enabled) $redis.external.url.secret -}}
- name: CYTOMILL_REDIS
  valueFrom:
    secretKeyRef:
      name: {{ $redis.external.url.secret }}
      key: {{ $redis.external.url.key }}
{{- else -}}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $redis.password.secret }}
      key: {{ $redis.password.key }}
{{- $user := ternary "" $redis.external.username $redis.internal.enabled }}
{{- $scheme := ternary "rediss" "redis" (and (not $redis.internal.enabled) $redis.external.tls) }}
{{- $database := ternary 0 (int $redis.external.database) $redis.internal.enabled }}
- name: CYTOMILL_REDIS
  value: {{ printf "%s://%s:$(REDIS_PASSWORD)@%s:%s/%d" $scheme $user (include "cytomill.redisHost" .) (include "cytomill.redisPort" .) (int $database) | quote }}
{{- end }}
{{- end -}}

{{- define "cytomill.podVariables" -}}
- name: HOME
  value: /tmp
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
{{- end -}}

{{- /* Volumes of the pods that use the bucket. Takes (root, GiB of scratch). */ -}}
{{- define "cytomill.volumes" -}}
{{- $root := index . 0 -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ int (index . 1) }}Gi
{{- if not $root.Values.bucket.url }}
- name: bucket
  persistentVolumeClaim:
    claimName: {{ $root.Values.bucket.folder.claim | default (printf "%s-bucket" (include "cytomill.name" $root)) }}
{{- end }}
{{- range $name, $source := $root.Values.sources }}
{{- with $source.claim }}
- name: source-{{ $name }}
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- end }}
{{- with include "cytomill.modelVolumes" $root }}
{{ . }}
{{- end }}
{{- with $root.Values.pipelines.configMap }}
- name: pipelines
  configMap:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- define "cytomill.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if not .Values.bucket.url }}
- name: bucket
  mountPath: /data/bucket
{{- end }}
{{- range $name, $source := .Values.sources }}
{{- if $source.claim }}
- name: source-{{ $name }}
  mountPath: /data/sources/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- with include "cytomill.modelMounts" . }}
{{ . }}
{{- end }}
{{- if .Values.pipelines.configMap }}
- name: pipelines
  mountPath: /data/pipelines
  readOnly: true
{{- end }}
{{- end -}}

{{- define "cytomill.modelVolumes" -}}
{{- with .Values.models.claim -}}
- name: models
  persistentVolumeClaim:
    claimName: {{ . }}
    readOnly: true
{{- end }}
{{- end -}}

{{- define "cytomill.modelMounts" -}}
{{- if .Values.models.claim -}}
- name: models
  mountPath: /data/models
  readOnly: true
{{- end }}
{{- end -}}

{{- /* Pods are made anew when what they were told has changed. */ -}}
{{- define "cytomill.checksum" -}}
checksum/settings: {{ include (print $.Template.BasePath "/settings.yaml") . | sha256sum }}
{{- end -}}

{{- /* A Service's or Deployment's pods may be moved one at a time: with a least number that stays,
a node with the only one of them could never be drained. Takes (root, component, share, labels). */ -}}
{{- define "cytomill.disruption" -}}
maxUnavailable: {{ index . 2 }}
unhealthyPodEvictionPolicy: AlwaysAllow
selector:
  matchLabels:
    {{- include "cytomill.selector" (list (index . 0) (index . 1)) | nindent 4 }}
    {{- with index . 3 }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
