#!/bin/sh
# XGBoost 3.1 to 3.3 score wrongly with categories that are texts beyond ASCII, such as "panadería", in a pandas frame: also the very frame that was trained
# on, in the same process, without a word. They hand the texts on as bytes with the lengths of characters, so that texts are cut at the wrong places, and
# rows are looked up under the category of another. 3.0 does not look anything up, and 3.4 counts bytes: both are right. The files hold the texts cut.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below; --no-deps leaves out the GPU libraries, which nothing here uses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python=${PYTHON:-python3.12}
cat >probe.py <<'END'
import numpy, pandas, sys, xgboost
xgboost.set_config(verbosity=0)
random = numpy.random.RandomState(3)
numbers = pandas.Series(random.randint(0, 6, 400))

def error(prefix):
    """How far the probability of a training row is from its label, at most: the category says all about it."""
    texts = numbers.map(lambda number: f"{prefix}{number}")
    frame = pandas.DataFrame({"category": pandas.Categorical(texts)})
    labels = (numbers % 2).astype(int)
    matrix = xgboost.DMatrix(frame, labels, enable_categorical=True)
    parameters = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 3, "nthread": 1}
    return float(abs(xgboost.train(parameters, matrix, 5).predict(matrix) - labels).max())

plain, beyond = error("n"), error("ñ")
print(f"xgboost {xgboost.__version__}: off by up to {plain:.2f} with n0, n1, ..., by up to {beyond:.2f} with ñ0, ñ1, ...")
assert plain < 0.2 and (beyond > 0.8) == (sys.argv[1] == "wrong"), "no longer so"
END
for pair in 3.0.5=right 3.1.3=wrong 3.2.0=wrong 3.3.0=wrong 3.4.1=right; do
  version=${pair%=*}
  "$python" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 scipy==1.16.3 pandas==2.3.3
  "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps "xgboost==$version"
  "$version/bin/python" probe.py "${pair#*=}"
done
