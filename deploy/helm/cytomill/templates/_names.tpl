{{- /* What all names begin with: 30 characters leave room for what follows. */ -}}
{{- define "cytomill.name" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name -}}
{{- if gt (len $name) 30 -}}
{{- printf "%s-%s" ($name | trunc 22 | trimSuffix "-") (sha256sum $name | trunc 7) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{- /* What a Service or a Deployment selects its pods by: it can never change. Takes (root, component). */ -}}
{{- define "cytomill.selector" -}}
app.kubernetes.io/name: cytomill
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* Labels of everything. Takes (root, component). */ -}}
{{- define "cytomill.labels" -}}
{{ include "cytomill.selector" . }}
app.kubernetes.io/part-of: cytomill
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Labels of pods: without the chart's version, which would start them anew for nothing. Takes
(root, component). */ -}}
{{- define "cytomill.podLabels" -}}
{{ include "cytomill.selector" . }}
app.kubernetes.io/part-of: cytomill
{{- end -}}

{{- /* Whom the pods are for the cloud that use the bucket. */ -}}
{{- define "cytomill.account" -}}
{{- .Values.serviceAccount.name | default (include "cytomill.name" .) -}}
{{- end -}}

{{- /* The pools of consumers: a map of complete entries, in YAML, without those not enabled. */ -}}
{{- define "cytomill.consumers" -}}
{{- $all := dict -}}
{{- range $name, $given := .Values.consumers -}}
{{- $one := mergeOverwrite (deepCopy $.Values.consumerDefaults) (deepCopy ($given | default dict)) -}}
{{- if $one.enabled -}}{{- $_ := set $all $name $one -}}{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{- /* How many workers of a pool stay. Takes (root, pool). */ -}}
{{- define "cytomill.least" -}}
{{- $mode := (index . 0).Values.scaling.mode -}}
{{- $zero := has $mode (list "policy" "none") -}}
{{- if kindIs "invalid" (index . 1).min -}}{{- ternary 0 1 $zero -}}{{- else -}}{{- int (index . 1).min -}}{{- end -}}
{{- end -}}

{{- define "cytomill.redisHost" -}}
{{- if .Values.redis.internal.enabled -}}{{- include "cytomill.name" . -}}-redis{{- else -}}{{- .Values.redis.external.host -}}{{- end -}}
{{- end -}}

{{- define "cytomill.redisPort" -}}
{{- if .Values.redis.internal.enabled -}}6379{{- else -}}{{- int .Values.redis.external.port -}}{{- end -}}
{{- end -}}

{{- /* Where consumers find the model server; empty where they run the models. */ -}}
{{- define "cytomill.modelServer" -}}
{{- with .Values.modelServer -}}
{{- if eq .kind "external" -}}{{- .address -}}
{{- else if eq .kind "triton" -}}grpc+dns://{{ include "cytomill.name" $ }}-models:8500
{{- else if and (eq .kind "cytomill") (eq .discovery "queue") -}}queue
{{- else if eq .kind "cytomill" -}}grpc+dns://{{ include "cytomill.name" $ }}-models:8500
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "cytomill.image" -}}
{{- $image := index . 1 -}}
{{- $beside := dir (index . 0).Values.image.repository -}}
{{- $ours := and (hasPrefix "cytomill" $image.repository) (not (contains "/" $image.repository)) (ne $beside ".") -}}
{{- $repository := ternary (printf "%s/%s" $beside $image.repository) $image.repository $ours -}}
image: {{ printf "%s:%s" $repository ($image.tag | default (index . 0).Chart.AppVersion) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
{{- end -}}
