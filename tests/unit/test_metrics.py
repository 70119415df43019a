"""The figures as Prometheus reads them."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from customer_sync.core.figures import Numbers, PastRun
from customer_sync.core.model import RatePlan
from customer_sync.core.standing import Standing
from customer_sync.monitoring.metrics import write_metrics
from customer_sync.monitoring.watching import Past, Status, budgets_of, status
from figures_builders import NOON, past_run


def status_of(*runs: PastRun) -> Status:
    """Return how it stands after *runs*, the newest first."""
    past = Past(
        since=NOON - timedelta(hours=24),
        until=NOON + timedelta(minutes=5),
        runs=runs,
        latencies=[(NOON, 4.0)] if runs else [],
        standing=Standing(
            last_run=runs[0] if runs else None,
            last_success=runs[0] if runs else None,
            queue_depth=3,
            next_retry=NOON if runs else None,
            dead_letters=1,
        ),
    )
    return status(past, target="live", budgets=budgets_of(RatePlan.GENERAL))


def read(file: Path) -> dict[str, float]:
    """Return the samples of a file by their names, with what their own label says."""
    families = text_string_to_metric_families(file.read_text(encoding="utf-8"))
    return {
        " ".join([sample.name, *(v for k, v in sample.labels.items() if k != "target")]): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the figures go."""
    return tmp_path / "customer_sync.prom"


def test_what_is_true_now_is_told(file: Path) -> None:
    """With the last run, the last day, and all runs there were."""
    run = past_run(
        applied=2,
        kept=5,
        deferred=1,
        requests={"GET /contacts": 4},
        failed_requests={"GET /contacts": 1},
        stages={"apply": 1.5},
    )
    write_metrics(file, status_of(run), {0: 7, 6: 2, None: 1})
    told = read(file)
    assert told["customer_sync_healthy"] == 1
    assert told["customer_sync_queue_depth"] == 3
    assert told["customer_sync_dead_letters"] == 1
    assert told["customer_sync_next_retry_timestamp_seconds"] == NOON.timestamp()
    assert told["customer_sync_last_run_timestamp_seconds"] == NOON.timestamp() + 60
    assert told["customer_sync_last_run_duration_seconds"] == 60
    assert told["customer_sync_last_run_customers applied"] == 2
    assert told["customer_sync_last_run_failed_requests GET /contacts"] == 1
    assert told["customer_sync_last_run_stage_duration_seconds apply"] == 1.5
    assert told["customer_sync_day_success_ratio"] == 7 / 8
    assert told["customer_sync_day_error_ratio"] == 0.25
    assert told["customer_sync_day_latency_seconds p95"] == 4
    assert told["customer_sync_runs_total 0"] == 7
    assert told["customer_sync_runs_total none"] == 1


def test_what_is_not_known_is_left_out(file: Path) -> None:
    """A zero would be a claim."""
    write_metrics(file, status_of(), {})
    told = read(file)
    assert told["customer_sync_healthy"] == 0
    assert sorted(told) == [
        "customer_sync_day_budget_used_ratio contacts",
        "customer_sync_day_budget_used_ratio other",
        "customer_sync_dead_letters",
        "customer_sync_healthy",
        "customer_sync_queue_depth",
    ]


def test_every_sample_says_which_brevo_it_is_about(file: Path) -> None:
    """A rehearsal must not look like the real thing."""
    write_metrics(file, status_of(past_run()), {0: 1})
    families = text_string_to_metric_families(file.read_text(encoding="utf-8"))
    samples = [sample for family in families for sample in family.samples]
    assert len(samples) > 10
    assert {sample.labels["target"] for sample in samples} == {"live"}


def test_names_keep_to_the_conventions(file: Path) -> None:
    """A prefix, a description, base units, and `_total` for nothing but counters."""
    write_metrics(file, status_of(past_run(requests={"a": 1}, stages={"b": 1.0})), {0: 1})
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        assert family.name.startswith("customer_sync_")
        assert family.documentation.endswith(".")
        assert (family.type == "counter") is family.samples[0].name.endswith("_total")
        assert not family.name.endswith(("_ms", "_minutes", "_percent"))


def test_others_may_read_the_file_and_nothing_is_left_beside_it(file: Path) -> None:
    """node_exporter runs as somebody else, and reads every .prom file there."""
    file.write_text("old", encoding="utf-8")
    file.chmod(0o600)
    write_metrics(file, status_of(past_run()), {0: 1})
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_labels_of_any_text_are_escaped(file: Path) -> None:
    """What a report holds cannot break the format."""
    hostile = 'a"} 1\nfake_metric 1 \\'
    run = PastRun(
        id="r",
        command="run",
        started_at=NOON,
        finished_at=NOON,
        exit_code=0,
        numbers=Numbers(stages={hostile: 1.0}),
    )
    write_metrics(file, status_of(run), {})
    families = [f.name for f in text_string_to_metric_families(file.read_text("utf-8"))]
    assert "fake_metric" not in families
