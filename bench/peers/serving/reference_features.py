"""Features as the reference system computes them: with pandas, on the frame that is there. In serving that is one row."""

import numpy as np
import pandas as pd

CATEGORIES = ["merchant_category", "transaction_type", "device_type", "location", "currency"]
WINDOWS = ["1h", "6h", "1D", "7D", "30D"]


def create_all_features(frame):
    frame = frame.copy()
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
    frame = frame.sort_values(["user_id", "timestamp"])
    out = pd.DataFrame(index=frame.index)
    temporal(frame, out)
    amounts(frame, out)
    users(frame, out)
    frequencies(frame, out)
    places(frame, out)
    merchants(frame, out)
    return out.replace([np.inf, -np.inf], np.nan).fillna(0.0).astype(float)


def temporal(frame, out):
    time = frame["timestamp"].dt
    out["hour"] = time.hour
    out["day_of_week"] = time.dayofweek
    out["day_of_month"] = time.day
    out["month"] = time.month
    out["is_weekend"] = (time.dayofweek >= 5).astype(int)
    out["is_business_hours"] = time.hour.between(9, 17).astype(int)
    out["is_night"] = (~time.hour.between(6, 22)).astype(int)
    out["hour_sin"] = np.sin(2 * np.pi * time.hour / 24)
    out["hour_cos"] = np.cos(2 * np.pi * time.hour / 24)
    out["day_sin"] = np.sin(2 * np.pi * time.dayofweek / 7)
    out["day_cos"] = np.cos(2 * np.pi * time.dayofweek / 7)


def amounts(frame, out):
    amount = frame["amount"].astype(float)
    out["amount"] = amount
    out["amount_log"] = np.log1p(amount)
    out["amount_is_round"] = (amount % 10 == 0).astype(int)
    out["amount_cents"] = (amount * 100) % 100
    out["amount_band"] = pd.cut(amount, [0, 10, 50, 100, 500, 1000, np.inf], labels=False)
    out["amount_rank"] = amount.rank(pct=True)


def users(frame, out):
    of_user = frame.groupby("user_id")["amount"]
    out["user_count"] = of_user.transform("count")
    out["user_mean"] = of_user.transform("mean")
    out["user_std"] = of_user.transform("std")
    out["user_min"] = of_user.transform("min")
    out["user_max"] = of_user.transform("max")
    out["user_median"] = of_user.transform("median")
    out["amount_z"] = (frame["amount"] - out["user_mean"]) / out["user_std"]
    out["amount_to_mean"] = frame["amount"] / out["user_mean"]
    out["amount_to_max"] = frame["amount"] / out["user_max"]


def frequencies(frame, out):
    by_user = frame.groupby("user_id")
    out["seconds_since_last"] = by_user["timestamp"].diff().dt.total_seconds()
    out["transaction_number"] = by_user.cumcount()
    rolled = frame.set_index("timestamp").groupby("user_id")["amount"]
    for window in WINDOWS:
        out[f"count_{window}"] = rolled.rolling(window).count().to_numpy()
        out[f"sum_{window}"] = rolled.rolling(window).sum().to_numpy()


def places(frame, out):
    by_user = frame.groupby("user_id")
    for column in ["location", "device_id"]:
        usual = by_user[column].transform(lambda values: values.mode().iloc[0] if values.notna().any() else None)
        out[f"is_usual_{column}"] = (frame[column] == usual).astype(int)
        out[f"{column}_count"] = by_user[column].transform("nunique")
    out["latitude"] = frame["latitude"].astype(float)
    out["longitude"] = frame["longitude"].astype(float)


def merchants(frame, out):
    of_merchant = frame.groupby("merchant_id")["amount"]
    out["merchant_count"] = of_merchant.transform("count")
    out["merchant_mean"] = of_merchant.transform("mean")
    out["merchant_std"] = of_merchant.transform("std")
    for column in CATEGORIES:
        out[f"{column}_code"] = frame[column].astype("category").cat.codes
