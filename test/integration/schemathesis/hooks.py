"""Lines of JSON, which schemathesis does not know: one line for each value, and of an answer the first line."""

import json

import schemathesis

NDJSON = "application/x-ndjson"


@schemathesis.serializer(NDJSON)
def write_line(ctx, value):
    return json.dumps(value).encode() + b"\n"


@schemathesis.deserializer(NDJSON)
def read_line(ctx, response):
    return json.loads(response.content.split(b"\n", 1)[0])
