import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { ValidationReport } from '../../src/dataset/validation-report.ts'
import { temporaryFolder, vigiaIn } from './vigia-in-process.ts'

/** Invented rows in the shape of public data sets, mapped on the command line. */
describe('vigia validate', () => {
  const { path: work, remove } = temporaryFolder()
  afterAll(remove)

  it('TabFormer: plain names, money and Yes/No by macros; rows without a card holder are told with the frauds among them', async () => {
    const header = 'User,Card,Stamp,Amount,Use Chip,Merchant Name,Errors?,Is Fraud?'
    const rows = Array.from({ length: 300 }, (_, row) => {
      const isFraud = row % 15 === 0
      const user = row % 30 === 0 ? '' : row % 20
      const stamp = new Date(Date.parse('2019-01-01T00:00:00Z') + row * 7_654_321).toISOString()
      return `${user},${row % 2},${stamp},"$1,${100 + row}.50",Swipe Transaction,${BigInt(row % 40) - 3527213246127876953n},"Bad PIN,\nInsufficient Balance,",${isFraud ? 'Yes' : 'No'}`
    })
    const { status, stdout, report } = await validate('card_transaction.v1.csv', header, rows, {
      transaction_id: 'source_row',
      user_id: 'User',
      timestamp: 'Stamp',
      amount: 'money(Amount)',
      merchant_id: 'Merchant Name',
      location: 'Errors?',
      device_id: 'concat("User", \'-\', Card)',
      is_fraud: 'yes_no("Is Fraud?")',
    })
    expect(report.read).toMatchObject({
      inputRows: 300,
      acceptedRows: 290,
      acceptedFrauds: 10,
      lostFrauds: 10,
    })
    expect(status).toBe(1)
    expect(stdout).toContain('error quarantine.frauds: 10 of 20 frauds: user missing 10')
    expect(stdout).toContain('  10 user missing, 10 labelled fraud')
    expect(report.read.mapping.merchant_id).toBe('"Merchant Name"')
  })

  it('IBM AML: the second Account is told and usable, and a user without a history is', async () => {
    const header = 'Timestamp,From Bank,Account,To Bank,Account,Amount Received,Payment Format,Is Laundering'
    const rows = Array.from({ length: 200 }, (_, row) => {
      const stamp = new Date(Date.parse('2022-09-01T00:00:00Z') + row * 3_600_000).toISOString().slice(0, 19)
      return `${stamp},010,8000E${1000 + row},011,8000F${1000 + (row % 30)},${3697 + row}.34,Wire,${row % 40 === 0 ? 1 : 0}`
    })
    const { status, stdout, report } = await validate('HI-Small_Trans.csv', header, rows, {
      transaction_id: 'source_row',
      user_id: 'Account',
      amount: 'Amount Received',
      is_fraud: 'Is Laundering',
    })
    // No zone anywhere: nothing can be used, and each row says why.
    expect([status, report.read.reasons.map(({ code, rows, frauds }) => [code, rows, frauds])]).toEqual([
      1,
      [['timestamp_without_zone', 200, 5]],
    ])
    expect(stdout).toContain('200 timestamp without a time zone, 5 labelled fraud')
    const zoned = await validate(
      'HI-Small_Trans.csv',
      header,
      rows,
      {
        transaction_id: 'source_row',
        user_id: 'Account',
        amount: 'Amount Received',
        is_fraud: 'Is Laundering',
      },
      ['--set', 'source.time_zone=UTC'],
    )
    expect(zoned.status).toBe(0)
    for (const told of [
      'warning schema.repeated_header: column 5, "Account", is used as "Account_2"',
      'Like ids, and coming again: "Account_2" (85 % of its rows)',
      'warning time.resolution: the times are whole hours or minutes (resolution 1h): in a window of 1h',
    ])
      expect(zoned.stdout).toContain(told)
  })

  const validate = async (
    file: string,
    header: string,
    rows: readonly string[],
    fields: Readonly<Record<string, string>>,
    more: readonly string[] = [],
  ) => {
    writeFileSync(join(work, file), `${header}\n${rows.join('\n')}\n`)
    const mapping = Object.entries(fields).flatMap(([name, text]) => [
      '--set',
      `source.fields.${name}=${text}`,
    ])
    const args = ['validate', file, '--out', 'found', '--set', 'resources.threads=1', ...mapping, ...more]
    const { status, stdout } = await vigiaIn(work, args)
    const report = JSON.parse(readFileSync(join(work, 'found/validation.json'), 'utf8')) as ValidationReport
    return { status, stdout, report }
  }
})
