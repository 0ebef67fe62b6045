#!/bin/sh
# MLflow 3.17.2 writes the body of a request for its scoring server (dump_input_data, behind ScoringServerClient.invoke) of a dict of columns by taking its keys apart in place of its items: names of one or of three and more letters
# raise ValueError (too many values to unpack), and a name of two letters an error about its own letters ("Incompatible input type: str for input v" of v1). So no dict can be sent. Data frames, arrays and lists are
# written right.
#
# Needs Python 3.12 (PYTHON names another) and pip. Packages are those that are named below.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3.12}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 pandas==2.3.3 numpy==2.4.6 scipy==1.18.1
cat >probe.py <<'END'
import mlflow, pandas
from mlflow.utils.proto_json_utils import dump_input_data

def written(data):
    try:
        return dump_input_data(data)
    except (ValueError, mlflow.MlflowException) as error:
        return f"{type(error).__name__}: {error}"

long, short = written({"amount": [1.0]}), written({"v1": [1.0]})
print(f"mlflow {mlflow.__version__}: of a long name: {long}; of two letters: {short}; a frame: {written(pandas.DataFrame({'v1': [1.0]}))}")
assert long.startswith("ValueError") and "for input v" in short, "no longer so"
END
venv/bin/python probe.py
