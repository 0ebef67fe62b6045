"""Asks a server as an endpoint of SageMaker is asked: what its SDK's serializers write, sent to /invocations.

Reads {"port", "transactions"} and prints by serializer the probabilities, or status and error.
"""

import json
import sys
import urllib.error
import urllib.request

import pandas as pd
from sagemaker.base_serializers import CSVSerializer, JSONLinesSerializer, JSONSerializer

asked = json.load(sys.stdin)
rows = asked["transactions"]
got = {}
for serializer, data in (
    (JSONSerializer(), rows),
    (JSONLinesSerializer(), rows),
    (CSVSerializer(), pd.DataFrame(rows)),
):
    body = serializer.serialize(data)
    request = urllib.request.Request(
        f"http://127.0.0.1:{asked['port']}/invocations",
        data=body.encode() if isinstance(body, str) else body,
        headers={"content-type": serializer.CONTENT_TYPE},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            told = [prediction["probability"] for prediction in json.load(answer)["predictions"]]
    except urllib.error.HTTPError as error:
        told = [error.code, json.load(error)["message"]]
    got[type(serializer).__name__] = told
print(json.dumps(got))
