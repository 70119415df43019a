"""Manifests for Kubernetes: configuration, volume for the state, and a CronJob for each task."""

from collections.abc import Sequence

import yaml

from customer_sync.scheduling.task import Place, Task, Unit, judged
from customer_sync.scheduling.timing import cron_fields

_HEAD = """\
# customer-sync in a cluster. Once, beforehand:
#   kubectl create secret generic customer-sync {secrets}
#   and, if files are read, a volume claim customer-sync-exports that they are put into.
# Then: kubectl apply -f this-file. Times are UTC. A Job fails when a person is needed
# (kube_job_status_failed); a run that the next one mends does not fail. The claim customer-sync
# holds the memory of who said no: keep it.
"""

_USER = 10001
_LABELS = {"app.kubernetes.io/name": "customer-sync"}
_LONGEST_RUN_S = 6 * 3600


def kubernetes(
    place: Place, tasks: Sequence[Task], *, image: str, config_text: str, reads_files: bool
) -> tuple[Unit, ...]:
    """Return the manifests in one file; *place* is that inside the container."""
    manifests = [
        _object("v1", "ConfigMap", "customer-sync", data={place.config.name: config_text}),
        _object("v1", "PersistentVolumeClaim", "customer-sync", spec=_CLAIM),
        *(
            _object(
                "batch/v1",
                "CronJob",
                task.name,
                spec=_cron_job(place, task, image, reads_files=reads_files),
            )
            for task in tasks
        ),
    ]
    secrets = " ".join(f"--from-literal={name}='...'" for name in place.variables)
    text = yaml.dump_all(
        manifests, Dumper=_WithoutAliases, sort_keys=False, width=1_000_000, allow_unicode=True
    )
    return (
        Unit(
            name="customer-sync.yaml",
            text=_HEAD.format(secrets=secrets) + "---\n" + text,
        ),
    )


class _WithoutAliases(yaml.SafeDumper):
    """Writes what occurs twice twice, as people expect manifests to be."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML names it
        """Say so of every value."""
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Write text of several lines line by line, as far as YAML can."""
        style = "|" if "\n" in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_WithoutAliases.add_representer(str, _WithoutAliases.represent_text)


_CLAIM = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}


def _object(version: str, kind: str, name: str, **rest: object) -> dict[str, object]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": _LABELS},
        **rest,
    }


def _cron_job(place: Place, task: Task, image: str, *, reads_files: bool) -> dict[str, object]:
    return {
        "schedule": cron_fields(task.timing),
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": {
                # The next start is the retry.
                "backoffLimit": 0,
                "activeDeadlineSeconds": _LONGEST_RUN_S,
                "template": {
                    "metadata": {"labels": _LABELS},
                    "spec": _pod(place, task, image, reads_files=reads_files),
                },
            }
        },
    }


def _pod(place: Place, task: Task, image: str, *, reads_files: bool) -> dict[str, object]:
    mounts = [
        {"name": "config", "mountPath": str(place.config.parent), "readOnly": True},
        {"name": "state", "mountPath": str(place.state)},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own, for this pod alone
    ]
    volumes: list[dict[str, object]] = [
        {"name": "config", "configMap": {"name": "customer-sync"}},
        {"name": "state", "persistentVolumeClaim": {"claimName": "customer-sync"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if reads_files:
        mounts.append({"name": "exports", "mountPath": "/exports", "readOnly": True})
        claim = {"claimName": "customer-sync-exports"}
        volumes.append({"name": "exports", "persistentVolumeClaim": claim})
    container = {
        "name": "customer-sync",
        "image": image,
        "command": ["/bin/sh", "-c", _literal(judged(task, place.alert)), "sh"],
        "args": [_literal(one) for one in (*place.program, *task.arguments)],
        "workingDir": str(place.state),
        "envFrom": [{"secretRef": {"name": "customer-sync", "optional": True}}],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
        },
        "containers": [container],
        "volumes": volumes,
    }


def _literal(text: str) -> str:
    """Return *text* so that the cluster puts no variable into it."""
    return text.replace("$(", "$$(")
