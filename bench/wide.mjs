#!/usr/bin/env node
// What very wide data cost: `vigia features` over invented transactions with many attributes and many kinds
// of entities of the bank's own, in a process of its own, and the features of one of each beside SQL.
//
//     node scripts/build.mjs && node bench/wide.mjs [--rows 1000000] [--attributes 400] [--entities 50]
//
// docs/attributes.md has the figures of it. A million rows take minutes, and some 10 GB of disk.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT, sql } from './data.mjs'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    attributes: { type: 'string', default: '400' },
    entities: { type: 'string', default: '50' },
  },
})
const [rows, attributes, entities] = [values.rows, values.attributes, values.entities].map(Number)
/** Ninety days, however many rows. */
const STEP_MS = Math.floor((90 * 86_400_000) / rows)
const folder = join(ROOT, '.vigia/bench/wide')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const at = (name) => join(folder, name)

/** Each kind of entity has a hundred names more than the one before. */
const namesOf = (kind) => 100 * (kind + 1)
const columns = [
  ...Array.from({ length: attributes }, (_, n) => `(hash(i, ${n}) % 1000)::DOUBLE AS V${n}`),
  ...Array.from({ length: entities }, (_, n) => `'e' || (hash(i, ${n}, 1) % ${namesOf(n)}) AS id_${n}`),
]
await sql(
  2,
  `COPY (SELECT i::VARCHAR AS transaction_id, epoch_ms(1767225600000 + i * ${STEP_MS}) AS timestamp, 'u' || (hash(i) % 20000) AS user_id,
     (1 + hash(i, 7) % 30000)::DECIMAL(10, 2) / 100 AS amount, 'm' || (hash(i, 8) % 2000) AS merchant_id, (hash(i, 9) % 200 = 0)::INTEGER AS is_fraud,
     ${columns.join(', ')} FROM range(${rows}) AS t(i)) TO '${at('wide.parquet')}' (FORMAT parquet)`,
)
const own = Object.fromEntries(
  Array.from({ length: entities }, (_, n) => [
    `kind_${n}`,
    { id: `id_${n}`, features: ['counts'], windows: ['1d'] },
  ]),
)
writeFileSync(
  at('wide.yaml'),
  JSON.stringify({
    source: {
      path: 'wide.parquet',
      time_zone: 'UTC',
      fields: { device_id: '' },
      attributes: { 'V*': { kind: 'number' } },
    },
    entities: own,
    runs: { directory: 'runs' },
    tracking: { enabled: false },
    // The default of 2 GB does not hold a million rows of so many columns while they are read.
    resources: { memory_limit: '8GB' },
  }),
)

/** Runs one process, and says what it cost. */
const measured = (...words) => {
  const started = performance.now()
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', '%U %S %M', process.execPath, ...words], {
    encoding: 'utf8',
    cwd: folder,
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr.slice(-2000))
  const [user, system, kilobytes] = stderr.trim().split('\n').at(-1).split(' ').map(Number)
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: user + system,
    peakMegabytes: kilobytes / 1024,
  }
}
const cost = measured(
  join(ROOT, 'bin/vigia.mjs'),
  'features',
  '--config',
  at('wide.yaml'),
  '--out',
  at('features.parquet'),
)

const last = entities - 1
const [[features, wrong]] = await sql(
  2,
  `WITH s AS (SELECT transaction_id, id_${last} AS id, epoch_ms(timestamp) AS t, V${attributes - 1} AS v FROM '${at('wide.parquet')}' WHERE hash(id_${last}) % 997 = 0),
     f AS (SELECT transaction_id, kind_${last}_tx_count_1d AS n, V${attributes - 1} AS value FROM '${at('features.parquet')}')
   SELECT (SELECT count(*) FROM (DESCRIBE FROM '${at('features.parquet')}'))::INTEGER, count_if(value <> v OR n <> (
     SELECT count(*) FROM s AS o WHERE o.id = s.id AND o.t <= s.t AND o.t > s.t - 86400000))::INTEGER
   FROM s JOIN f USING (transaction_id)`,
)
const shown = Object.entries(cost).map(([name, value]) => `${name} ${value.toFixed(1)}`)
process.stdout.write(
  `${rows} rows, ${attributes} attributes, ${entities} kinds of entities: ${shown.join(', ')}, ${features} columns, ${wrong} of the rows compared differ\n`,
)
if (wrong > 0) process.exitCode = 1
