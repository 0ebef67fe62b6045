"""Records model files as one version of LightGBM writes them, and what Python scores with each after reloading it:
test/golden/lightgbm-<version>.json.gz, which src/learning/lightgbm is compared with.

Run with every version that the documents name (docs/imported-models.md), in an environment of its own:

    pip install lightgbm==4.7.0 pandas scikit-learn
    python test/reference/lightgbm-versions.py

2.3.1 and 3.3.5 need 'numpy<2' 'pandas<2.2' 'scikit-learn<1.3'.
Each model is recorded as text and, under "(JSON)", as dump_model tells it; probabilities are those of the reloaded text.
"""

import json
import pathlib
import tempfile
import warnings

import lightgbm
import numpy
import pandas
from model_files import CODES, FRAME, KEPT, LABELS, TEXTS, WATCHED, add_case, file, recorded, with_channel, write

warnings.filterwarnings("ignore")
VERSION = tuple(int(part) for part in lightgbm.__version__.split("."))
FOLDER = pathlib.Path(tempfile.mkdtemp())
BINARY = {
    "objective": "binary",
    "num_leaves": 5,
    "learning_rate": 0.4,
    "min_data_in_leaf": 8,
    "min_data_per_group": 5,
    "cat_smooth": 1,
    "num_threads": 1,
    "seed": 5,
    "verbose": -1,
}


def trained(parameters=None, rounds=3, frame=FRAME, labels=LABELS, categories="auto", **options):
    data = lightgbm.Dataset(frame, labels, categorical_feature=categories)
    return lightgbm.train({**BINARY, **(parameters or {})}, data, rounds, **options)


def text_of(model, **options):
    model.save_model(str(FOLDER / "model.txt"), **options)
    return (FOLDER / "model.txt").read_bytes()


def reloaded(data):
    (FOLDER / "again.txt").write_bytes(data)
    return lightgbm.Booster(model_file=str(FOLDER / "again.txt"))


def case(name, since=(0,), until=(99,)):
    """Its maker returns the booster, the rows that it is asked with, and more to record, such as how they are told."""

    def add(make):
        if not since <= VERSION < until:
            return

        def told(as_json):
            model, frame, *more = make()
            more = dict(more[0]) if more else {}
            shown = more.pop("told", frame)
            data = text_of(model)
            probabilities = reloaded(data).predict(frame[:KEPT])
            return recorded(json.dumps(model.dump_model()).encode() if as_json else data, shown, probabilities, **more)

        add_case(name)(lambda: told(False))
        add_case(f"{name} (JSON)")(lambda: told(True))

    return add


def plain(name, parameters, since=(0,), frame=FRAME, **options):
    case(name, since)(lambda: (trained(parameters, frame=frame, **options), frame))


WHOLE = FRAME.fillna(0)
plain("plain", {})
plain("deep", {"num_leaves": 40, "min_data_in_leaf": 2}, rounds=6)
plain("nothing missing in training", {}, frame=WHOLE)
case("nothing missing in training, but in the rows")(lambda: (trained(frame=WHOLE), FRAME))
plain("nothing is missing", {"use_missing": False})
plain("zero is missing", {"zero_as_missing": True, "num_leaves": 12})
plain("a sigmoid of one's own", {"sigmoid": 2.5})
plain("cross entropy", {"objective": "cross_entropy"})
plain("unbalanced", {"is_unbalance": True})
plain("weighted", {"scale_pos_weight": 3})
plain("from no average", {"boost_from_average": False})
plain("dart", {"boosting": "dart", "drop_rate": 0.5}, rounds=6)
plain("goss", {"boosting": "goss", "learning_rate": 0.6}, rounds=5)
plain("a forest", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, rounds=4)
plain("a forest with a sigmoid of its own", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "sigmoid": 0.7}, rounds=4)
plain("monotone", {"monotone_constraints": [1, 0, 0, 1]})
plain("extra trees", {"extra_trees": True}, (3,))
plain("trees without a split", {"min_data_in_leaf": 1000})
plain("one round", {}, rounds=1)
case("no names")(lambda: (trained(frame=FRAME.values), FRAME.values, {"told": FRAME}))


@case("whole numbers as names")
def _():
    frame = pandas.DataFrame(FRAME.values)
    return trained(frame=frame), frame


@case("continued")
def _():
    return trained(rounds=2, init_model=reloaded(text_of(trained()))), FRAME


@case("saved again")
def _():
    return reloaded(text_of(trained())), FRAME


@case("classifier")
def _():
    model = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=5, min_child_samples=8, n_jobs=1)
    return model.fit(FRAME, LABELS).booster_, FRAME


@case("classifier stopped early")
def _():
    model = lightgbm.LGBMClassifier(n_estimators=40, num_leaves=12, min_child_samples=3, learning_rate=0.8, n_jobs=1)
    early = (
        {"early_stopping_rounds": 3, "verbose": False}
        if VERSION < (3, 3)
        else {"callbacks": [lightgbm.early_stopping(3, verbose=False)]}
    )
    model.fit(FRAME, LABELS, eval_set=[WATCHED], **early)
    assert 1 < model.best_iteration_ < 37
    return model.booster_, FRAME


# Categories: the rows hold their values ---------------------------------------------------------------------------------


def of_categories(name, values, categories, ordered=False, **parameters):
    @case(name)
    def _():
        frame = with_channel(values, categories, ordered)
        told = FRAME.assign(channel=frame["channel"].astype(object))
        return trained(parameters, frame=frame), frame, {"told": told, "categories": list(categories)}


of_categories("categories that are whole numbers from 0", CODES, list(range(9)))
of_categories("categories with a gap", CODES.replace({1: 0, 4: 3}), [0, 2, 3, 5, 6, 7, 8])
of_categories("categories the other way round", CODES, list(range(8, -1, -1)))
of_categories("categories from -1", CODES - 1, list(range(-1, 8)))
of_categories("texts", TEXTS, sorted(set(TEXTS)))
of_categories("texts the other way round", TEXTS, sorted(set(TEXTS), reverse=True))
of_categories("texts beyond ASCII", TEXTS.str.replace("k", "ñ"), sorted({text.replace("k", "ñ") for text in TEXTS}))
of_categories("texts, one against the rest", TEXTS, sorted(set(TEXTS), reverse=True), max_cat_to_onehot=100)
of_categories("texts, zero is missing", TEXTS, sorted(set(TEXTS), reverse=True), zero_as_missing=True)
of_categories("texts in an order, which are split as numbers", TEXTS, sorted(set(TEXTS), reverse=True), True)
of_categories("texts in an order, zero is missing", TEXTS, sorted(set(TEXTS), reverse=True), True, zero_as_missing=True)
of_categories("whole numbers in an order", CODES, list(range(8, -1, -1)), True)


@case("a category that training lacked")
def _():
    """Its rows are scored with what is no category of the frame, and so is missing."""
    frame = with_channel(TEXTS.where(TEXTS != "k03"), sorted(set(TEXTS) - {"k03"}))
    told = FRAME.assign(channel=TEXTS.astype(object))
    return trained(frame=frame), frame, {"told": told, "categories": sorted(set(TEXTS) - {"k03"})}


@case("whole numbers by categorical_feature")
def _():
    return trained(frame=FRAME.values, categories=[2]), FRAME.values, {"told": FRAME, "categories": "values"}


@case("whole numbers by categorical_feature, zero is missing")
def _():
    model = trained({"zero_as_missing": True}, frame=FRAME.values, categories=[2])
    return model, FRAME.values, {"told": FRAME, "categories": "values"}


@case("whole numbers of a frame")
def _():
    frame = FRAME.assign(channel=CODES)
    return trained(frame=frame, categories=["channel"]), frame, {"categories": "values"}


@case("missing categories")
def _():
    frame = FRAME.assign(channel=FRAME["channel"].where(numpy.arange(len(FRAME)) % 7 != 0))
    return trained(frame=frame.values, categories=[2]), frame.values, {"told": frame, "categories": "values"}


# What is refused ----------------------------------------------------------------------------------------------------------


def refused(name, make, since=(0,)):
    if VERSION >= since:
        add_case(f"refused: {name}")(lambda: file(make()))


def own_objective(*both):
    margin, data = both if isinstance(both[1], lightgbm.Dataset) else both[::-1]
    probability = 1 / (1 + numpy.exp(-margin))
    return probability - data.get_label(), probability * (1 - probability)


def with_own_objective():
    parameters = {name: value for name, value in BINARY.items() if name != "objective"}
    data = lightgbm.Dataset(FRAME, LABELS)
    if VERSION >= (4,):
        return lightgbm.train({**parameters, "objective": own_objective}, data, 3)
    return lightgbm.train(parameters, data, 3, fobj=own_objective)


def of_groups(objective):
    data = lightgbm.Dataset(FRAME, LABELS, group=[130, 130])
    return lightgbm.train({**BINARY, "objective": objective}, data, 3)


refused("several classes", lambda: text_of(trained({"objective": "multiclass", "num_class": 3}, labels=LABELS + (FRAME["amount"] > 50))))
refused("several classes (JSON)", lambda: json.dumps(trained({"objective": "multiclass", "num_class": 2}).dump_model()).encode())
refused("one against all", lambda: text_of(trained({"objective": "multiclassova", "num_class": 2})))
refused("regression", lambda: text_of(trained({"objective": "regression"})))
refused("cross entropy of intensities", lambda: text_of(trained({"objective": "cross_entropy_lambda"})))
refused("ranks", lambda: text_of(of_groups("lambdarank")))
refused("an objective of one's own", lambda: text_of(with_own_objective()))
refused("linear leaves", lambda: text_of(trained({"linear_tree": True}, frame=WHOLE)), (3,))
refused("linear leaves (JSON)", lambda: json.dumps(trained({"linear_tree": True}, frame=WHOLE).dump_model()).encode(), (3,))
refused("a pickle", lambda: __import__("pickle").dumps(trained()))

write("lightgbm", lightgbm.__version__)
