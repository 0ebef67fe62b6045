"""Asks a server through the clients that teams have, as they come from the package index.

Reads {"port", "model", "version", "transactions", "features"} and prints what each client got: for each way of asking, one
value for each transaction.
"""

import asyncio
import json
import sys

import numpy as np
import pandas as pd
import requests
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from tritonclient.utils import InferenceServerException

asked = json.load(sys.stdin)
ADDRESS = f"127.0.0.1:{asked['port']}"
MODEL, VERSION = asked["model"], asked["version"]
ROWS = asked["transactions"]
FRAME = pd.DataFrame(ROWS)
TEXTS = [name for name in FRAME.columns if name not in ("amount", "latitude")]


def tensor(kind, name, values, datatype, binary):
    array = np.array(values, dtype={"BYTES": object, "FP64": np.float64, "FP32": np.float32}[datatype])
    made = kind(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def columns(kind, binary, amounts="FP64"):
    texts = [tensor(kind, name, FRAME[name].fillna(""), "BYTES", binary) for name in TEXTS]
    return [
        *texts,
        tensor(kind, "amount", FRAME["amount"], amounts, binary),
        tensor(kind, "latitude", FRAME["latitude"], "FP64", binary),
    ]


def ask_triton(got):
    client = triton.InferenceServerClient(ADDRESS)
    got["triton ready"] = [
        client.is_server_live(),
        client.is_server_ready(),
        client.is_model_ready(MODEL, VERSION),
    ]
    got["triton metadata"] = client.get_model_metadata(MODEL)["name"]
    got["triton config"] = client.get_model_config(MODEL, VERSION)["output"][0]["data_type"]
    got["triton index"] = client.get_model_repository_index()
    got["triton extensions"] = client.get_server_metadata()["extensions"]

    def probabilities(inputs, outputs=None):
        result = client.infer(MODEL, inputs, outputs=outputs)
        assert result.as_numpy("is_flagged").dtype == np.bool_
        risks = [risk.decode() if isinstance(risk, bytes) else risk for risk in result.as_numpy("risk_level")]
        return [list(result.as_numpy("probability")), risks]

    names = ["probability", "risk_level", "is_flagged"]
    as_json = [triton.InferRequestedOutput(name, binary_data=False) for name in names]
    made = triton.InferInput
    got["triton bytes"] = probabilities(columns(made, True))
    got["triton JSON"] = probabilities(columns(made, False), as_json)
    got["triton bytes, answers in JSON"] = probabilities(columns(made, True, "FP32"), as_json)
    whole = [json.dumps(row) for row in ROWS]
    got["triton transactions"] = probabilities([tensor(made, "transaction", whole, "BYTES", True)])
    got["triton features"] = probabilities([tensor(made, "features", asked["features"], "FP64", True)])
    features = asked["features"]
    got["triton features in JSON"] = probabilities([tensor(made, "features", features, "FP64", False)], as_json)
    got["triton features, FP32"] = probabilities([tensor(made, "features", features, "FP32", True)])
    waiting = client.async_infer(MODEL, columns(made, True))
    got["triton async"] = list(waiting.get_result().as_numpy("probability"))
    got["triton errors"] = []
    for ask in (
        lambda: client.get_model_config("nobody"),
        lambda: client.load_model(MODEL),
        lambda: client.infer(MODEL, columns(made, True)[:1]),
    ):
        try:
            ask()
        except InferenceServerException as error:
            got["triton errors"].append(str(error))
    got["triton rows"] = client.get_inference_statistics(MODEL)["model_stats"][0]["inference_count"]
    client.close()


async def ask_triton_aio(got):
    async with triton_aio.InferenceServerClient(ADDRESS) as client:
        result = await client.infer(MODEL, columns(triton.InferInput, True))
        got["triton asyncio"] = list(result.as_numpy("probability"))


async def ask_kserve(got):
    url = f"http://{ADDRESS}"
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        got["kserve ready"] = [
            await client.is_server_live(url),
            await client.is_server_ready(url),
            await client.is_model_ready(url, MODEL),
        ]
        for way, binary in (("kserve bytes", True), ("kserve JSON", False)):
            parameters = {"binary_data_output": binary}
            sent = InferRequest(model_name=MODEL, infer_inputs=columns(InferInput, binary), parameters=parameters)
            answer = await client.infer(url, sent, model_name=MODEL)
            got[way] = next(output for output in answer.outputs if output.name == "probability").data
        try:
            await client.infer(url, sent, model_name="nobody")
        except Exception as error:
            got["kserve error"] = str(error)
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        got["kserve v1 ready"] = [await client.is_server_live(url), await client.is_model_ready(url, MODEL)]
        answer = await client.infer(url, {"instances": ROWS}, model_name=MODEL)
        got["kserve v1"] = [prediction["probability"] for prediction in answer["predictions"]]


def ask_mlflow(got):
    client = ScoringServerClient("127.0.0.1", asked["port"])
    client.ping()
    got["mlflow"] = list(client.invoke(FRAME).get_predictions()["probability"])
    # Times as pandas has them: with a zone, and in that of the training without one.
    zoned = FRAME.assign(timestamp=pd.to_datetime(FRAME["timestamp"], utc=True))
    naive = zoned.assign(timestamp=zoned["timestamp"].dt.tz_convert(asked["zone"]).dt.tz_localize(None))
    for way, frame in (("with a zone", zoned), ("without a zone", naive)):
        got[f"mlflow, times {way}"] = list(client.invoke(frame).get_predictions()["probability"])
        for kind, body in (("text/csv", frame.to_csv()), ("application/vnd.apache.parquet", frame.to_parquet())):
            got[f"{kind}, times {way}"] = post(kind, body)
    lines = FRAME.to_json(orient="records", lines=True)
    got["lines"] = post("application/jsonlines", lines)


def post(kind, body):
    answer = requests.post(f"http://{ADDRESS}/invocations", data=body, headers={"content-type": kind}, timeout=60)
    if answer.status_code != 200:
        return answer.text
    return [prediction["probability"] for prediction in answer.json()["predictions"]]


got = {}
ask_triton(got)
asyncio.run(ask_triton_aio(got))
asyncio.run(ask_kserve(got))
ask_mlflow(got)
print(json.dumps(got, default=lambda value: value.item()))
