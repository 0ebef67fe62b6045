#!/bin/sh
# XGBoost 3.2.0, 3.3.0 and 3.4.1 bound base_score by 1e-6 and 1 - 1e-6 when they predict, whatever it was set to and whatever the file says; 1.7 to 3.1
# take it as it is. A model that was trained with base_score=1e-8, as fits a fraud rate of that size, gives 1e-8 to a row of which nothing is known up to
# 3.1 and 1e-6 since, without a word: a hundred times as much. The same file scores otherwise after an upgrade.
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
rows, labels = numpy.arange(200.0).reshape(100, 2), numpy.r_[numpy.zeros(50), numpy.ones(50)]
matrix = xgboost.DMatrix(rows, labels)
told, same = [], []
for base in (1e-8, 0.2, 1 - 1e-7):
    # No tree: what is left is base_score.
    booster = xgboost.train({"objective": "binary:logistic", "base_score": base, "nthread": 1}, matrix, 0)
    again = xgboost.Booster()
    again.load_model(booster.save_raw("json"))
    got = float(again.predict(matrix)[0])
    told.append(f"{base} gives {got:.8g}")
    same.append(abs(got - base) < 1e-7 * max(base, 0.1))
print(f"xgboost {xgboost.__version__}: {', '.join(told)}")
assert same == ([False, True, False] if sys.argv[1] == "bounded" else [True, True, True]), "no longer so"
END
for pair in 3.1.3=free 3.2.0=bounded 3.3.0=bounded 3.4.1=bounded; do
  version=${pair%=*}
  "$python" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 scipy==1.16.3
  "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps "xgboost==$version"
  "$version/bin/python" probe.py "${pair#*=}"
done
