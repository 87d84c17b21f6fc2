"""``feedstream metrics``: what workers and gateways measure; the dashboard, alerts and page that are made from it."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

__all__ = ["metrics", "written"]


@click.command()
@click.option("--json", "form", flag_value="json", help="Print every metric as JSON.")
@click.option("--grafana", "form", flag_value="grafana", help="Print the dashboard for Grafana, JSON.")
@click.option("--alerts", "form", flag_value="alerts", help="Print the rules for Prometheus, YAML.")
@click.option("--write", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Write the dashboard, the rules and docs/metrics.md into this checkout.")  # fmt: skip
def metrics(form: str | None, folder: Path | None) -> None:
    """Every metric: kind, unit, labels, meaning. Asks no broker."""
    from agents.measures.alerts import alert_rules  # noqa: PLC0415  # only --help shall load nothing
    from agents.measures.telemetry import PREFIX, SPECS  # noqa: PLC0415  # the same

    if folder is not None:
        for name, text in written().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text)
        return
    if form == "json":
        rows = [
            {"name": PREFIX + name, "kind": spec.kind, "unit": spec.unit, "labels": spec.labels,
             "meaning": spec.meaning, "buckets": spec.buckets}
            for name, spec in SPECS.items()
        ]  # fmt: skip
        click.echo(orjson.dumps(rows))
    elif form == "alerts":
        click.echo(alert_rules(), nl=False)
    elif form == "grafana":
        click.echo(written()["deploy/grafana/feedstream.json"], nl=False)
    else:
        for name, spec in SPECS.items():
            click.echo(f"{PREFIX + name:<36} {spec.kind:<9} {spec.unit:<10} {spec.meaning}")


def written() -> dict[str, bytes]:
    """Every file that is made from the registry, by its path in the checkout."""
    from agents.measures.alerts import alert_rules  # noqa: PLC0415
    from agents.measures.dashboard import dashboard  # noqa: PLC0415
    from agents.measures.page import metrics_page  # noqa: PLC0415

    board, rules = orjson.dumps(dashboard(), option=orjson.OPT_INDENT_2) + b"\n", alert_rules().encode()
    return {
        "deploy/grafana/feedstream.json": board,
        "deploy/helm/feedstream/files/alerts.yaml": rules,  # a chart can hold no file from outside of it
        "deploy/helm/feedstream/files/feedstream.json": board,
        "deploy/prometheus/alerts.yaml": rules,
        "docs/metrics.md": metrics_page().encode(),
    }
