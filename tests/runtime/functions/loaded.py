"""Tells what has been imported."""

import sys


def handler(event, context):
    return list(sys.modules)
