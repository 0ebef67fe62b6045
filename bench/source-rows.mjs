#!/usr/bin/env node
// What it costs to map a row of the bank's own table (POST /predict?mapping=source), on the files of
// examples/public: the mapping as it is served, and the same with everything left to SQL.
//
//     node scripts/build.mjs && node bench/source-rows.mjs [set ...]
//
// docs/decisions/2026-11-28-the-mapping-travels-with-the-model.md has a table of it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SETS } from '../examples/public/generate.mjs'
import { built, ROOT } from './data.mjs'

const { loadTrainingConfig } = await built('config/config-manager.js')
const { readAmountRules } = await built('config/read-amount-rules.js')
const { declareEntities } = await built('dataset/source-entities.js')
const { readSource } = await built('dataset/read-source.js')
const { openRowMapper, slowExpressions } = await built('mapping/row-mapper.js')
const { openSqlMapping } = await built('mapping/sql-mapping.js')
const { withDatabase } = await built('disk/database.js')
const { unwatched } = await built('disk/work.js')

const ROWS = 1000
const BATCH = 100
const folder = mkdtempSync(join(tmpdir(), 'vigia-source-rows-'))
const database = { threads: 1, memoryLimit: '1GB', tempDirectory: join(folder, 'spill') }

/** The mapping of a set's configuration, and the first rows of its file as a request would have them. */
const readSet = async (name) => {
  const directory = join(ROOT, 'examples/public', name)
  const text = readFileSync(join(directory, 'training_config.yaml'), 'utf8')
  const { settings } = loadTrainingConfig({
    file: { name, directory, text },
    environment: {},
    assignments: [],
    workingDirectory: directory,
  })
  const { source } = declareEntities(settings.entities, settings.source, settings.features)
  const amounts = readAmountRules(settings)
  const outputs = {
    preparedPath: join(folder, 'prepared.parquet'),
    quarantinePath: join(folder, 'quarantine'),
  }
  return withDatabase(database, async (connection) => {
    const rows = []
    const options = { workingDirectory: directory, work: unwatched(), amounts }
    const { served, attributes } = await readSource(connection, source, outputs, options)
    // The same columns as text, by the reader's own header.
    const columns = served.columns.filter(({ name: column }) => column !== 'source_row')
    const names = columns.map(({ name: column }) => `"${column.replaceAll('"', '""')}"`).join(', ')
    const reread = { ...source, fields: {}, attributes: {} }
    const { openSourceRows } = await built('dataset/source-rows.js')
    await openSourceRows(connection, reread, directory, unwatched().signal)
    const reader = await connection.runAndReadAll(`SELECT ${names} FROM source_rows LIMIT ${ROWS}`)
    for (const [index, cells] of reader.getRows().entries())
      rows.push({
        source_row: `${index + 1}`,
        ...Object.fromEntries(columns.map((column, at) => [column.name, cells[at]])),
      })
    const shape = { attributes, hasUsers: settings.source.fields.user_id !== '', amounts }
    return { served, shape, rows }
  })
}

const quantile = (times, share) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(2)

/** p50 and p99 of `work` over the items, milliseconds; the first fifth is not counted. */
const timesOf = async (items, work) => {
  const times = []
  for (const item of items) {
    const from = performance.now()
    await work(item)
    times.push(performance.now() - from)
  }
  const counted = times.slice(Math.ceil(times.length / 5))
  return `${quantile(counted, 0.5)} / ${quantile(counted, 0.99)}`
}

const batchesOf = (rows) =>
  Array.from({ length: rows.length / BATCH }, (_, index) => rows.slice(index * BATCH, (index + 1) * BATCH))

console.log(
  '| set | SQL, of all parts | opening, ms | one row, p50 / p99 ms | 100 at once, p50 / p99 ms | all by SQL: one row | 100 at once |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |',
)
for (const name of process.argv.length > 2 ? process.argv.slice(2) : SETS) {
  const { served, shape, rows } = await readSet(name)
  const from = performance.now()
  const mapper = await openRowMapper(served, shape)
  const opening = (performance.now() - from).toFixed(0)
  const one = await timesOf(rows, (row) => mapper.map(row).catch(() => undefined))
  const hundred = await timesOf([...batchesOf(rows), ...batchesOf(rows)], (batch) =>
    Promise.allSettled(batch.map((row) => mapper.map(row))),
  )
  mapper.close()
  const parts = {
    mapping: served,
    amounts: shape.amounts,
    fields: Object.keys(served.fields),
    attributes: shape.attributes,
  }
  const bySql = await openSqlMapping(parts)
  const texts = rows.map((row) => new Map(Object.entries(row)))
  const oneBySql = await timesOf(texts.slice(0, 250), (row) => bySql.run([row]))
  const hundredBySql = await timesOf(batchesOf(texts), (batch) => bySql.run(batch))
  bySql.close()
  const slow = Object.keys(slowExpressions(served, shape)).length
  const all = Object.keys(served.fields).length + shape.attributes.length
  console.log(
    `| ${name} | ${slow} of ${all} | ${opening} | ${one} | ${hundred} | ${oneBySql} | ${hundredBySql} |`,
  )
}
rmSync(folder, { recursive: true, force: true })
