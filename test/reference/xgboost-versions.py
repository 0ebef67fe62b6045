"""Records model files as one version of XGBoost writes them, and what Python scores with each after reloading it:
test/golden/xgboost-<version>.json.gz, which src/learning/xgboost is compared with.

Run with every version that the documents name (docs/imported-models.md), in an environment of its own:

    pip install xgboost==3.2.0 'pandas<3' 'scikit-learn<1.8'
    python test/reference/xgboost-versions.py

1.6.2, 1.7.6 and 2.0.3 need 'numpy<2' 'pandas<2.2' 'scikit-learn<1.6'; 3.0.5 needs 'scikit-learn<1.7'; 3.3 and newer need Python 3.12.
One thread, so that floats are added in one order. Missing values are null. A case without probabilities is one that must be refused.
"""

import pathlib
import tempfile
import warnings

import numpy
import pandas
import xgboost
from model_files import CODES, FRAME, KEPT, LABELS, NAMES, TEXTS, WATCHED, add_case, file, kept, recorded, with_channel, write

warnings.filterwarnings("ignore")
xgboost.set_config(verbosity=0)
VERSION = tuple(int(part) for part in xgboost.__version__.split("."))
FOLDER = pathlib.Path(tempfile.mkdtemp())
LOGISTIC = {"objective": "binary:logistic", "eta": 0.4, "max_depth": 2, "nthread": 1, "seed": 5}


def case(name, since=(0,), until=(99,)):
    return add_case(name) if since <= VERSION < until else lambda make: make


def matrix(frame=FRAME, labels=None, **options):
    return xgboost.DMatrix(frame, labels, enable_categorical=True, **options)


def trained(parameters=None, rounds=3, frame=FRAME, labels=LABELS, **options):
    return xgboost.train({**LOGISTIC, **(parameters or {})}, matrix(frame, labels, **options), rounds)


def file_of(model, ending="json"):
    path = FOLDER / f"model.{ending}"
    model.save_model(path)
    return path.read_bytes()


def reloaded(data, ending="json"):
    """A booster that has read the file, as whoever gets it would."""
    (FOLDER / f"again.{ending}").write_bytes(data)
    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(FOLDER / f"again.{ending}")
    return booster


def classifier(data):
    (FOLDER / "again.json").write_bytes(data)
    model = xgboost.XGBClassifier(n_jobs=1)
    model.load_model(FOLDER / "again.json")
    return model


def scored(data, frame=FRAME, told=None, ending="json", **options):
    """The file, its rows, and what a reloaded Booster says of them. `told`: the rows as they are recorded, if otherwise."""
    got = reloaded(data, ending).predict(matrix(frame[:KEPT], **options))
    return recorded(data, frame if told is None else told, got)


def plain(name, parameters, since=(0,), **options):
    case(name, since)(lambda: scored(file_of(trained(parameters, **options))))


plain("plain", {})
plain("deep", {"max_depth": 5, "tree_method": "exact", "gamma": 0.5})
plain("reg:logistic", {"objective": "reg:logistic"})
plain("a base score", {"base_score": 0.1, "scale_pos_weight": 3})
plain("a base score of 1e-7", {"base_score": 1e-7, "min_child_weight": 0})
plain("a base score of 1e-20", {"base_score": 1e-20, "min_child_weight": 0})
plain("a base score near 1", {"base_score": 0.9999999, "min_child_weight": 0})
plain("several trees a round", {"num_parallel_tree": 3, "subsample": 0.7})
plain("dart", {"booster": "dart", "rate_drop": 0.5}, rounds=6)
plain("dart, several trees a round", {"booster": "dart", "rate_drop": 0.5, "num_parallel_tree": 2, "subsample": 0.8}, rounds=5)
plain("dart that drops nothing", {"booster": "dart"})
plain("gbtree with rate_drop", {"rate_drop": 0.5}, rounds=6)
plain("leaves first", {"grow_policy": "lossguide", "max_leaves": 4, "tree_method": "hist"})
plain("no tree", {}, rounds=0)
plain("no tree, a base score", {"base_score": 0.2}, rounds=0)
plain("constant labels' weight", {"min_child_weight": 1000})


@case("continued")
def _():
    return scored(file_of(xgboost.train(LOGISTIC, matrix(FRAME, LABELS), 2, xgb_model=trained())))


@case("a slice")
def _():
    return scored(file_of(trained(rounds=6)[1:4]))


@case("refreshed")
def _():
    refresh = {**LOGISTIC, "process_type": "update", "updater": "refresh", "refresh_leaf": True}
    return scored(file_of(xgboost.train(refresh, matrix(FRAME[:150], LABELS[:150]), 3, xgb_model=trained())))


@case("no names")
def _():
    return scored(file_of(trained(frame=FRAME.values)), FRAME.values, told=FRAME)


@case("whole numbers as names")
def _():
    frame = pandas.DataFrame(FRAME.values)
    return scored(file_of(trained(frame=frame)), frame)


@case("UBJSON")
def _():
    return scored(file_of(trained(), "ubj"), ending="ubj")


@case("UBJSON of dart")
def _():
    return scored(file_of(trained({"booster": "dart", "rate_drop": 0.5}, 6), "ubj"), ending="ubj")


@case("extension model")
def _():
    data = file_of(trained(), "model")
    return file(data) if VERSION < (2, 1) else scored(data, ending="model")


# Early stopping -------------------------------------------------------------------------------------------------------


def stopped(**options):
    model = xgboost.XGBClassifier(
        n_estimators=30, max_depth=3, learning_rate=0.6, n_jobs=1, early_stopping_rounds=3, eval_metric="logloss", **options
    )
    model.fit(FRAME, LABELS, eval_set=[WATCHED], verbose=False)
    return model


def of_classifier(data, frame=FRAME, told=None, **more):
    """What XGBClassifier says of the file, and what a Booster says, which takes all trees."""
    asked = frame[:KEPT]
    everything = reloaded(data).predict(matrix(asked))
    return recorded(
        data,
        frame if told is None else told,
        classifier(data).predict_proba(asked)[:, 1],
        everything=kept(everything),
        **more,
    )


@case("classifier")
def _():
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(FRAME, LABELS)
    return of_classifier(file_of(model))


@case("classifier of a forest")
def _():
    return of_classifier(file_of(xgboost.XGBRFClassifier(n_estimators=4, max_depth=2, n_jobs=1).fit(FRAME, LABELS)))


@case("classifier stopped early")
def _():
    return of_classifier(file_of(stopped()))


@case("classifier stopped early, several trees a round")
def _():
    return of_classifier(file_of(stopped(num_parallel_tree=2, subsample=0.8)))


@case("classifier stopped early, dart")
def _():
    return of_classifier(file_of(stopped(booster="dart", rate_drop=0.3)))


@case("booster stopped early")
def _():
    data = file_of(
        xgboost.train(
            {**LOGISTIC, "eta": 0.9, "max_depth": 3},
            matrix(FRAME, LABELS),
            30,
            evals=[(matrix(*WATCHED), "watched")],
            early_stopping_rounds=3,
            verbose_eval=False,
        )
    )
    best = reloaded(data).predict(matrix(FRAME[:KEPT]), iteration_range=(0, int(reloaded(data).attr("best_iteration")) + 1))
    return {**scored(data), "best": kept(best)}


@case("booster that keeps the best")
def _():
    keep = xgboost.callback.EarlyStopping(rounds=3, save_best=True)
    data = file_of(
        xgboost.train(
            {**LOGISTIC, "eta": 0.9, "max_depth": 3},
            matrix(FRAME, LABELS),
            30,
            evals=[(matrix(*WATCHED), "watched")],
            callbacks=[keep],
            verbose_eval=False,
        )
    )
    return scored(data)


# Categories: the rows hold their values ---------------------------------------------------------------------------------


#: Up to 3.3 texts beyond ASCII are cut at the wrong bytes, and rows get the category of another: findings/.
GARBLES_TEXTS = (3, 1) <= VERSION < (3, 4)


def by_places(data, frame):
    """What the model has learnt: the rows with places for categories, which nothing is looked up for."""
    places = frame.assign(channel=frame["channel"].cat.codes.astype(float)).values
    types = {"feature_names": NAMES, "feature_types": ["float", "float", "c", "float"]}
    return kept(reloaded(data).predict(matrix(places[:KEPT], **types)))


def of_categories(name, values, categories, since=(0,), **parameters):
    """Recorded with the categories in their order, which the file has from 3.1 on."""

    def make():
        frame = with_channel(values, categories)
        told = FRAME.assign(channel=frame["channel"].astype(object))
        data = file_of(trained({"tree_method": "hist", "max_depth": 3, **parameters}, frame=frame))
        got = scored(data, frame, told)
        if GARBLES_TEXTS and not str(categories[0]).isascii():
            got = {**got, "garbled": got["probabilities"], "probabilities": by_places(data, frame)}
        return {**got, "categories": list(categories)}

    case(name, since)(make)


of_categories("categories that are whole numbers from 0", CODES, list(range(9)))
of_categories("categories with a gap", CODES.replace({1: 0, 4: 3}), [0, 2, 3, 5, 6, 7, 8])
of_categories("categories the other way round", CODES, list(range(8, -1, -1)))
of_categories("categories from -1", CODES - 1, list(range(-1, 8)))
of_categories("texts", TEXTS, sorted(set(TEXTS)))
of_categories("texts the other way round", TEXTS, sorted(set(TEXTS), reverse=True))
of_categories("texts beyond ASCII", TEXTS.str.replace("k", "ñ"), sorted({text.replace("k", "ñ") for text in TEXTS}))
of_categories("texts, one against the rest", TEXTS, sorted(set(TEXTS), reverse=True), max_cat_to_onehot=100)
of_categories("texts, several to a side", TEXTS, sorted(set(TEXTS), reverse=True), max_cat_to_onehot=1)


@case("whole numbers by feature_types")
def _():
    types = {"feature_names": NAMES, "feature_types": ["float", "float", "c", "float"]}
    data = file_of(trained({"tree_method": "hist"}, frame=FRAME.values, **types))
    return {**scored(data, FRAME.values, FRAME, **types), "categories": "values"}


@case("classifier with categories")
def _():
    frame = with_channel(TEXTS, sorted(set(TEXTS), reverse=True))
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=3, n_jobs=1, enable_categorical=True, tree_method="hist")
    data = file_of(model.fit(frame, LABELS))
    told = FRAME.assign(channel=TEXTS)
    return of_classifier(data, frame, told, categories=sorted(set(TEXTS), reverse=True))


@case("UBJSON with categories")
def _():
    frame = with_channel(TEXTS, sorted(set(TEXTS), reverse=True))
    data = file_of(trained({"tree_method": "hist"}, frame=frame), "ubj")
    return {
        **scored(data, frame, FRAME.assign(channel=TEXTS), "ubj"),
        "categories": sorted(set(TEXTS), reverse=True),
    }


# Other words for what is missing: the probabilities are those of the trained model ----------------------------------------


def filled(value):
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=4, n_jobs=1, missing=value)
    frame = FRAME.fillna(value)
    model.fit(frame, LABELS)
    # The rows have what is missing as Vigía has it: both count as missing there.
    return recorded(file_of(model), FRAME, model.predict_proba(frame[:KEPT])[:, 1], missing=value)


case("missing is -1")(lambda: filled(-1))
case("missing is 0")(lambda: filled(0))


@case("missing is 0.1")
def _():
    """0.1 is no float: what rounds to the same float counts."""
    frame = FRAME.assign(seconds=FRAME["seconds"].fillna(0.1))
    data = file_of(xgboost.train(LOGISTIC, matrix(frame, LABELS, missing=0.1), 3))
    booster = reloaded(data)
    return recorded(data, FRAME, booster.predict(matrix(frame[:KEPT], missing=0.1)), missing=0.1)


# What is refused ----------------------------------------------------------------------------------------------------------


def refused(name, make, since=(0,), until=(99,)):
    case(name, since, until)(lambda: file(make()))


def own_objective(margin, data):
    probability = 1 / (1 + numpy.exp(-margin))
    return probability - data.get_label(), probability * (1 - probability)


refused("refused: gblinear", lambda: file_of(trained({"booster": "gblinear", "updater": "coord_descent"}, frame=FRAME.fillna(0))))
refused("refused: multi:softprob", lambda: file_of(trained({"objective": "multi:softprob", "num_class": 3})))
refused("refused: multi:softprob of two", lambda: file_of(trained({"objective": "multi:softprob", "num_class": 2})))
refused("refused: hinge", lambda: file_of(trained({"objective": "binary:hinge"})))
refused("refused: logitraw", lambda: file_of(trained({"objective": "binary:logitraw"})))
refused("refused: squared error", lambda: file_of(trained({"objective": "reg:squarederror"})))
refused("refused: ranks", lambda: file_of(trained({"objective": "rank:pairwise"})))
refused(
    "refused: an objective without a name",
    lambda: file_of(
        xgboost.train({"max_depth": 2, "nthread": 1, "base_score": 0}, matrix(FRAME, LABELS), 3, obj=own_objective)
    ),
)
refused(
    "refused: several outputs, a tree each",
    lambda: file_of(trained(labels=numpy.column_stack([LABELS, 1 - LABELS]))),
)
refused(
    "refused: several outputs, one tree",
    lambda: file_of(
        trained(
            {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
            labels=numpy.column_stack([LABELS, 1 - LABELS]),
        )
    ),
    (2,),
)
refused("refused: a dump", lambda: ("[" + ",".join(trained().get_dump(dump_format="json")) + "]").encode())
refused("refused: a pickle", lambda: __import__("pickle").dumps(trained()))
refused("refused: the old binary format", lambda: file_of(trained(), "deprecated"), until=(2, 1))


@case("an objective of one's own by name")
def _():
    named = {**LOGISTIC}
    return scored(file_of(xgboost.train(named, matrix(FRAME, LABELS), 3, obj=own_objective)))


write("xgboost", xgboost.__version__)
