"""An app that more than HTTP wakes: a schedule, and files that are uploaded.

Run it with `warmstart dev examples.woken_app:handler --every "rate(1 minute)" --bucket uploads`,
and put a text file into the folder `uploads`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from fastapi import FastAPI

from warmstart import ASGIHandler

UPLOADS = Path("uploads")

app = FastAPI(title="woken by more than HTTP")
handler = ASGIHandler(app)


@app.get("/uploads")
def list_uploads() -> list[str]:
    return sorted(path.name for path in UPLOADS.iterdir())


@handler.on("schedule")
def report(event: dict[str, Any], context: Any) -> None:
    print(f"At {event['time']} there are {len(list(UPLOADS.iterdir()))} files")


@handler.on("s3")
def index(event: dict[str, Any], context: Any) -> None:
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        if record["eventName"].startswith("ObjectCreated:"):
            print(f"{key} has {len((UPLOADS / key).read_text().split())} words")
        else:
            print(f"{key} is gone")
