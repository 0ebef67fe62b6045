#!/bin/sh
# DuckDB's catalogue calls `age(TIMESTAMP)` CONSISTENT, the word for functions whose value hangs on their arguments alone; yet with one
# argument it counts from today. Whoever keeps data repeatable by refusing what `duckdb_functions()` calls VOLATILE or
# CONSISTENT_WITHIN_QUERY (as it calls now() and today()) lets a feature through that is another tomorrow.
#
# Needs node and npm. Runs @duckdb/node-api 1.5.6-r.1.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1
node -e '
const { DuckDBInstance } = require("@duckdb/node-api")
;(async () => {
  const connection = await (await DuckDBInstance.create(":memory:")).connect()
  const rows = async (sql) => (await connection.runAndReadAll(sql)).getRows()
  const [[version]] = await rows("SELECT version()")
  const catalogue = await rows(
    "SELECT function_name, parameter_types::VARCHAR, stability FROM duckdb_functions() WHERE function_name IN ($$age$$, $$now$$, $$today$$) ORDER BY ALL",
  )
  const [[isOfToday, years]] = await rows(
    "SELECT age(TIMESTAMP $$2000-01-01$$) = age(current_date::TIMESTAMP, TIMESTAMP $$2000-01-01$$), date_part($$year$$, age(TIMESTAMP $$2000-01-01$$))",
  )
  console.log(`DuckDB ${version}`)
  for (const row of catalogue) console.log(row.join("  "))
  console.log(`age(TIMESTAMP 2000-01-01) is the time from then to the beginning of today: ${isOfToday} (${years} years)`)
  const stability = catalogue.find(([name, types]) => name === "age" && types === "[TIMESTAMP]")[2]
  if (stability !== "CONSISTENT" || isOfToday !== true) throw new Error("no longer so")
})()
'
