"""A function that reads events and writes results its own way."""

# As its users write it: nothing is annotated, and it prints.
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201

from warmstart.runtime import use_marshaller


class Brackets:
    def unmarshal_request(self, request, content_type):
        return request.decode()

    def marshal_response(self, response):
        return f"<{response!r}>", "text/plain"


use_marshaller(Brackets())


def handler(event, context):
    return event
