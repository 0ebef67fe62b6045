#!/bin/sh
# A running service learns of two entities and an attribute that its bank has begun to keep: no code, and
# nothing that was decided meanwhile is lost. Needs curl. VIGIA is how the command is called here: the process
# itself, as the script stops it (npx would leave the server behind).
set -eu
: "${VIGIA:=node $(cd "$(dirname "$0")/../.." && pwd)/bin/vigia.mjs}"
: "${PORT:=8080}"
cd "$(dirname "$0")"
server=

serve() { # <model> <name of states and log>
  if curl -s "http://127.0.0.1:$PORT/health/live" >/dev/null; then
    echo "port $PORT is taken: end what listens to it, or say another PORT" >&2
    exit 1
  fi
  $VIGIA serve --set model.source="$1" --set api.port="$PORT" \
    --set state_store.path="serving/$2/states" --set prediction_log.path="serving/$2/log" \
    >"serving/$2.log" 2>&1 &
  server=$!
  until curl -sf "http://127.0.0.1:$PORT/health/ready" >/dev/null; do
    kill -0 "$server" || { cat "serving/$2.log"; exit 1; }
    sleep 0.2
  done
}
stop() { [ -z "$server" ] || { kill "$server" && wait "$server" || true; server=; }; }
trap stop EXIT
pay() { # <id> <time> <amount> <attributes>
  curl -sS --fail-with-body "http://127.0.0.1:$PORT/predict?reasons=3" -H 'content-type: application/json' -d \
    "{\"transaction_id\":\"$1\",\"user_id\":\"user-7\",\"merchant_id\":\"shop-3\",\"timestamp\":\"$2\",\"amount\":$3,\"attributes\":$4}"
  echo
}

echo '1. The bank as it begins: train, and serve.'
node make-bank.mjs
mkdir -p serving
$VIGIA run --config before.yaml >serving/run-before.txt
serve runs/before/growing-bank before
pay live-1 2026-03-15T09:00:00Z 25 '{}'
pay live-2 2026-03-15T10:00:00Z 40 '{}'
curl -sS --fail-with-body "http://127.0.0.1:$PORT/feedback" -H 'content-type: application/json' \
  -d '{"transaction_id":"live-1","is_fraud":false}'
echo

# The bank learns of a payment that was decided on elsewhere, before there was a server: it says whose it was.
tail -n 1 before.csv | {
  IFS=, read -r id user shop time amount _
  curl -sS --fail-with-body "http://127.0.0.1:$PORT/feedback" -H 'content-type: application/json' -d \
    "{\"transaction_id\":\"$id\",\"is_fraud\":true,\"transaction\":{\"transaction_id\":\"$id\",\"user_id\":\"$user\",\"merchant_id\":\"$shop\",\"timestamp\":\"$time\",\"amount\":$amount}}"
}
echo

echo '2. The export has new columns: declare them (after.yaml), train again. The server goes on meanwhile.'
$VIGIA run --config after.yaml >serving/run-after.txt
pay live-3 2026-03-15T11:00:00Z 60 '{}'
stop

echo '3. Carry over what was decided since the export ended, and serve the new model.'
$VIGIA state migrate --from runs/after/growing-bank --log serving/before/log --out migrated \
  --set model.source=runs/after/growing-bank
$VIGIA state load --from migrated --set model.source=runs/after/growing-bank \
  --set state_store.path=serving/after/states --set prediction_log.path=serving/after/log
serve runs/after/growing-bank after
pay live-4 2026-03-15T12:00:00Z 80 '{"ip":"198.51.100.2","domain_id":"mail.example","signed_up":"2026-03-15T11:30:00Z"}'
curl -sS --fail-with-body "http://127.0.0.1:$PORT/predictions/live-4" >serving/live-4.json
echo
# The address of that payment is known from the new export, and so is how it ended.
pay live-5 2026-03-17T12:00:00Z 30 "{\"ip\":\"$(tail -n 1 after.csv | cut -d, -f7)\"}"
curl -sS --fail-with-body "http://127.0.0.1:$PORT/predictions/live-5" >serving/live-5.json
stop

echo '4. Every value that was served is what the history says, bit for bit.'
$VIGIA parity --log serving/before/log
$VIGIA parity --log serving/after/log
