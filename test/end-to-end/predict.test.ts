import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withDatabase } from '../../src/disk/database.ts'
import { SMALL_BANK, temporaryFolder, vigiaIn } from './vigia-in-process.ts'

describe('vigia predict', () => {
  const { path: work, remove } = temporaryFolder()
  const at = (...names: string[]): string => join(work, ...names)
  beforeAll(async () => {
    const { status, stderr } = await vigiaIn(work, ['run', '--out', at('run'), ...SMALL_BANK])
    expect([status, stderr]).toEqual([0, ''])
    copyFileSync(at('run/generate/transactions.parquet'), at('input.parquet'))
  })
  afterAll(remove)

  it('gives the test rows the scores that training gave them, bit for bit', async () => {
    expect((await predict('input.parquet', 'whole.parquet')).status).toBe(0)
    const [counts] = await query(
      `SELECT count(*)::INTEGER, count_if(a.probability IS DISTINCT FROM b.probability)::INTEGER,
         count_if(a.flagged IS DISTINCT FROM b.flagged)::INTEGER
       FROM '${at('run/score/predictions.parquet')}' b LEFT JOIN '${at('whole.parquet')}' a USING (transaction_id)`,
    )
    expect(counts?.[0]).toBeGreaterThan(100)
    expect(counts?.slice(1)).toEqual([0, 0])
  })

  it('keeps rows and their order, whatever the order of the input', async () => {
    await query(
      `COPY (SELECT * FROM '${at('input.parquet')}' ORDER BY hash(transaction_id)) TO '${at('shuffled.parquet')}'`,
    )
    expect((await predict('shuffled.parquet', 'shuffled-scores.parquet')).status).toBe(0)
    const ids = `list(transaction_id ORDER BY source_row)`
    const [row] = await query(
      `SELECT (SELECT list(transaction_id ORDER BY file_row_number) FROM read_parquet('${at('shuffled.parquet')}', file_row_number = true))
         = (SELECT ${ids} FROM '${at('shuffled-scores.parquet')}'),
       (SELECT count(*)::INTEGER FROM '${at('shuffled-scores.parquet')}')`,
    )
    expect(row).toEqual([true, 3000])
  })

  it('answers a row that cannot be used with the reason, a repeated one with the score of the first', async () => {
    await query(
      `COPY (SELECT * FROM (SELECT * FROM '${at('input.parquet')}' LIMIT 200)
         UNION ALL (SELECT * FROM '${at('input.parquet')}' LIMIT 1)
         UNION ALL (SELECT * REPLACE ('unusable' AS transaction_id, amount + 0.001 AS amount) FROM '${at('input.parquet')}' LIMIT 1))
       TO '${at('odd.parquet')}'`,
    )
    expect((await predict('odd.parquet', 'odd-scores.parquet')).status).toBe(0)
    const rows = await query(
      `SELECT transaction_id, probability, reason FROM '${at('odd-scores.parquet')}' ORDER BY source_row`,
    )
    expect(rows).toHaveLength(202)
    expect(rows[200]?.slice(0, 2)).toEqual(rows[0]?.slice(0, 2))
    expect(rows[200]?.[2]).toMatch(/repeat|already|first/i)
    expect(rows[201]?.[1]).toBeNull()
    expect(rows[201]?.[2]).toMatch(/amount/i)
  })

  it('does not replace a file unless told to', async () => {
    writeFileSync(at('taken.csv'), 'mine')
    const refused = await predict('input.parquet', 'taken.csv')
    expect([refused.status, readFileSync(at('taken.csv'), 'utf8')]).toEqual([2, 'mine'])
    expect(refused.stderr).toContain('--force')
    expect((await predict('input.parquet', 'taken.csv', ['--force'])).status).toBe(0)
    expect(readFileSync(at('taken.csv'), 'utf8').split('\n')[0]).toBe(
      'source_row,transaction_id,probability,flagged,risk_level,review,reason',
    )
  })

  it('refuses an ending it cannot write', async () => {
    const { status, stderr } = await predict('input.parquet', 'scores.xlsx')
    expect(status).toBe(2)
    expect(stderr).toContain('.parquet')
  })

  it('begins without history inside the training time, continues it after, and obeys when told', async () => {
    const told = async (input: string, out: string, history: string): Promise<string> => {
      const { stdout } = await predict(input, out, ['--history', history, '--json'])
      return (JSON.parse(stdout) as { history: string }).history
    }
    await query(
      `COPY (SELECT * REPLACE ('later-' || transaction_id AS transaction_id, (epoch_ms(timestamp::TIMESTAMPTZ) + 8640000000)::VARCHAR AS timestamp)
             FROM '${at('input.parquet')}' LIMIT 50) TO '${at('later.parquet')}'`,
    )
    expect(await told('input.parquet', 'auto-inside.csv', 'auto')).toMatch(
      /^history begins with this file: it begins at \S+Z, before training ended at \S+Z \(--history run/,
    )
    // The instant at which training ended is time that it does not know: hours and days are such instants.
    await query(
      `COPY (SELECT 'tie-' || transaction_id AS transaction_id, * EXCLUDE (transaction_id) FROM '${at('input.parquet')}'
             WHERE timestamp = (SELECT max(timestamp) FROM '${at('input.parquet')}')) TO '${at('tie.parquet')}'`,
    )
    expect(await told('tie.parquet', 'auto-tie.csv', 'auto')).toContain('continues')
    expect(await told('later.parquet', 'auto-later.csv', 'auto')).toContain('continues')
    expect(await told('later.parquet', 'run-later.csv', 'run')).toContain('continues')
    expect(await told('later.parquet', 'none-later.csv', 'none')).toContain('begins with this file')
    expect(readFileSync(at('run-later.csv'), 'utf8')).toBe(readFileSync(at('auto-later.csv'), 'utf8'))
    expect(readFileSync(at('run-later.csv'), 'utf8')).not.toBe(readFileSync(at('none-later.csv'), 'utf8'))
  })

  it('scores a file without labels as one whose labels it is told to ignore', async () => {
    await query(
      `COPY (SELECT * REPLACE (NULL::INTEGER AS is_fraud) FROM '${at('input.parquet')}') TO '${at('unlabelled.parquet')}'`,
    )
    expect((await predict('unlabelled.parquet', 'unlabelled.csv')).status).toBe(0)
    expect((await predict('input.parquet', 'ignored.csv', ['--ignore-labels'])).status).toBe(0)
    expect(readFileSync(at('ignored.csv'), 'utf8')).toBe(readFileSync(at('unlabelled.csv'), 'utf8'))
  })

  it('scores a file that has no column of labels at all, and says so', async () => {
    await query(
      `COPY (SELECT * EXCLUDE (is_fraud, fraud_pattern) FROM '${at('input.parquet')}') TO '${at('bare-input.parquet')}'`,
    )
    await query(
      `COPY (SELECT * EXCLUDE (is_fraud, fraud_pattern) FROM '${at('input.parquet')}') TO '${at('bare-input.csv')}' (HEADER)`,
    )
    expect((await predict('input.parquet', 'unasked.csv', ['--ignore-labels'])).status).toBe(0)
    const mappings = [
      'is_fraud=Is Fraud?',
      'labelled_at=epoch_seconds(known_at)',
      'fraud_pattern=fraud_pattern',
    ]
    const configured = mappings.flatMap((mapping) => ['--set', `source.fields.${mapping}`])
    for (const [input, args] of [
      ['bare-input.parquet', []],
      ['bare-input.csv', []],
      ['bare-input.parquet', configured],
    ] as const) {
      const { status, stdout, stderr } = await predict(input, 'bare-scores.csv', ['--force', ...args])
      expect([input, status, stderr]).toEqual([input, 0, ''])
      expect(stdout).toContain('no labels are used of it')
      expect(readFileSync(at('bare-scores.csv'), 'utf8')).toBe(readFileSync(at('unasked.csv'), 'utf8'))
    }
  })

  it('still refuses a file that lacks what every transaction has', async () => {
    const fields = ['--set', 'source.fields.merchant_id=Merchant Name']
    const { status, stderr } = await predict('input.parquet', 'never.csv', fields)
    expect([status, existsSync(at('never.csv'))]).toEqual([2, false])
    expect(stderr).toContain('source.fields.merchant_id')
  })

  it('adds the reasons that raise each score when they are asked for, and changes nothing else', async () => {
    await query(
      `COPY (SELECT * FROM '${at('input.parquet')}' UNION ALL
         (SELECT * REPLACE ('unusable' AS transaction_id, amount + 0.001 AS amount) FROM '${at('input.parquet')}' LIMIT 1))
       TO '${at('to-explain.parquet')}'`,
    )
    expect((await predict('to-explain.parquet', 'bare.csv')).status).toBe(0)
    for (const out of ['explained.csv', 'explained.parquet']) {
      expect((await predict('to-explain.parquet', out, ['--reasons', '3'])).status).toBe(0)
    }
    const columns = (file: string, rest = '*') =>
      query(`SELECT ${rest} FROM read_csv('${at(file)}', all_varchar = true) ORDER BY source_row::INTEGER`)
    const reasons = (await columns('explained.csv', 'reasons')).map(([text]) => text as string | null)
    expect(await columns('explained.csv', '* EXCLUDE (reasons)')).toEqual(await columns('bare.csv'))
    expect(await query(`SELECT reasons FROM '${at('explained.parquet')}' ORDER BY source_row`)).toEqual(
      reasons.map((text, row) => [row < 3000 ? (text ?? '') : null]),
    )
    expect(reasons.pop()).toBeNull()
    for (const text of reasons) {
      expect((text ?? '').split('; ').length).toBeLessThanOrEqual(3)
      expect(text ?? '').not.toMatch(/NaN|Infinity|undefined|null|\n/)
    }
    expect(reasons.filter((text) => text?.split('; ').length === 3).length).toBeGreaterThan(2000)
  })

  it('refuses a number of reasons that is none', async () => {
    for (const number of ['0', '-1', '1.5', 'many']) {
      const { status, stderr } = await predict('input.parquet', 'never.csv', ['--reasons', number])
      expect([number, status]).toEqual([number, 2])
      expect(stderr).toContain('CLI_INVALID_ARGUMENT')
    }
    expect(existsSync(at('never.csv'))).toBe(false)
  })

  it.each(['model.json', 'manifest.json', 'checksums.json'])(
    'refuses a model whose %s was altered or lost',
    async (file) => {
      cpSync(at('run/package'), at(`tampered-${file}/package`), { recursive: true })
      const path = at(`tampered-${file}/package`, file)
      const bytes = readFileSync(path)
      const middle = bytes.length >> 1
      bytes[middle] = bytes[middle]! ^ 1
      writeFileSync(path, bytes)
      for (const damage of ['altered', 'lost']) {
        if (damage === 'lost') rmSync(path)
        const { status, stderr } = await predict('input.parquet', 'never.csv', [], at(`tampered-${file}`))
        expect([damage, status]).toEqual([damage, 2])
        expect(stderr).toContain('MODEL_ARTIFACT_REFUSED')
      }
      expect(existsSync(at('never.csv'))).toBe(false)
      // Hidden are only folders under way; resources.temp_directory stays, with nothing in it.
      expect(readdirSync(work).filter((name) => name.startsWith('.') && name !== '.vigia')).toEqual([])
      expect(readdirSync(at('.vigia'), { recursive: true }).filter((name) => name !== 'tmp')).toEqual([])
    },
  )

  const predict = (input: string, out: string, args: readonly string[] = [], model = at('run')) =>
    vigiaIn(work, ['predict', at(input), '--out', at(out), '--model', model, ...SMALL_BANK, ...args])

  const query = (sql: string): Promise<unknown[][]> =>
    withDatabase({ threads: 1, memoryLimit: '1GB', tempDirectory: at('temporary') }, async (connection) =>
      (await connection.runAndReadAll(sql)).getRows(),
    )
})
