"""What Google is told to make, as it wants it told."""

from __future__ import annotations

from typing import Any

from .cluster import POOL, Cluster, NodePool

#: Interfaces that a project needs.
SERVICES = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "storage.googleapis.com",
)

#: What nodes may do: write logs and metrics, and fetch images of the project.
NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")

#: What pods may do with the bucket: read, write, list and delete what is in it.
BUCKET_ROLE = "roles/storage.objectUser"

#: Addresses of nodes, pods (256 of a node, so 1024 nodes) and services.
_NODES, _PODS, _SERVICES = "10.0.0.0/20", "10.4.0.0/14", "10.8.0.0/20"


def network(cluster: Cluster) -> dict[str, Any]:
    """A network of its own: what is in it is the cluster's."""
    return {
        "name": cluster.network,
        "description": cluster.described,
        "autoCreateSubnetworks": False,
        "routingConfig": {"routingMode": "REGIONAL"},
    }


def subnetwork(cluster: Cluster) -> dict[str, Any]:
    """The part of it in the region; Google's services are reached from inside."""
    return {
        "name": cluster.network,
        "description": cluster.described,
        "network": f"projects/{cluster.project}/global/networks/{cluster.network}",
        "ipCidrRange": _NODES,
        "secondaryIpRanges": [
            {"rangeName": "pods", "ipCidrRange": _PODS},
            {"rangeName": "services", "ipCidrRange": _SERVICES},
        ],
        "privateIpGoogleAccess": True,
    }


def router(cluster: Cluster) -> dict[str, Any]:
    """The way out for nodes that have no addresses of their own."""
    return {
        "name": cluster.network,
        "description": cluster.described,
        "network": f"projects/{cluster.project}/global/networks/{cluster.network}",
        "nats": [
            {
                "name": "nat",
                "natIpAllocateOption": "AUTO_ONLY",
                "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
            }
        ],
    }


def account(cluster: Cluster) -> dict[str, Any]:
    """Who the nodes are: not the project's default account, which may do nearly everything."""
    told = {"displayName": f"Nodes of {cluster.name}", "description": cluster.described}
    return {"accountId": cluster.account, "serviceAccount": told}


def cluster(wish: Cluster) -> dict[str, Any]:
    """The cluster with the pool that stays."""
    system, *_ = wish.pools
    return {
        "cluster": {
            "name": wish.name,
            "description": wish.described,
            "resourceLabels": dict(wish.labels),
            "network": wish.network,
            "subnetwork": wish.network,
            "ipAllocationPolicy": {
                "useIpAliases": True,
                "clusterSecondaryRangeName": "pods",
                "servicesSecondaryRangeName": "services",
            },
            "privateClusterConfig": {"enablePrivateNodes": True},
            "releaseChannel": {"channel": "REGULAR"},
            "workloadIdentityConfig": {"workloadPool": f"{wish.project}.svc.id.goog"},
            "shieldedNodes": {"enabled": True},
            "legacyAbac": {"enabled": False},
            "masterAuth": {"clientCertificateConfig": {"issueClientCertificate": False}},
            # It enforces the chart's network policies.
            "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"},
            # A GPU that has nothing to do goes after minutes rather than after ten.
            "autoscaling": {"autoscalingProfile": "OPTIMIZE_UTILIZATION"},
            "addonsConfig": {
                "gcePersistentDiskCsiDriverConfig": {"enabled": True},
                "httpLoadBalancing": {"disabled": False},
            },
            "nodePools": [_pool(wish, system)],
        }
    }


def node_pool(wish: Cluster, pool: NodePool) -> dict[str, Any]:
    """A pool of nodes."""
    return {"nodePool": _pool(wish, pool)}


def autoscaling(pool: NodePool) -> dict[str, Any]:
    """How many nodes a pool may have."""
    return {
        "autoscaling": {
            "enabled": True,
            "minNodeCount": pool.least,
            "maxNodeCount": pool.most,
            # Spot machines are taken where there are any.
            "locationPolicy": "ANY" if pool.spot else "BALANCED",
        }
    }


def bucket(wish: Cluster) -> dict[str, Any]:
    """A bucket that nobody can make public by mistake."""
    return {
        "name": wish.bucket,
        "location": wish.region,
        "labels": dict(wish.labels),
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "publicAccessPrevention": "enforced",
        },
    }


def _pool(wish: Cluster, pool: NodePool) -> dict[str, Any]:
    config: dict[str, Any] = {
        "machineType": pool.machine,
        "diskSizeGb": pool.disk,
        "diskType": "pd-balanced",
        "imageType": "COS_CONTAINERD",
        "serviceAccount": wish.email,
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "labels": {POOL: pool.name},
        "resourceLabels": dict(wish.labels),
        "spot": pool.spot,
        "shieldedInstanceConfig": {
            # Drivers of GPUs are not signed for it.
            "enableSecureBoot": pool.gpu is None,
            "enableIntegrityMonitoring": True,
        },
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        # Old ways to a node's own credentials are closed.
        "metadata": {"disable-legacy-endpoints": "true"},
    }
    if pool.tainted:
        config["taints"] = [{"key": POOL, "value": pool.name, "effect": "NO_SCHEDULE"}]
    if pool.gpu is not None:
        config["accelerators"] = [
            {
                "acceleratorCount": "1",
                "acceleratorType": pool.gpu.accelerator,
                "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"},
            }
        ]
    return {
        "name": pool.name,
        "config": config,
        "initialNodeCount": pool.least,
        **autoscaling(pool),
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 1, "maxUnavailable": 0},
    }
