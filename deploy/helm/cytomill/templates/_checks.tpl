{{- /* What cannot be installed is refused here, in words; the shape of values by the schema. */ -}}
{{- define "cytomill.check" -}}
{{- $values := .Values -}}
{{- if $values.batch.enabled -}}
{{- include "cytomill.checkBatch" . -}}
{{- else -}}
{{- include "cytomill.checkSecrets" . -}}
{{- include "cytomill.checkPools" . -}}
{{- include "cytomill.checkModels" . -}}
{{- with $values.ingress -}}
{{- if and .host (not (or .tls.secret .tls.byController)) -}}
{{- fail "ingress.tls.secret is empty: tokens are passwords, so the ingress must encrypt; name a Secret of the type kubernetes.io/tls, or set ingress.tls.byController where the controller has a certificate of its own" -}}
{{- end -}}
{{- end -}}
{{- with $values.scaling -}}
{{- if and (eq .policy "deadline") (not .within) -}}{{- fail "scaling.within is empty: the policy deadline needs the time to finish in, such as 4h" -}}{{- end -}}
{{- if and (ne .policy "deadline") .within -}}{{- fail (printf "scaling.within: is for the policy deadline; the policy is %s" .policy) -}}{{- end -}}
{{- if and (eq .policy "budget") (kindIs "invalid" .budget) -}}{{- fail "scaling.budget is empty: the policy budget needs what may be spent, such as 20" -}}{{- end -}}
{{- if and (ne .policy "budget") (not (kindIs "invalid" .budget)) -}}{{- fail (printf "scaling.budget: is for the policy budget; the policy is %s" .policy) -}}{{- end -}}
{{- end -}}
{{- with $values.api -}}
{{- if and .autoscaling.enabled (gt (int .replicas) (int .autoscaling.max)) -}}{{- fail (printf "api.autoscaling.max: is %d, less than api.replicas, %d" (int .autoscaling.max) (int .replicas)) -}}{{- end -}}
{{- end -}}
{{- range $name, $source := $values.sources -}}
{{- if eq (empty $source.url) (empty $source.claim) -}}{{- fail (printf "sources.%s: give a url or a claim, one of them" $name) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "cytomill.checkSecrets" -}}
{{- $redis := .Values.redis -}}
{{- $whole := and (not $redis.internal.enabled) $redis.external.url.secret -}}
{{- if not (or $whole $redis.password.secret) -}}
{{- fail "redis.password.secret is empty: there is no default password; make one with kubectl create secret generic cytomill-redis --from-literal=password=$(head -c 32 /dev/urandom | base64 | tr -d '/+='), and set redis.password.secret=cytomill-redis" -}}
{{- end -}}
{{- if not (or $redis.internal.enabled $redis.external.host $redis.external.url.secret) -}}
{{- fail "redis.external.host is empty: name the Redis to use, or set redis.internal.enabled=true" -}}
{{- end -}}
{{- if and $whole (eq .Values.scaling.mode "redis-streams") -}}
{{- fail "redis.external.url.secret: KEDA cannot read an address from it; give redis.external.host and redis.password.secret, or another scaling.mode" -}}
{{- end -}}
{{- if not (or .Values.auth.adminToken.secret .Values.auth.oidc.issuer) -}}
{{- fail "auth.adminToken.secret is empty: nobody could administer the kiosk; make a token with kubectl create secret generic cytomill-admin --from-literal=token=cm_$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '='), and set auth.adminToken.secret=cytomill-admin, or name a provider in auth.oidc.issuer" -}}
{{- end -}}
{{- with .Values.auth -}}
{{- if and .oidc.issuer (not .adminToken.secret) (not .oidc.admins) -}}
{{- fail "auth.oidc.admins is empty: nobody could administer the kiosk; name administrators by subject or e-mail address, or give auth.adminToken.secret" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.enabled (not .Values.monitoring.token.secret) -}}
{{- fail "monitoring.token.secret is empty: Prometheus needs a token to read the API's metrics; make one with kubectl create secret generic cytomill-metrics --from-literal=token=cm_$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '='), and set monitoring.token.secret=cytomill-metrics" -}}
{{- end -}}
{{- end -}}

{{- define "cytomill.checkPools" -}}
{{- $mode := .Values.scaling.mode -}}
{{- $pools := include "cytomill.consumers" . | fromYaml -}}
{{- if not $pools -}}{{- fail "consumers: none is enabled; there must be one, or no job is ever done" -}}{{- end -}}
{{- if hasKey $pools "models" -}}{{- fail "consumers.models: is the name of the pool of model servers; take another" -}}{{- end -}}
{{- $checked := dict -}}
{{- range $name, $one := $pools -}}{{- $_ := set $checked (printf "consumers.%s" $name) $one -}}{{- end -}}
{{- if has .Values.modelServer.kind (list "cytomill" "triton") -}}{{- $_ := set $checked "modelServer" .Values.modelServer -}}{{- end -}}
{{- range $name, $one := $checked -}}
{{- $least := include "cytomill.least" (list $ $one) | int -}}
{{- if gt $least (int $one.max) -}}{{- fail (printf "%s.min: %d is more than its max, %d" $name $least (int $one.max)) -}}{{- end -}}
{{- if and (has $mode (list "hpa" "redis-streams")) (eq $least 0) -}}
{{- fail (printf "%s.min: 0 is not possible with scaling.mode=%s, which cannot see that there is work for none; set 1 or more, or scaling.mode=policy" $name $mode) -}}
{{- end -}}
{{- if and (eq $mode "none") (not (kindIs "invalid" $one.min)) -}}
{{- fail (printf "%s.min: with scaling.mode=none there are always %s.max workers; leave min out" $name $name) -}}
{{- end -}}
{{- if and (eq $mode "redis-streams") (hasPrefix "consumers." $name) (not $one.pipelines) -}}
{{- fail (printf "%s.pipelines: is empty; with scaling.mode=redis-streams name each pipeline, for KEDA looks at their queues one by one" $name) -}}
{{- end -}}
{{- include "cytomill.checkDevice" (list $name $one (and (hasPrefix "consumers." $name) (include "cytomill.modelServer" $))) -}}
{{- end -}}
{{- end -}}

{{- /* Takes (name of the values, values, model server that runs the models instead). */ -}}
{{- define "cytomill.checkDevice" -}}
{{- $name := index . 0 -}}
{{- $one := index . 1 -}}
{{- if and (index . 2) (or $one.device $one.gpus) -}}
{{- fail (printf "%s.%s: models run on the model server; leave it out, or set modelServer%s" $name (ternary "gpus" "device" (gt (int $one.gpus) 0)) (ternary " to nothing" ".kind=none" (eq $name "batch"))) -}}
{{- end -}}
{{- if and $one.gpus (eq ($one.device | default "") "cpu") -}}
{{- fail (printf "%s.device: is cpu, but gpus is %d; set it to cuda" $name (int $one.gpus)) -}}
{{- end -}}
{{- end -}}

{{- define "cytomill.checkModels" -}}
{{- with .Values.modelServer -}}
{{- if and (eq .kind "external") (not (regexMatch "^grpc(\\+dns)?://.+:[0-9]+$" .address)) -}}
{{- fail "modelServer.address: give the address of the external model server, grpc://HOST:PORT" -}}
{{- end -}}
{{- if and (ne .kind "external") .address -}}
{{- fail (printf "modelServer.address: is for modelServer.kind=external; the kind is %s" .kind) -}}
{{- end -}}
{{- if eq .kind "triton" -}}
{{- if not (and .triton.image.repository .triton.image.tag) -}}
{{- fail "modelServer.triton.image: give the repository and the tag of an image of Triton" -}}
{{- end -}}
{{- if not .triton.models -}}
{{- fail "modelServer.triton.models: name a claim with a model repository, as cytomill models export writes it" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "cytomill.checkBatch" -}}
{{- with .Values.batch -}}
{{- if not (or .input.claim .input.csi) -}}
{{- fail "batch.input.claim is empty: name the claim of the volume with the images, or give batch.input.csi" -}}
{{- end -}}
{{- if and .modelServer (not (regexMatch "^grpc(\\+dns)?://.+:[0-9]+$" .modelServer)) -}}
{{- fail "batch.modelServer: give the address of a model server, grpc://HOST:PORT" -}}
{{- end -}}
{{- include "cytomill.checkDevice" (list "batch" . .modelServer) -}}
{{- end -}}
{{- end -}}
