"""The way of a transaction: decided on, explained, many at once, told what it was, read again.

Reads VIGIA_URL (default: http://127.0.0.1:8000) and VIGIA_KEY (default: none).
"""

import os

from vigia_client import VigiaClient

vigia = VigiaClient(os.environ.get("VIGIA_URL", "http://127.0.0.1:8000"), os.environ.get("VIGIA_KEY"))

transaction = vigia.sample_transaction()
decided = vigia.predict(transaction, reasons=3)
print(f"{decided['transaction_id']}: {decided['decision']}, {decided['risk_level']} risk, {decided['probability']}")
for reason in decided.get("reasons", []):
    print(f"- {reason['text']}")

# The same transaction again gets the same decision.
again = vigia.predict(transaction)
is_same = again["prediction_id"] == decided["prediction_id"]
print(f"repeated: {again['repeated']}, same decision: {is_same}".replace("True", "true"))

# As they would come from a file or a queue.
many = (vigia.sample_transaction() for _ in range(20))
rows = list(vigia.predict_lines(many))
flagged = sum(row.get("is_flagged", False) for row in rows)
failed = sum("error" in row for row in rows)
print(f"{len(rows)} rows: {flagged} flagged, {failed} failed")

told = vigia.give_feedback([{"transaction_id": transaction["transaction_id"], "is_fraud": False}])
print(f"labels applied: {told['counts']['applied']}")

logged = vigia.get_prediction(decided["prediction_id"])
print(f"label: {str(logged['label']['is_fraud']).lower()}, from {len(logged['features'])} features")
