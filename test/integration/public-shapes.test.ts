import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { readArtifact } from '../../src/artifacts/artifact-folder.ts'
import { parseHeader } from '../../src/dataset/csv-header.ts'
import { prepareModel } from '../../src/decisions/loaded-model.ts'
import { shapeOf } from '../../src/decisions/served-shape.ts'
import { sqlIdentifier, sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import type { ModelParity } from '../../src/pipelines/parity/parity-of-log.ts'
import { readRequests } from '../../src/pipelines/parity/served-rows.ts'
import type { TransactionShape } from '../../src/transaction/shape.ts'
import { type RequestTransaction, writeRequest } from '../../src/transaction/write-request.ts'
import { type Finished, servingIn, temporaryFolder, vigiaIn } from '../end-to-end/vigia-in-process.ts'
import { databaseIn } from '../parity/replay-run.ts'
import { inventFiles, PUBLIC_SETS, PUBLIC_SHAPES, publicFolder } from './public-sets.ts'

/** Rows at the end of each file that training does not see: they are what is served. */
const SERVED = 40

/** Enough trees that a model comes of it, and no more. */
const SMALL = [
  'resources.threads=1',
  'models.logistic_regression.enabled=false',
  'models.random_forest.enabled=false',
  'models.xgboost.enabled=false',
  'models.gradient_boosting.trees=15',
  'evaluation.bootstrap_resamples=0',
].flatMap((setting) => ['--set', setting])

const NAMED_SHAPES = PUBLIC_SHAPES.map((shape) => [`${shape.set}/${shape.config}`, shape] as const)

const { path: work, remove } = temporaryFolder()
afterAll(remove)

/**
 * Every example of a public data set, as its README says to use it: its file is valid, a model comes of it,
 * the model scores a later file, and a server that is sent the same rows with their attributes says the same:
 * it delivers the labels itself that the history still waits for, as predict does.
 */
describe.each(NAMED_SHAPES)('examples/public/%s', (_, { set, config, file, tables }) => {
  const folder = join(work, `${set}-${config}`)
  const at = (...names: string[]): string => join(folder, ...names)

  test('the file is what its generator invents, and is valid as it is configured', async () => {
    const kept = (name: string): string => gunzipSync(readFileSync(join(publicFolder(set), name))).toString()
    const invented = await inventFiles(set)
    for (const name of [file, ...Object.values(tables)]) expect(kept(name) === invented[name]).toBe(true)
    divide(kept(file), folder)
    const { stdout } = succeeded(await vigia('validate', '--json', '--out', at('validation')))
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'passed' })
  })

  test('training, scoring of a later file and serving agree, and parity finds no difference', async () => {
    const history = ['--set', `source.path=${at('history.csv')}`]
    succeeded(await vigia('run', '--out', at('run'), ...history, ...SMALL))
    const shape = await shapeOfRun(at('run'))
    succeeded(
      await vigia(
        'predict',
        at('later.csv'),
        '--model',
        at('run'),
        '--out',
        at('scores.csv'),
        '--history',
        'run',
        ...later,
      ),
    )
    succeeded(await vigia('validate', at('later.csv'), '--out', at('later'), '--json', ...later))
    const lookedUp = await givenByTables(at('run'))
    const sent = { ...shape, attributes: shape.attributes.filter(({ name }) => !lookedUp.includes(name)) }
    const requests = await requestsOf(at('later/prepared.parquet'), sent)
    expect(requests.length).toBeGreaterThan(SERVED / 2)
    if (sent.attributes.length > 0)
      expect(requests.some(({ attributes }) => Object.keys(attributes ?? {}).length > 0)).toBe(true)
    const served = new Map<string, number>()
    succeeded(
      await servingIn(
        folder,
        ['--set', `model.source=${at('run')}`, ...PLAYED, '--set', 'log.level=warn'],
        async (address) => {
          for (const request of requests) {
            const answer = await ok(`${address}/predict`, request)
            served.set(String(request.transaction_id), (answer as { probability: number }).probability)
          }
          const unknown = await post(`${address}/predict`, { ...requests[0], attributes: { unheard_of: 1 } })
          expect([unknown.status, JSON.stringify(unknown.answer)]).toEqual([
            422,
            expect.stringContaining('unheard_of'),
          ])
          await ok(`${address}/save-logs`, {})
          if (lookedUp.length > 0) {
            const shown = await Promise.all([...served.keys()].map((id) => shownLookups(address, id)))
            expect(shown.some((names) => names.length > 0)).toBe(true)
            expect(shown.flat().filter((name) => !lookedUp.includes(name))).toEqual([])
          }
          const metrics = await (await fetch(`${address}/metrics`)).text()
          for (const table of Object.keys(tables)) {
            const found = lookups(metrics, table, 'found')
            expect(found).toBeGreaterThan(0)
            expect(found + lookups(metrics, table, 'missing')).toBe(requests.length)
          }
        },
      ),
    )
    expect(served).toEqual(scoresIn(at('scores.csv'), [...served.keys()]))
    expect(new Set(served.values()).size).toBeGreaterThan(1)
    const { stdout } = succeeded(await vigiaIn(folder, ['parity', '--json']))
    const [compared] = JSON.parse(stdout) as readonly ModelParity[]
    expect(compared?.report).toMatchObject({ rows: requests.length, differing: [], missing: 0, extra: 0 })
    expect(compared?.report.values).toBeGreaterThan(requests.length)
  })

  test('a server that is sent the rows as their file has them says what predict says', async () => {
    const rows = await rawRows(set, at('later.csv'), at('later/prepared.parquet'))
    const served = new Map<string, number>()
    mkdirSync(at('raw'))
    succeeded(
      await servingIn(
        at('raw'),
        ['--set', `model.source=${at('run')}`, ...PLAYED, '--set', 'log.level=warn', ...tablePaths],
        async (address) => {
          for (const { id, json } of rows) {
            const answer = await ok(`${address}/predict?mapping=source`, json)
            served.set(id, (answer as { probability: number }).probability)
          }
        },
      ),
    )
    expect(served.size).toBeGreaterThan(SERVED / 2)
    expect(served).toEqual(scoresIn(at('scores.csv'), [...served.keys()]))
  })

  // A table that is found by the transaction's id knows its own names alone.
  const later = set === 'ieee-cis' ? LATER : [...LATER, ...RENAMED]

  /** For a server that starts elsewhere than training did. */
  const tablePaths = Object.entries(tables).flatMap(([table, name]) => [
    '--set',
    `tables={${table}: {path: ${JSON.stringify(join(publicFolder(set), name))}}}`,
  ])

  const vigia = (command: string, ...args: readonly string[]): Promise<Finished> =>
    vigiaIn(folder, [command, ...args, '--config', join(publicFolder(set), config)])
})

test('IEEE-CIS has the same attributes from its two files as after the join', async () => {
  const folder = join(work, 'two-files')
  mkdirSync(folder)
  for (const [out, config] of [
    ['joined', 'training_config.yaml'],
    ['apart', 'two_files.yaml'],
  ] as const)
    succeeded(
      await vigiaIn(folder, ['validate', '--out', out, '--config', join(publicFolder('ieee-cis'), config)]),
    )
  await withDatabase(databaseIn(work), async (connection) => {
    const columnsOf = async (out: string): Promise<readonly string[]> => {
      const file = sqlLiteral(join(folder, out, 'prepared.parquet'))
      const described = await connection.runAndReadAll(`DESCRIBE FROM read_parquet(${file})`)
      return described.getRows().map(([name]) => String(name))
    }
    const read = (out: string, columns: readonly string[]) =>
      connection.runAndReadAll(
        `SELECT ${columns.map((column) => sqlIdentifier(column)).join(', ')} FROM read_parquet(${sqlLiteral(join(folder, out, 'prepared.parquet'))}) ORDER BY arrival`,
      )
    const inBoth = await columnsOf('joined')
    const apart = new Set(await columnsOf('apart'))
    const fromIdentity = inBoth.filter((column) => /^attribute_id_\d+$/.test(column))
    expect(fromIdentity).toHaveLength(38)
    const compared = inBoth.filter((column) => column.startsWith('attribute_'))
    expect(compared.filter((column) => !apart.has(column))).toEqual([])
    const devices = ['device_id', 'device_type']
    const joined = (await read('joined', ['transaction_id', ...compared, ...devices])).getRows()
    const tables = (
      await read('apart', ['transaction_id', ...compared, 'attribute_DeviceInfo', 'attribute_DeviceType'])
    ).getRows()
    expect(joined.filter((row) => row.at(-1) !== null).length).toBeGreaterThan(100)
    expect(tables).toEqual(joined)
  })
})

test('the kept files together are small', async () => {
  const files = PUBLIC_SHAPES.flatMap(({ set, file, tables }) =>
    [file, ...Object.values(tables)].map((name) => join(publicFolder(set), name)),
  )
  const sizes = [...new Set(files)].map((file) => statSync(file).size)
  expect([PUBLIC_SETS.length, sizes.length]).toEqual([10, 13])
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(3_000_000)
})

/** Labels of the later file are not known when it is decided on. */
const LATER = ['--set', 'source.fields.is_fraud=']

/** A place in the file names a row within that file only; the later file's rows get names of their own. */
const RENAMED = ['--set', `source.fields.transaction_id=concat('later-', source_row)`]

/** Makes the folder: all rows but the last in `history.csv`, the last in `later.csv`, headers in both. */
const divide = (text: string, folder: string): void => {
  mkdirSync(folder)
  const [header = '', ...rows] = text.trimEnd().split('\n')
  const write = (name: string, some: readonly string[]): void =>
    writeFileSync(join(folder, name), `${[header, ...some].join('\n')}\n`)
  write('history.csv', rows.slice(0, -SERVED))
  write('later.csv', rows.slice(-SERVED))
}

/** What the transactions of a run's model have. */
const shapeOfRun = async (run: string): Promise<TransactionShape> => {
  const artifact = await readArtifact(join(run, 'package'))
  const origin = { name: 'a run', version: '1', source: run, sha256: '0'.repeat(64), loadedAtMs: 0 }
  return shapeOf([prepareModel(artifact, origin)])
}

/** The attributes that a run's model looks up in tables. */
const givenByTables = async (run: string): Promise<readonly string[]> => {
  const { manifest } = await readArtifact(join(run, 'package'))
  return (manifest.source?.tables ?? []).flatMap(({ attributes }) => Object.keys(attributes))
}

/** The attributes of a decided transaction that a server says it looked up. */
const shownLookups = async (address: string, id: string): Promise<readonly string[]> => {
  const answer = await fetch(`${address}/predictions/${id}`)
  return ((await answer.json()) as { readonly looked_up: readonly string[] }).looked_up
}

/** How often a server has looked up in a table with that outcome. */
const lookups = (metrics: string, table: string, outcome: string): number => {
  const line = new RegExp(`^vigia_table_lookups_total\\{table="${table}",outcome="${outcome}"\\} (\\d+)`, 'm')
  return Number(line.exec(metrics)?.[1] ?? 0)
}

/** The transactions of a prepared file as requests, in the order of their arrival. */
const requestsOf = (prepared: string, shape: TransactionShape): Promise<readonly RequestTransaction[]> =>
  withDatabase(databaseIn(work), async (connection) => {
    const requests: RequestTransaction[] = []
    for await (const transaction of readRequests(connection, prepared, 0, shape))
      requests.push(writeRequest(transaction, shape.amounts))
    return requests
  })

/** A row of a file as JSON: numbers as they stand there, everything else as text, nothing as null. */
interface RawRow {
  /** Of the transaction, as the later file's rows are called. */
  readonly id: string
  readonly json: string
}

/** The rows of a file that are used, in the order of their arrival. Their places follow those of training. */
const rawRows = (name: string, path: string, prepared: string): Promise<readonly RawRow[]> =>
  withDatabase(databaseIn(work), async (connection) => {
    const [header = ''] = readFileSync(path, 'utf8').split('\n')
    const quote = name === 'banksim' ? "'" : '"'
    const { columns } = parseHeader(header, ',', quote)
    const types = columns.map((column) => `${sqlLiteral(column)}: 'VARCHAR'`).join(', ')
    const file = `read_csv(${sqlLiteral(path)}, header = true, auto_detect = false, delim = ',', quote = ${sqlLiteral(quote)}, escape = ${sqlLiteral(quote)}, columns = {${types}})`
    const cells = (await connection.runAndReadAll(`SELECT * FROM ${file}`)).getRows()
    const order = await connection.runAndReadAll(
      `SELECT source_row::DOUBLE, transaction_id FROM read_parquet(${sqlLiteral(prepared)}) ORDER BY arrival`,
    )
    return (order.getRows() as [number, string][]).map(([row, id]) => {
      const members = columns.map((column, index) => {
        const cell = cells[row - 1]![index] as string | null
        const isNumber = cell !== null && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(cell)
        return `${JSON.stringify(column)}: ${isNumber ? cell : JSON.stringify(cell)}`
      })
      return { id, json: `{${members.join(', ')}, "source_row": ${1_000_000 + row}}` }
    })
  })

/** What `vigia predict` says of these transactions, in their order. */
const scoresIn = (path: string, ids: readonly string[]): Map<string, number | undefined> => {
  const [, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n')
  const scores = new Map(lines.map((line) => line.split(',')).map((cells) => [cells[1], Number(cells[2])]))
  return new Map(ids.map((id) => [id, scores.get(id)]))
}

const post = async (
  url: string,
  body: object | string,
): Promise<{ readonly status: number; readonly answer: unknown }> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: answer.status, answer: await answer.json() }
}

/** The answer to what must be accepted. */
const ok = async (url: string, body: object | string): Promise<unknown> => {
  const { status, answer } = await post(url, body)
  expect(status, JSON.stringify(answer)).toBe(200)
  return answer
}

/** The banks' times are those of their files, and the clock of these tests stands in 2020. */
const PLAYED = ['--set', 'event_time.max_future=9999d']

/** Fails with what the command said when it failed. */
const succeeded = (finished: Finished): Finished => {
  expect(finished.status, finished.stderr + finished.stdout).toBe(0)
  return finished
}
