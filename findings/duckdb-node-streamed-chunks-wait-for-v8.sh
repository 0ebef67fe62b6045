#!/bin/sh
# @duckdb/node-api 1.5.6-r.1: memory of chunks that were read by fetchChunk() and let go of is given back when V8 collects its garbage, and V8
# is not told of it (`external` stays small), so it sees no reason to collect: streaming 1.3 GB through chunks of 131 kB, one at a time, with a
# DuckDB of 256 MB, makes the process several hundred megabytes larger. With a collection every 64 chunks it stays below a third of that.
# A chunk has no method that frees it. Guess before it was run: a stream needs a few chunks at a time.
#
# Needs npm and Node 20 or later; some seconds and 1 GB of memory.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" @duckdb/node-api@1.5.6-r.1
cat >stream.mjs <<'END'
import { DuckDBInstance } from '@duckdb/node-api'
const collects = process.argv[2] === 'collects'
const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' })
const connection = await instance.connect()
const columns = Array.from({ length: 8 }, (_, c) => `i + ${c} AS c${c}`).join(', ')
const result = await connection.stream(`SELECT ${columns} FROM range(20000000) t(i)`)
const before = process.memoryUsage()
const peak = { rss: 0, external: 0 }
for (let chunks = 1; ; chunks++) {
  const chunk = await result.fetchChunk()
  if (chunk === null || chunk.rowCount === 0) break
  if (chunks % 64 !== 0) continue
  if (collects) globalThis.gc()
  const now = process.memoryUsage()
  for (const kind of Object.keys(peak)) peak[kind] = Math.max(peak[kind], now[kind] - before[kind])
}
console.log(Math.round(peak.rss / 2 ** 20), Math.round(peak.external / 2 ** 20))
END
report() {
  echo "$1: the process grew by $2 MB, what V8 counts as external by $3 MB"
}
set -- $(node --expose-gc stream.mjs leaves) $(node --expose-gc stream.mjs collects)
echo "@duckdb/node-api 1.5.6-r.1, node $(node -p process.versions.node), 1.3 GB streamed"
report 'left to V8' "$1" "$2"
report 'collected every 64 chunks' "$3" "$4"
[ "$1" -gt $((2 * $3)) ] || { echo 'no longer so' >&2; exit 1; }
