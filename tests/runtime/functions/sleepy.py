"""A handler that takes its time."""

import time


def handler(event, context):
    time.sleep(event["seconds"])
    return "slept"
