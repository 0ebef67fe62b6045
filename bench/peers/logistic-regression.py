"""Logistic regression with scikit-learn: StandardScaler, then lbfgs with a tolerance that reaches our coefficients."""

import numpy as np
from cost import measure
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def work(request):
    features = request["features"]
    columns = np.fromfile(request["columns"]).reshape(features + 1, request["rows"])
    standardised = StandardScaler().fit_transform(columns[:features].T)
    # The default tolerance of 1e-4 stops short of four equal digits.
    model = LogisticRegression(C=request["c"], solver="lbfgs", tol=1e-6, max_iter=1000)
    model.fit(standardised, columns[features])
    coefficients = [*model.coef_[0].tolist(), float(model.intercept_[0])]
    return {"coefficients": coefficients, "iterations": int(model.n_iter_[0])}


measure(work)
