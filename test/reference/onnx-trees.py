"""Records ONNX files of trees as one version of skl2onnx and of other converters writes them, and what onnxruntime scores with each:
test/golden/onnx-<version of skl2onnx>.json.gz, which src/learning/onnx is compared with.

Run with every version that the documents name (docs/imported-models.md), in an environment of its own:

    pip install skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 onnxmltools==1.16.0 scikit-learn pandas lightgbm catboost xgboost
    python test/reference/onnx-trees.py

1.14.1 needs 'onnx<1.15' 'onnxruntime<1.17' 'scikit-learn<1.3' 'numpy<2' 'pandas<2.2'; converters that are not installed are left out.
Rows are asked as the file takes them: as floats, or as doubles.
"""

import pathlib
import tempfile
import warnings

import numpy
import onnx
import onnxruntime
import pandas
import skl2onnx
from model_files import CODES, FRAME, KEPT, LABELS, NAMES, add_case, file, recorded, write
from onnx import TensorProto, helper
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
FOLDER = pathlib.Path(tempfile.mkdtemp())
WHOLE = FRAME.fillna(0)
FLOATS = [("X", FloatTensorType([None, 4]))]
DOUBLES = [("X", DoubleTensorType([None, 4]))]


def probabilities(data, frame):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    types = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64}
    if len(inputs) == 1:
        asked = {inputs[0].name: frame.values[:KEPT].astype(types[inputs[0].type])}
    else:
        asked = {one.name: frame[[one.name]].values[:KEPT].astype(types[one.type]) for one in inputs}
    answers = session.run(None, asked)
    answer = answers[-1]
    if isinstance(answer, list):
        return numpy.array([list(row.values())[1] for row in answer])
    return answer[:, 1] if answer.ndim == 2 and answer.shape[1] == 2 else answer.ravel()


def case(name):
    def add(make):
        def told():
            model, frame, *more = make()
            data = model.SerializeToString() if hasattr(model, "SerializeToString") else model
            return recorded(data, frame, probabilities(data, frame), **(dict(more[0]) if more else {}))

        add_case(name)(told)

    return add


def converted(name, model, types=FLOATS, frame=WHOLE, labels=LABELS, **options):
    @case(name)
    def _():
        fitted = model.fit(frame.values, labels)
        return skl2onnx.convert_sklearn(fitted, initial_types=types, **options), frame


SMALL = {"n_estimators": 4, "max_depth": 4, "random_state": 5}
converted("forest", RandomForestClassifier(**SMALL))
converted("forest without ZipMap", RandomForestClassifier(**SMALL), options={"zipmap": False})
converted("forest by columns", RandomForestClassifier(**SMALL), options={"zipmap": "columns"})
converted("forest of doubles", RandomForestClassifier(**SMALL), DOUBLES)
converted("forest of doubles, ai.onnx.ml 3", RandomForestClassifier(**SMALL), DOUBLES, target_opset={"": 15, "ai.onnx.ml": 3})
converted("forest, ai.onnx.ml 1", RandomForestClassifier(**SMALL), target_opset={"": 12, "ai.onnx.ml": 1})
converted("extra trees", ExtraTreesClassifier(**SMALL))
converted("a tree", DecisionTreeClassifier(max_depth=4, random_state=5))
converted("boosting", GradientBoostingClassifier(**SMALL))
converted("regression forest", RandomForestRegressor(**SMALL))
converted("a regression tree", DecisionTreeRegressor(max_depth=4, random_state=5))
converted("true and false", RandomForestClassifier(**SMALL), labels=LABELS.astype(bool))
converted("texts as labels", RandomForestClassifier(**SMALL), labels=numpy.where(LABELS == 1, "fraud", "ok"))
converted("missing values", RandomForestClassifier(**SMALL), frame=FRAME)


@case("columns by their names")
def _():
    fitted = RandomForestClassifier(**SMALL).fit(WHOLE.values, LABELS)

    model = skl2onnx.convert_sklearn(fitted, initial_types=FLOATS, options={"zipmap": False})
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in NAMES]
    model.graph.node.insert(0, helper.make_node("Concat", NAMES, ["X"], axis=1))
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    return model, WHOLE


def by_library(name, make):
    try:
        import onnxmltools  # noqa: F401
    except ImportError:
        return
    case(name)(make)


def xgboost_model():
    import onnxmltools
    import xgboost

    fitted = xgboost.XGBClassifier(n_estimators=4, max_depth=3, n_jobs=1).fit(FRAME.values, LABELS)
    return onnxmltools.convert_xgboost(fitted, initial_types=[("X", onnxmltools.convert.common.data_types.FloatTensorType([None, 4]))]), FRAME


def lightgbm_model(**options):
    import lightgbm
    import onnxmltools

    fitted = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, min_child_samples=8, n_jobs=1, verbose=-1)
    fitted.fit(FRAME.values, LABELS)
    types = [("X", onnxmltools.convert.common.data_types.FloatTensorType([None, 4]))]
    return onnxmltools.convert_lightgbm(fitted, initial_types=types, **options), FRAME


def catboost_model():
    import catboost

    fitted = catboost.CatBoostClassifier(iterations=4, depth=3, verbose=0, thread_count=1, allow_writing_files=False)
    fitted.fit(FRAME.values, LABELS)
    fitted.save_model(str(FOLDER / "model.onnx"), format="onnx")
    return (FOLDER / "model.onnx").read_bytes(), FRAME


by_library("XGBoost by onnxmltools", xgboost_model)
by_library("LightGBM by onnxmltools", lightgbm_model)
by_library("LightGBM by onnxmltools, without ZipMap", lambda: lightgbm_model(zipmap=False))
by_library("CatBoost by itself", catboost_model)


# Made by hand: one tree of channel, whatever a converter would write -----------------------------------------------------------

LEAF_AT = {"nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0]}


def one_split(mode, value, tracks, element=TensorProto.FLOAT, operator="TreeEnsembleClassifier", **more):
    attributes = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [2, 0, 0],
        "nodes_modes": [mode, "LEAF", "LEAF"],
        "nodes_values": [value, 0.0, 0.0],
        "nodes_missing_value_tracks_true": [tracks, 0, 0],
        **LEAF_AT,
    }
    kind = "class" if operator == "TreeEnsembleClassifier" else "target"
    weights = {f"{kind}_treeids": [0, 0], f"{kind}_nodeids": [1, 2], f"{kind}_ids": [0, 0], f"{kind}_weights": [0.2, 0.7]}
    labels = {"classlabels_int64s": [0, 1]} if kind == "class" else {"n_targets": 1}
    node = helper.make_node(
        operator,
        ["X"],
        ["label", "probability"] if kind == "class" else ["probability"],
        domain="ai.onnx.ml",
        **{**attributes, **weights, **labels, **more},
    )
    return graph_of([node], element, kind == "class")


def graph_of(nodes, element, is_classifier, constants=(), version=3):
    outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT if version < 5 else element, None)]
    if is_classifier:
        outputs.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, [None]))
    graph = helper.make_graph(
        nodes, "trees", [helper.make_tensor_value_info("X", element, [None, 4])], outputs, initializer=list(constants)
    )
    imports = [helper.make_opsetid("ai.onnx.ml", version), helper.make_opsetid("", 18 if version < 5 else 21)]
    model = helper.make_model(graph, opset_imports=imports)
    model.ir_version = 8 if version < 5 else 10
    return model


ODD = FRAME.assign(channel=FRAME["channel"].where(numpy.arange(len(FRAME)) % 5 != 0))
for mode in ["LEQ", "LT", "GTE", "GT", "EQ", "NEQ"]:
    for tracks in [0, 1]:
        case(f"{mode}, missing {'true' if tracks else 'false'}")(
            lambda mode=mode, tracks=tracks: (one_split(f"BRANCH_{mode}", 4, tracks), ODD)
        )

#: Values next to a threshold that no float holds, as floats and as doubles.
NEAR = FRAME.assign(channel=numpy.resize([0.1, 0.1 + 1e-12, float(numpy.float32(0.1)), numpy.nextafter(float(numpy.float32(0.1)), 1)], len(FRAME)))
case("near a threshold, floats")(lambda: (one_split("BRANCH_LEQ", 0.1, 0), NEAR))
case("near a threshold, doubles")(lambda: (one_split("BRANCH_LEQ", 0.1, 0, TensorProto.DOUBLE), NEAR))
case("near a threshold, below, doubles")(lambda: (one_split("BRANCH_LT", 0.1, 0, TensorProto.DOUBLE), NEAR))


@case("near a threshold that is a double")
def _():
    """ai.onnx.ml 3 has tensors of doubles."""
    tensors = {
        "nodes_values_as_tensor": helper.make_tensor("v", TensorProto.DOUBLE, [3], [0.1, 0, 0]),
        "target_weights_as_tensor": helper.make_tensor("w", TensorProto.DOUBLE, [2], [0.2, 0.7]),
    }
    model = one_split("BRANCH_LEQ", 0.1, 0, TensorProto.DOUBLE, "TreeEnsembleRegressor", **tensors)
    kept = [one for one in model.graph.node[0].attribute if one.name not in ("nodes_values", "target_weights")]
    del model.graph.node[0].attribute[:]
    model.graph.node[0].attribute.extend(kept)
    return model, NEAR


both = {"class_treeids": [0] * 4, "class_nodeids": [1, 1, 2, 2], "class_ids": [0, 1, 0, 1]}
case("both labels")(lambda: (one_split("BRANCH_LEQ", 4, 0, **both, class_weights=[0.8, 0.2, 0.3, 0.7]), FRAME))
case("both labels, softmax")(
    lambda: (one_split("BRANCH_LEQ", 4, 0, **both, class_weights=[0.2, -0.2, -0.7, 1.7], post_transform="SOFTMAX"), FRAME)
)
case("both labels, logistic")(
    lambda: (one_split("BRANCH_LEQ", 4, 0, **both, class_weights=[0.2, -0.2, -0.7, 1.7], post_transform="LOGISTIC"), FRAME)
)
case("the second label alone")(lambda: (one_split("BRANCH_LEQ", 4, 0, class_ids=[1, 1]), FRAME))
case("logistic from a base")(
    lambda: (one_split("BRANCH_LEQ", 4, 0, class_weights=[-0.2, 1.7], base_values=[0.3], post_transform="LOGISTIC"), FRAME)
)
case("logistic, nothing below 0")(lambda: (one_split("BRANCH_LEQ", 4, 0, post_transform="LOGISTIC"), FRAME))
case("a mean")(
    lambda: (one_split("BRANCH_LEQ", 4, 0, operator="TreeEnsembleRegressor", aggregate_function="AVERAGE"), FRAME)
)


def scaled(element=TensorProto.FLOAT):
    """A sum that is scaled, moved and put through the logistic function by operators of their own."""
    model = one_split("BRANCH_LEQ", 4, 0, operator="TreeEnsembleRegressor")
    node = model.graph.node[0]
    node.output[0] = "sum"
    number = lambda name, value: helper.make_tensor(name, TensorProto.FLOAT, [1], [value])  # noqa: E731
    return graph_of(
        [
            node,
            helper.make_node("Mul", ["sum", "two"], ["twice"]),
            helper.make_node("Add", ["less", "twice"], ["moved"]),
            helper.make_node("Sigmoid", ["moved"], ["probability"]),
        ],
        element,
        False,
        [number("two", 2), number("less", -0.9)],
    )


case("scaled, moved and logistic")(lambda: (scaled(), FRAME))

if tuple(int(part) for part in onnx.__version__.split(".")[:2]) >= (1, 17):

    @case("TreeEnsemble of doubles, with a set")
    def _():
        """ai.onnx.ml 5: channel in {0, 2, 5}, then amount."""
        numbers = lambda name, values: helper.make_tensor(name, TensorProto.DOUBLE, [len(values)], values)  # noqa: E731
        node = helper.make_node(
            "TreeEnsemble",
            ["X"],
            ["probability"],
            domain="ai.onnx.ml",
            n_targets=1,
            aggregate_function=1,
            tree_roots=[0],
            nodes_featureids=[2, 0],
            nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [2], [6, 0]),
            nodes_splits=numbers("s", [0, 20.5]),
            nodes_missing_value_tracks_true=[1, 0],
            nodes_truenodeids=[2, 1],
            nodes_trueleafs=[1, 1],
            nodes_falsenodeids=[1, 0],
            nodes_falseleafs=[0, 1],
            membership_values=numbers("members", [0, 2, 5, float("nan")]),
            leaf_targetids=[0, 0, 0],
            leaf_weights=numbers("w", [-0.5, 0.3, 1.5]),
        )
        node.output[0] = "sum"
        last = helper.make_node("Sigmoid", ["sum"], ["probability"])
        return graph_of([node, last], TensorProto.DOUBLE, False, version=5), ODD


# What is refused --------------------------------------------------------------------------------------------------------------


def refused(name, make):
    add_case(f"refused: {name}")(lambda: file(make().SerializeToString()))


def sklearn_model(model, labels=LABELS):
    return skl2onnx.convert_sklearn(model.fit(WHOLE.values, labels), initial_types=FLOATS)


def with_output(operator, **attributes):
    model = one_split("BRANCH_LEQ", 4, 0)
    model.graph.node[0].output[1] = "before"
    model.graph.node.append(helper.make_node(operator, ["before"], ["probability"], **attributes))
    return model


refused("prepared input", lambda: sklearn_model(make_pipeline(StandardScaler(), RandomForestClassifier(**SMALL))))
refused("three labels", lambda: sklearn_model(RandomForestClassifier(**SMALL), LABELS + (FRAME["amount"] > 50)))
refused("no trees", lambda: sklearn_model(LogisticRegression()))
refused("a regression beyond 1", lambda: sklearn_model(RandomForestRegressor(**SMALL), FRAME["amount"]))
refused("margins", lambda: one_split("BRANCH_LEQ", 4, 0, class_weights=[-0.2, 0.7]))
refused("probit", lambda: one_split("BRANCH_LEQ", 4, 0, post_transform="PROBIT"))
refused(
    "logistic of one score",
    lambda: one_split("BRANCH_LEQ", 4, 0, operator="TreeEnsembleRegressor", post_transform="LOGISTIC"),
)
refused("two bases", lambda: one_split("BRANCH_LEQ", 4, 0, base_values=[0.1, 0.3]))
refused("equal to a half", lambda: one_split("BRANCH_EQ", 0.5, 0))
refused("another function after it", lambda: with_output("Sqrt"))
refused("the greatest of the trees", lambda: one_split("BRANCH_LEQ", 4, 0, operator="TreeEnsembleRegressor", aggregate_function="MAX"))

write("onnx", skl2onnx.__version__)
