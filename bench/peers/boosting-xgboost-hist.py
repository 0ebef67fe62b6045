"""Gradient boosting with XGBoost, tree method hist."""

from cost import measure
from xgboost_fit import work_with

measure(work_with("hist"))
