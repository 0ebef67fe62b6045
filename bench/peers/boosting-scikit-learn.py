"""Gradient boosting with scikit-learn's HistGradientBoostingClassifier, of the same depth; it uses every core by itself."""

from cost import measure
from sklearn.ensemble import HistGradientBoostingClassifier
from training_data import timed_fit


def work(request):
    settings = request["settings"]

    def fit(table, labels):
        model = HistGradientBoostingClassifier(
            max_iter=settings["trees"],
            learning_rate=settings["learningRate"],
            max_depth=settings["maxDepth"],
            max_leaf_nodes=2 ** settings["maxDepth"],
            l2_regularization=1.0,
            early_stopping=False,
        )
        return model.fit(table, labels)

    return timed_fit(request, fit, lambda model, judged: model.predict_proba(judged)[:, 1])


measure(work)
