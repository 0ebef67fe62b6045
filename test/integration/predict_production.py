"""Scores rows of features with the model in production: predict_production.py <tracking uri> <features.parquet> <rows> > probabilities.json"""

import json
import sys

import mlflow
import pandas

uri, features, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)
frame = pandas.read_parquet(features).head(rows)
model = mlflow.pyfunc.load_model("models:/fraud-detector@production")
names = model.metadata.metadata["features"]
print(json.dumps(model.predict(frame[names[::-1]])["probability"].tolist()))
