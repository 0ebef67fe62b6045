#!/bin/sh
# XGBoost 3.3 moved the weights of dropped trees (booster=dart, rate_drop) to another place in its files, and 3.4 moved them again. Each version that opens a
# file of a later place reads the trees, passes over the weights, and scores with none, without a word: 3.2.0 files of 3.3.0 and 3.4.1, 3.3.0 files of 3.4.1.
# Probabilities are off by up to 0.9. The other way round, newer versions read the files of older ones right.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below; --no-deps leaves out the GPU libraries, which nothing here uses.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python=${PYTHON:-python3.12}
cat >write.py <<'END'
import numpy, xgboost
xgboost.set_config(verbosity=0)
random = numpy.random.RandomState(1)
rows = random.normal(size=(400, 3))
labels = (rows[:, 0] + rows[:, 1] + random.normal(size=400) > 0).astype(int)
parameters = {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5, "eta": 1, "nthread": 1, "seed": 1}
booster = xgboost.train(parameters, xgboost.DMatrix(rows, labels), 20)
booster.save_model(f"{xgboost.__version__}.json")
numpy.save("rows.npy", rows)
numpy.save(f"{xgboost.__version__}.npy", booster.predict(xgboost.DMatrix(rows)))
END
cat >read.py <<'END'
import numpy, sys, xgboost
xgboost.set_config(verbosity=0)
rows = xgboost.DMatrix(numpy.load("rows.npy"))
for written in ("3.2.0", "3.3.0", "3.4.1"):
    booster = xgboost.Booster()
    booster.load_model(f"{written}.json")
    difference = float(abs(booster.predict(rows) - numpy.load(f"{written}.npy")).max())
    print(f"xgboost {xgboost.__version__} reads dart of {written}: probabilities differ by up to {difference:.2g}")
    assert (difference > 0.05) == (written > xgboost.__version__), "no longer so"
END
for version in 3.2.0 3.3.0 3.4.1; do
  "$python" -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check numpy==2.3.5 scipy==1.16.3
  "$version/bin/pip" install --quiet --disable-pip-version-check --no-deps "xgboost==$version"
  "$version/bin/python" write.py
done
for version in 3.2.0 3.3.0 3.4.1; do "$version/bin/python" read.py; done
