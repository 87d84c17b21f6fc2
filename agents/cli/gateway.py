"""``feedstream gateway``: events, feeds and the pages over HTTP."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from agents.settings import Settings

__all__ = ["gateway"]


@click.command()
@click.option("--host", help="Address to listen on; default: FEEDSTREAM_GATEWAY_HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port; default: FEEDSTREAM_GATEWAY_PORT.")
@click.option("--openapi", "document", is_flag=True, help="Print the OpenAPI document and leave.")
def gateway(host: str | None, port: int | None, document: bool) -> None:
    """Serve events, feeds and the pages over HTTP until SIGTERM.

    Start as many as you like behind a load balancer: none owns anything. docs/http.md says what they answer.
    """
    if document:
        from agents.gateway.openapi import openapi  # noqa: PLC0415  # River is slow to import

        text = orjson.dumps(openapi(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        click.echo(text.decode())
        return
    told: dict[str, Any] = {"gateway_host": host, "gateway_port": port}
    settings = Settings.from_env(**{name: value for name, value in told.items() if value is not None})
    _ = settings.bootstrap, settings.store_url  # embedded:// is refused before anything slow begins
    from agents.gateway.app import run  # noqa: PLC0415  # River is slow to import

    sys.exit(run(settings))
