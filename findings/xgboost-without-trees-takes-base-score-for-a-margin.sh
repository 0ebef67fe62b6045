#!/bin/sh
# XGBoost 3.1 and newer take base_score for a margin where a model has no tree and base_score was not set: every row has a probability of 0.622, the logistic
# function of 0.5, where 3.0 and older say 0.5; also after saving and loading. With base_score=0.5 set, which leaves the same number in the file, it is 0.5.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below; --no-deps leaves out the GPU libraries, which nothing here uses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python=${PYTHON:-python3.12}
cat >probe.py <<'END'
import numpy, sys, xgboost
xgboost.set_config(verbosity=0)
matrix = xgboost.DMatrix(numpy.arange(200.0).reshape(100, 2), numpy.r_[numpy.zeros(50), numpy.ones(50)])

def probability(**more):
    trained = xgboost.train({"objective": "binary:logistic", "nthread": 1, **more}, matrix, 0)
    again = xgboost.Booster()
    again.load_model(trained.save_raw("json"))
    return [round(float(booster.predict(matrix)[0]), 3) for booster in (trained, again)]

unset, given = probability(), probability(base_score=0.5)
print(f"xgboost {xgboost.__version__}: without base_score {unset[0]}, loaded {unset[1]}; with base_score=0.5 {given[0]}, loaded {given[1]}")
assert given == [0.5, 0.5] and unset == ([0.622, 0.622] if sys.argv[1] == "margin" else [0.5, 0.5]), "no longer so"
END
for pair in 3.0.5=right 3.1.3=margin 3.2.0=margin 3.3.0=margin 3.4.1=margin; do
  version=${pair%=*}
  "$python" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 scipy==1.16.3
  "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps "xgboost==$version"
  "$version/bin/python" probe.py "${pair#*=}"
done
