"""Offline probabilities of single transactions, in the order of the file: <request JSON with model, bodies, count, out>."""

import json
import sys
from itertools import islice
from pathlib import Path

import joblib
import pandas as pd
from reference_features import create_all_features

request = json.loads(sys.argv[1])
stored = joblib.load(Path(request["model"]) / "model.joblib")
probabilities = []
with open(request["bodies"]) as lines:
    for line in islice(lines, request["count"]):
        row = create_all_features(pd.DataFrame([json.loads(line)]))
        probabilities.append(float(stored["model"].predict_proba(row[stored["features"]])[0][1]))
Path(request["out"]).write_text(json.dumps(probabilities))
