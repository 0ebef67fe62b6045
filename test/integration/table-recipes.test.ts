import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { sqlLiteral, withDatabase } from '../../src/disk/database.ts'
import { temporaryFolder, vigiaIn } from '../end-to-end/vigia-in-process.ts'
import { databaseIn } from '../parity/replay-run.ts'

const { path: work, remove } = temporaryFolder()
afterAll(remove)

interface Recipe {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  /** Of `vigia validate`; 0 unless said. */
  readonly exitCode?: number
  /** A query over the view `p`: each transaction's id, and what the attributes `columns` should be. */
  readonly expected: (file: (name: string) => string) => string
}

const RECIPES: readonly Recipe[] = [
  {
    name: 'rates of exchange',
    files: { 'rates.csv': rates() },
    columns: ['rate_to_base'],
    // Several currencies, which the rate alone does not yet make one.
    exitCode: 1,
    expected: (file) =>
      `SELECT transaction_id, rate FROM p ASOF LEFT JOIN read_csv(${file('rates.csv')}, delim = ';') AS r
       ON p.currency = r.currency AND p.t >= r.day::TIMESTAMP ORDER BY arrival`,
  },
  {
    name: 'ranges of card numbers',
    files: { 'bins.csv': 'low,high,issuer\n400000,400399,one\n400400,400899,two\n401000,401500,three\n' },
    columns: ['issuer'],
    expected: (file) =>
      `SELECT transaction_id, issuer FROM p LEFT JOIN read_csv(${file('bins.csv')})
       ON attribute_bin BETWEEN low AND high ORDER BY arrival`,
  },
  {
    name: 'GeoLite2',
    files: {
      'GeoLite2-Country-Blocks-IPv4.csv':
        'network,geoname_id,is_anonymous_proxy\n192.0.2.0/25,1,0\n192.0.2.128/26,2,1\n',
      'GeoLite2-Country-Blocks-IPv6.csv': 'network,geoname_id,is_anonymous_proxy\n2001:db8::/32,2,0\n',
      'GeoLite2-Country-Locations-en.csv': 'geoname_id,country_iso_code\n1,ES\n2,FR\n',
    },
    columns: ['country', 'is_proxy'],
    expected: () =>
      `SELECT transaction_id, CASE WHEN last < 128 THEN 'ES' WHEN last < 192 THEN 'FR' WHEN last IS NULL THEN 'FR' END,
         CASE WHEN last < 128 THEN false WHEN last < 192 THEN true WHEN last IS NULL THEN false END
       FROM (SELECT *, TRY_CAST(split_part(attribute_ip, '.', 4) AS INTEGER) AS last FROM p) ORDER BY arrival`,
  },
  {
    name: 'IP2Location',
    files: {
      'ip2location.csv':
        'first,last,code,country\n"3221225984","3221226111","ES","Spain"\n"3221226112","3221226239","-","-"\n',
    },
    columns: ['country'],
    expected: () =>
      `SELECT transaction_id, CASE WHEN TRY_CAST(split_part(attribute_ip, '.', 4) AS INTEGER) < 128 THEN 'ES' END
       FROM p ORDER BY arrival`,
  },
  {
    name: 'a customer table that keeps its history',
    files: {},
    columns: ['segment'],
    expected: (file) =>
      `SELECT transaction_id, segment FROM p LEFT JOIN read_parquet(${file('customers.parquet')}) AS c
       ON user_id = customer_id AND t >= valid_from::TIMESTAMP AND t < valid_to::TIMESTAMP ORDER BY arrival`,
  },
  {
    name: 'a table that is loaded every night',
    files: { 'limits/one.csv': limits(0, 20), 'limits/two.csv': limits(20, 40) },
    columns: ['credit_limit'],
    expected: (file) =>
      `SELECT transaction_id, limit_eur FROM p ASOF LEFT JOIN
         (SELECT *, day::TIMESTAMP + INTERVAL 26 HOUR AS known FROM read_csv(${file('limits/*.csv')})) AS l
       ON user_id = customer_id AND t >= known ORDER BY arrival`,
  },
]

/**
 * The recipes of docs/tables.md as they stand there, each over small files in the shape that it names: the
 * attributes are what a join in SQL says, which knows nothing of how tables are looked up.
 */
describe('the recipes of docs/tables.md', () => {
  const recipes = recipesOf('docs/tables.md')

  test('are those of docs/tablas.md, and are all tried here', () => {
    expect(recipesOf('docs/tablas.md')).toEqual(recipes)
    expect(recipes).toHaveLength(RECIPES.length)
  })

  test.each(RECIPES.map((recipe, at) => [recipe.name, recipe, at] as const))(
    '%s: transactions find the rows that SQL finds',
    async (_, { files, columns, exitCode = 0, expected }, at) => {
      const folder = join(work, String(at))
      mkdirSync(join(folder, 'limits'), { recursive: true })
      for (const [name, text] of Object.entries({ 'payments.csv': payments(), ...files }))
        writeFileSync(join(folder, name), text)
      await writeCustomers(join(folder, 'customers.parquet'))
      writeFileSync(
        join(folder, 'config.yaml'),
        recipes[at]!.replace('source:\n', sourceWith(exitCode === 0 ? `"'EUR'"` : 'currency')),
      )
      const { status, stdout, stderr } = await vigiaIn(folder, [
        'validate',
        '--config',
        'config.yaml',
        '--out',
        'out',
      ])
      expect(status, stderr + stdout).toBe(exitCode)
      await withDatabase(databaseIn(work), async (connection) => {
        const file = (name: string): string => sqlLiteral(join(folder, name))
        await connection.run(
          `CREATE VIEW p AS SELECT *, make_timestamp(event_time_ms * 1000) AS t FROM read_parquet(${file('out/prepared.parquet')})`,
        )
        const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
        const names = columns.map((name) => `attribute_${name}`).join(', ')
        const found = await read(`SELECT transaction_id, ${names} FROM p ORDER BY arrival`)
        const wanted = await read(expected(file))
        expect(found.map((row) => row.map(String))).toEqual(wanted.map((row) => row.map(String)))
        expect(new Set(found.map((row) => String(row[1]))).size).toBeGreaterThan(1)
      })
    },
  )
})

/** The beginning of a configuration, of which a recipe is the rest. */
const sourceWith = (currency: string): string => `project: { name: recipe }
source:
  path: payments.csv
  fields:
    transaction_id: id
    timestamp: time
    user_id: user_id
    amount: amount
    currency: ${currency}
    merchant_id: ""
    is_fraud: is_fraud
`
const START_MS = Date.parse('2026-01-01T00:00:00Z')

/** The blocks of YAML under the heading of the recipes. */
function recipesOf(document: string): readonly string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${document}`, import.meta.url)), 'utf8')
  const section = /\n## Rec(?:ipes|etas)\n([\s\S]*?)\n## /.exec(text)![1]!
  return [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!)
}

/** A payment every 97 minutes, so that few stand at the first moment of a day. */
function payments(): string {
  const rows = Array.from({ length: 600 }, (_, row) => {
    const time = new Date(START_MS + row * 97 * 60_000).toISOString()
    const ip = row % 10 === 0 ? `2001:db8::${row.toString(16)}` : `192.0.2.${(row * 37) % 256}`
    const currency = ['USD', 'EUR', 'JPY'][row % 3]
    return `t${row},${time},u${row % 20},${1 + (row % 90)}.00,${currency},${400_000 + ((row * 13) % 2000)}12345678,${ip},${row % 17 === 0 ? 1 : 0}`
  })
  return ['id,time,user_id,amount,currency,card_number,ip,is_fraud', ...rows, ''].join('\n')
}

function day(number: number): string {
  return new Date(Date.parse('2026-01-01T00:00:00Z') + number * 86_400_000).toISOString().slice(0, 10)
}

/** None on the weekend, and yen from the tenth day on only. */
function rates(): string {
  const rows = Array.from({ length: 50 }, (_, number) => number).flatMap((number) =>
    [0, 6].includes(new Date(day(number)).getUTCDay())
      ? []
      : [
          `USD;${day(number)};${(0.9 + number / 1000).toFixed(3)}`,
          `EUR;${day(number)};1`,
          ...(number < 10 ? [] : [`JPY;${day(number)};${(0.006 + number / 100_000).toFixed(5)}`]),
        ],
  )
  return ['currency;day;rate', ...rows, ''].join('\n')
}

/** Every customer's limit of each day. */
function limits(from: number, to: number): string {
  const rows = Array.from({ length: to - from }, (_, number) => from + number).flatMap((number) =>
    Array.from({ length: 20 }, (_, user) => `u${user},${day(number)},${100 + 10 * user + number}`),
  )
  return ['customer_id,day,limit_eur', ...rows, ''].join('\n')
}

/** Customers who change their segment on the twelfth day; those of odd number came to the bank on it. */
const writeCustomers = (path: string): Promise<unknown> =>
  withDatabase(databaseIn(work), (connection) =>
    connection.run(
      `COPY (SELECT 'u' || n AS customer_id, valid_from, valid_to, segment FROM range(20) AS users(n),
         (VALUES ('2025-01-01', '2026-01-12', 'retail'), ('2026-01-12', '9999-12-31', 'vip')) AS rows(valid_from, valid_to, segment)
       WHERE n % 2 = 0 OR segment = 'vip') TO ${sqlLiteral(path)} (FORMAT parquet)`,
    ),
  )
