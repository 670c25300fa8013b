"""A function that configures its logging as its environment says."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, LOG015

import logging
import os
import sys

if "AT_IMPORT" in os.environ:
    logging.warning("at import")
settings = eval(os.environ.get("HOW", "{}"), {"sys": sys})
if settings:
    logging.basicConfig(**settings)


def handler(event, context):
    logging.info("hello")
    if "BROKEN" in os.environ:
        logging.error("%d", "no number")


def level(event, context):
    return logging.getLevelName(logging.getLogger().level)
