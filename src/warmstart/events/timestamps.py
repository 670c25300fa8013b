"""Times as AWS's events write them."""

from __future__ import annotations

from time import gmtime

__all__ = ["request_time"]

# `strftime` would write the month in the language of the process.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def request_time(seconds: float) -> str:
    """`seconds` since the epoch as access logs write it: `12/Mar/2020:19:03:58 +0000`."""
    year, month, day, hour, minute, second, *_ = gmtime(seconds)
    return f"{day:02}/{_MONTHS[month - 1]}/{year}:{hour:02}:{minute:02}:{second:02} +0000"
