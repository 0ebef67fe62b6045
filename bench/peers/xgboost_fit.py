"""XGBoost through its Python package, by the tree method."""

import xgboost
from training_data import timed_fit


def work_with(method):
    def work(request):
        settings = request["settings"]
        parameters = {
            "objective": "binary:logistic",
            "tree_method": method,
            "eta": settings["learningRate"],
            "max_depth": settings["maxDepth"],
            "nthread": request["cores"],
        }

        def fit(table, labels):
            # The fastest way in for hist: it bins while it reads.
            matrix = xgboost.QuantileDMatrix if method == "hist" else xgboost.DMatrix
            rows = matrix(table, labels, nthread=request["cores"])
            return xgboost.train(parameters, rows, settings["trees"])

        return timed_fit(request, fit, lambda model, judged: model.predict(xgboost.DMatrix(judged)))

    return work
