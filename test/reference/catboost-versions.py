"""Records model files as one version of CatBoost writes them as JSON, and what Python scores with each after reloading it:
test/golden/catboost-<version>.json.gz, which src/learning/catboost is compared with.

Run with every version that the documents name (docs/imported-models.md), in an environment of its own:

    pip install catboost==1.2.10
    python test/reference/catboost-versions.py

1.2 needs 'numpy<2' 'pandas<2.2'.
"""

import json
import pathlib
import tempfile

import catboost
import numpy
import pandas
from model_files import CODES, FRAME, KEPT, LABELS, NAMES, TEXTS, WATCHED, add_case, file, recorded, write

FOLDER = pathlib.Path(tempfile.mkdtemp())
SMALL = {
    "iterations": 4,
    "depth": 3,
    "learning_rate": 0.4,
    "verbose": 0,
    "thread_count": 1,
    "random_seed": 5,
    "allow_writing_files": False,
}
WHOLE = FRAME.fillna(0)


def trained(parameters=None, frame=FRAME, labels=LABELS, categories=None, **options):
    model = catboost.CatBoostClassifier(**{**SMALL, **(parameters or {})})
    return model.fit(catboost.Pool(frame, labels, cat_features=categories), **options)


def json_of(model, pool=None):
    model.save_model(str(FOLDER / "model.json"), format="json", pool=pool)
    # Smaller: what it says of the training without touching scores.
    made = json.loads((FOLDER / "model.json").read_text())
    for name in ("output_options", "training"):
        made["model_info"].pop(name, None)
    if "params" in made["model_info"]:
        made["model_info"]["params"] = {"loss_function": made["model_info"]["params"]["loss_function"]}
    return json.dumps(made).encode()


def case(name):
    """Its maker returns the model, the rows that it is asked with, and more to record, such as how they are told."""

    def add(make):
        def told():
            model, frame, *more = make()
            more = dict(more[0]) if more else {}
            shown = more.pop("told", frame)
            categories = more.pop("pool", None)
            pool = None if categories is None else catboost.Pool(frame, LABELS, cat_features=categories)
            data = json_of(model, pool)
            # CatBoost opens its JSON again only without categories: the binary form stands for it otherwise.
            again = catboost.CatBoostClassifier()
            model.save_model(str(FOLDER / "model.cbm"))
            again.load_model(str(FOLDER / "model.cbm"))
            return recorded(data, shown, again.predict_proba(frame[:KEPT])[:, 1], **more)

        add_case(name)(told)

    return add


def plain(name, parameters, frame=FRAME, **options):
    case(name)(lambda: (trained(parameters, frame=frame, **options), frame))


plain("plain", {})
plain("deep", {"depth": 8, "iterations": 3})
plain("one level", {"depth": 1})
plain("nothing missing in training", {}, frame=WHOLE)
case("nothing missing in training, but in the rows")(lambda: (trained(frame=WHOLE), FRAME))
plain("missing above all", {"nan_mode": "Max", "iterations": 12})
plain("missing below all", {"nan_mode": "Min", "iterations": 12})
plain("by depth", {"grow_policy": "Depthwise"})
plain("leaves first", {"grow_policy": "Lossguide", "max_leaves": 7})
plain("cross entropy", {"loss_function": "CrossEntropy"})
plain("focal", {"loss_function": "Focal:focal_alpha=0.3;focal_gamma=2"})
plain("from an average", {"boost_from_average": True})
plain("balanced", {"auto_class_weights": "Balanced"})
plain("ordered", {"boosting_type": "Ordered"})
plain("ignoring a feature", {"ignored_features": [1]})
plain("shrunk", {"model_shrink_rate": 0.1})
plain("monotone", {"monotone_constraints": {"amount": 1}})
plain("stopped early", {"iterations": 40}, eval_set=catboost.Pool(*WATCHED), early_stopping_rounds=3)
plain("true and false", {}, labels=LABELS.astype(bool))
case("no names")(lambda: (trained(frame=FRAME.values), FRAME.values, {"told": FRAME}))


@case("whole numbers as names")
def _():
    frame = pandas.DataFrame(FRAME.values)
    return trained(frame=frame), frame


@case("scaled")
def _():
    model = trained()
    model.set_scale_and_bias(0.5, 0.3)
    return model, FRAME


# Labels: the probability is that of the last, whatever it is called ---------------------------------------------------------


@case("texts as labels")
def _():
    return trained(labels=numpy.where(LABELS == 1, "fraud", "ok")), FRAME


@case("labels the other way round")
def _():
    return trained({"class_names": [1, 0]}), FRAME


# Categories: the rows hold their values -------------------------------------------------------------------------------------


def of_categories(name, values, **parameters):
    @case(name)
    def _():
        frame = FRAME.assign(channel=values)
        told = frame.assign(channel=values.astype(object))
        model = trained({"one_hot_max_size": 100, "iterations": 8, **parameters}, frame=frame, categories=["channel"])
        return model, frame, {"told": told, "pool": ["channel"], "categories": sorted(set(values))}


of_categories("texts", TEXTS)
of_categories("texts beyond ASCII", TEXTS.str.replace("k", "ñ"))
of_categories("texts, leaves first", TEXTS, grow_policy="Lossguide")
of_categories("whole numbers", CODES)
of_categories("whole numbers below 0", CODES - 1)


@case("a category that training lacked")
def _():
    frame = FRAME.assign(channel=TEXTS.where(TEXTS != "k03", "k04"))
    model = trained({"one_hot_max_size": 100, "iterations": 8}, frame=frame, categories=["channel"])
    asked = FRAME.assign(channel=TEXTS)
    return model, asked, {"pool": ["channel"], "categories": sorted(set(frame["channel"]))}


# What is refused ------------------------------------------------------------------------------------------------------------


def refused(name, make):
    add_case(f"refused: {name}")(lambda: file(make()))


def with_texts(size):
    frame = FRAME.assign(channel=TEXTS)
    return trained({"one_hot_max_size": size, "iterations": 8}, frame=frame, categories=["channel"]), frame


def counted():
    model, frame = with_texts(2)
    return json_of(model, catboost.Pool(frame, LABELS, cat_features=["channel"]))


class OwnObjective:
    def calc_ders_range(self, margins, labels, weights):
        shares = [1 / (1 + numpy.exp(-margin)) for margin in margins]
        return [(label - share, -share * (1 - share)) for label, share in zip(labels, shares)]


def of_regressor(**parameters):
    return json_of(catboost.CatBoostRegressor(**{**SMALL, **parameters}).fit(FRAME, LABELS))


refused("several classes", lambda: json_of(trained({"loss_function": "MultiClass"})))
refused("one against all", lambda: json_of(trained({"loss_function": "MultiClassOneVsAll"}, labels=LABELS + (FRAME["amount"] > 50))))
refused("regression", of_regressor)
refused("categories that are counted", counted)
refused("categories without their rows", lambda: json_of(with_texts(100)[0]))
refused("an objective of one's own", lambda: json_of(trained({"loss_function": OwnObjective(), "eval_metric": "Logloss"})))


refused("a sum of models", lambda: json_of(catboost.sum_models([trained(), trained({"random_seed": 9})], weights=[1, 0.5])))


def binary():
    trained().save_model(str(FOLDER / "model.cbm"))
    return (FOLDER / "model.cbm").read_bytes()


refused("the binary form", binary)

write("catboost", catboost.__version__)
