"""The reference's serving: FastAPI, a one-row DataFrame, its features, predict_proba. <request JSON with port, model>."""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from reference_features import create_all_features

request = json.loads(sys.argv[1])
if request.get("mlflow"):
    # As the reference's inference pipeline loads a registered model.
    import mlflow.pyfunc

    loaded = mlflow.pyfunc.load_model(str(Path(request["model"]) / "mlflow"))
    features, predict_proba = None, loaded.predict
else:
    stored = joblib.load(Path(request["model"]) / "model.joblib")
    features, predict_proba = stored["features"], stored["model"].predict_proba
app = FastAPI()


class Transaction(BaseModel):
    transaction_id: str
    user_id: str
    timestamp: str
    amount: float
    currency: str | None = None
    merchant_id: str | None = None
    merchant_category: str | None = None
    transaction_type: str | None = None
    device_id: str | None = None
    device_type: str | None = None
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Prediction(BaseModel):
    transaction_id: str
    probability: float
    is_fraud: bool
    risk_level: str


def score(transaction):
    columns = create_all_features(pd.DataFrame([transaction.model_dump()]))
    return float(predict_proba(columns if features is None else columns[features])[0][1])


@app.get("/health/ready")
def ready():
    return {"status": "ready"}


@app.post("/predict")
def predict(transaction: Transaction) -> Prediction:
    probability = score(transaction)
    level = "high" if probability >= 0.7 else "medium" if probability >= 0.3 else "low"
    return Prediction(
        transaction_id=transaction.transaction_id, probability=probability, is_fraud=probability >= 0.5, risk_level=level
    )


uvicorn.run(app, host="127.0.0.1", port=request["port"], log_level="warning")
