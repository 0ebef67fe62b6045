"""Trains the model that bench/rows/explanation.mjs explains, with XGBoost, and saves it as JSON: train_explained.py <request>."""

import json
import sys

import xgboost
from training_data import read

request = json.loads(sys.argv[1])
table, labels, _ = read(request)
rows = xgboost.QuantileDMatrix(table[:100_000], labels[:100_000])
parameters = {"objective": "binary:logistic", "tree_method": "hist", "eta": 0.1, "max_depth": 6}
xgboost.train(parameters, rows, 100).save_model(request["out"])
