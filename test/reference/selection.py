"""Records what scikit-learn and SciPy say of features and a label: test/golden/selection.json, which src/learning/selection is
compared with.

Run: .venv/bin/python test/reference/selection.py (the interpreter that `npm run test:integration` prepares).

Mutual information and chi-squared are of binned features: bins are given here as whole numbers, so that only the statistics are
compared. scikit-learn's chi2 of one column for each bin (one-hot) sums to Pearson's statistic, which SciPy computes too.
Permutation is of a given linear score; numpy's random numbers are others, so losses agree to their deviation.
"""

import json
import pathlib
import platform
import sys

import numpy
import scipy
import sklearn
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import chi2_contingency, spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_selection import VarianceThreshold, chi2
from sklearn.inspection import permutation_importance
from sklearn.metrics import mutual_info_score


class Linear(ClassifierMixin, BaseEstimator):
    """2 * first column + second column; the third is never looked at."""

    def fit(self, table, labels):
        self.classes_ = numpy.array([0, 1])
        return self

    def decision_function(self, table):
        return 2 * table[:, 0] + table[:, 1]


def binned(name, codes, labels):
    one_hot = (codes[:, None] == numpy.unique(codes)[None, :]).astype(float)
    counts = numpy.array([[numpy.sum((codes == b) & (labels == y)) for b in numpy.unique(codes)] for y in (0, 1)])
    test = chi2_contingency(counts, correction=False)
    assert numpy.isclose(chi2(one_hot, labels)[0].sum(), test.statistic)
    return {
        "name": name,
        "codes": codes.tolist(),
        "labels": labels.tolist(),
        "mutual_information": mutual_info_score(labels, codes),
        "chi_squared": test.statistic,
        "degrees_of_freedom": test.dof,
        "p_value": test.pvalue,
    }


def main():
    random = numpy.random.default_rng(20184)
    rows = 400
    labels = (random.random(rows) < 0.2).astype(int)
    telling = numpy.minimum(random.poisson(2 + 2 * labels), 9)
    table = numpy.round(random.normal(size=(rows, 4)), 3)
    table[:, 1] = numpy.round(table[:, 0] + 0.3 * table[:, 1], 1)
    table[:, 2] = numpy.round(numpy.exp(2 * table[:, 0]), 4)

    watched = numpy.round(random.normal(size=(2000, 3)), 6)
    outcome = (2 * watched[:, 0] + watched[:, 1] + 2 * random.normal(size=2000) > 3).astype(int)
    permuted = {
        metric: permutation_importance(
            Linear().fit(watched, outcome), watched, outcome, scoring=metric, n_repeats=200, random_state=1
        )
        for metric in ("roc_auc", "average_precision")
    }
    golden = {
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "binned": [
            binned("a telling feature", telling, labels),
            binned("chance", random.integers(0, 8, rows), labels),
            binned("the label itself", labels, labels),
            binned("many bins with few rows", random.integers(0, 60, rows), labels),
        ],
        "chi_squared_tails": [
            {"statistic": statistic, "degrees_of_freedom": degrees, "p_value": chi2_distribution.sf(statistic, degrees)}
            for degrees in (1, 2, 3, 10, 31, 100, 1001)
            for statistic in (0.001, 0.5, 1.0, 3.84, 12.0, 40.0, 100.0, 600.0, 1200.0)
        ],
        "correlated": {
            "columns": table.T.tolist(),
            "variances": VarianceThreshold(1e-12).fit(table).variances_.tolist(),
            "pearson": numpy.corrcoef(table, rowvar=False).tolist(),
            "spearman": spearmanr(table).statistic.tolist(),
        },
        "permuted": {
            "columns": watched.T.tolist(),
            "labels": outcome.tolist(),
            **{
                metric: {
                    "losses": found.importances_mean.tolist(),
                    "deviations": found.importances_std.tolist(),
                }
                for metric, found in permuted.items()
            },
        },
    }
    recorded = pathlib.Path(__file__).parent.parent / "golden" / "selection.json"
    # Another path may be named, to see whether the recorded figures still come out.
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else recorded
    path.write_text(json.dumps(golden) + "\n")


main()
