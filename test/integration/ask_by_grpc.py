"""Asks a server by gRPC through the client of Triton or of KServe, as they come from the package index.

Two programs, because the two cannot be loaded into one process: both bring messages of the same names that differ.

Usage: ask_by_grpc.py triton|kserve. Reads {"port", "model", "version", "transactions", "features"} and prints what the client got:
for each way of asking, one value for each transaction.
"""

import asyncio
import json
import queue
import sys

import numpy as np

asked = json.load(sys.stdin)
ADDRESS = f"127.0.0.1:{asked['port']}"
MODEL, VERSION = asked["model"], asked["version"]
ROWS = asked["transactions"]
WHOLE = [json.dumps(row) for row in ROWS]
NUMBERS = ("amount", "latitude")
KEY = {"x-api-key": asked["key"]}


def array_of(values, datatype):
    return np.array(values, dtype={"BYTES": object, "FP64": np.float64, "FP32": np.float32}[datatype])


def columns():
    texts = [name for name in ROWS[1] if name not in NUMBERS]
    for name in texts:
        yield name, [row.get(name) or "" for row in ROWS], "BYTES"
    for name in NUMBERS:
        yield name, [np.nan if row.get(name) is None else row[name] for row in ROWS], "FP64"


def ask_triton():
    import tritonclient.grpc as triton
    import tritonclient.grpc.aio as triton_aio
    from tritonclient.utils import InferenceServerException

    def tensor(name, values, datatype):
        array = array_of(values, datatype)
        made = triton.InferInput(name, list(array.shape), datatype)
        made.set_data_from_numpy(array)
        return made

    got = {}
    client = triton.InferenceServerClient(ADDRESS)
    got["ready"] = [
        client.is_server_live(),
        client.is_server_ready(),
        client.is_model_ready(MODEL, VERSION, headers=KEY),
    ]
    got["metadata"] = client.get_model_metadata(MODEL, headers=KEY, as_json=True)["platform"]
    config = client.get_model_config(MODEL, VERSION, headers=KEY, as_json=True)["config"]
    got["config"] = config["output"][0]["data_type"]
    got["index"] = client.get_model_repository_index(headers=KEY, as_json=True)["models"]
    got["extensions"] = list(client.get_server_metadata().extensions)

    def infer(inputs, **options):
        return client.infer(MODEL, inputs, headers=KEY, **options)

    def probabilities(inputs, **options):
        result = infer(inputs, **options)
        risks = [risk.decode() for risk in result.as_numpy("risk_level")]
        return [list(result.as_numpy("probability")), risks]

    by_column = [tensor(*column) for column in columns()]
    got["columns"] = probabilities(by_column, model_version=VERSION, request_id="7")
    names = [triton.InferRequestedOutput(name) for name in ("risk_level", "probability")]
    got["transactions"] = probabilities([tensor("transaction", WHOLE, "BYTES")], outputs=names)
    got["features"] = probabilities([tensor("features", asked["features"], "FP64")])
    answers = queue.Queue()
    client.async_infer(MODEL, by_column, callback=lambda result, error: answers.put((result, error)), headers=KEY)
    result, error = answers.get(timeout=60)
    assert error is None, error
    got["async"] = list(result.as_numpy("probability"))

    async def ask_aio():
        async with triton_aio.InferenceServerClient(ADDRESS) as asynchronous:
            result = await asynchronous.infer(MODEL, by_column, headers=KEY)
            return list(result.as_numpy("probability"))

    got["asyncio"] = asyncio.run(ask_aio())
    got["errors"] = []
    for ask in (
        lambda: client.infer(MODEL, by_column),
        lambda: client.get_model_config("nobody", headers=KEY),
        lambda: client.load_model(MODEL, headers=KEY),
        lambda: infer(by_column[:1]),
        lambda: infer(by_column, compression_algorithm="gzip"),
    ):
        try:
            ask()
        except InferenceServerException as error:
            got["errors"].append(f"{error.status()} {error.message()}")
    stats = client.get_inference_statistics(MODEL, headers=KEY, as_json=True)["model_stats"][0]
    got["rows"] = int(stats["inference_count"])
    client.close()
    return got


async def ask_kserve():
    import grpc
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    key = tuple(KEY.items())
    got = {}
    async with InferenceGRPCClient(ADDRESS) as client:
        got["ready"] = [
            await client.is_server_live(),
            await client.is_server_ready(),
            await client.is_model_ready(MODEL, headers=key),
        ]

        async def probabilities(tensors):
            answer = await client.infer(InferRequest(model_name=MODEL, infer_inputs=tensors), headers=key)
            return next(list(output.as_numpy()) for output in answer.outputs if output.name == "probability")

        def tensor(name, values, datatype):
            array = array_of(values, datatype)
            made = InferInput(name, list(array.shape), datatype)
            made.set_data_from_numpy(array, binary_data=True)
            return made

        got["columns"] = await probabilities([tensor(*column) for column in columns()])
        # Lists are sent as typed contents.
        lists = [InferInput(name, [len(values)], datatype, values) for name, values, datatype in columns()]
        got["lists"] = await probabilities(lists)
        got["errors"] = []
        for model, headers in (("nobody", key), (MODEL, ())):
            try:
                await client.infer(InferRequest(model_name=model, infer_inputs=lists), headers=headers)
            except grpc.RpcError as error:
                got["errors"].append(f"{error.code().name} {error.details()}")
    return got


def ask_health():
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(ADDRESS) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""))
        return health_pb2.HealthCheckResponse.ServingStatus.Name(check.status)


if sys.argv[1] == "triton":
    answer = ask_triton()
    answer["health"] = ask_health()
else:
    answer = asyncio.run(ask_kserve())
print(json.dumps(answer, default=lambda value: value.item()))
