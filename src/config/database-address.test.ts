import { describe, expect, it } from 'vitest'
import { databaseProblems, parseDatabaseAddress, shownAddress } from './database-address.ts'

const read = (address: string) => parseDatabaseAddress(address, 'source.path')

describe('parseDatabaseAddress', () => {
  it('reads where a database is and what of it', () => {
    expect(
      read(
        'postgres://ana@db.bank.example:5433/bank?table=cards.payments&order=received_at,seq&sslmode=require&statement_timeout=30m',
      ),
    ).toMatchObject({
      name: 'postgres://ana@db.bank.example:5433/bank',
      host: 'db.bank.example',
      port: 5433,
      user: 'ana',
      database: 'bank',
      table: ['cards', 'payments'],
      order: ['received_at', 'seq'],
      sslMode: 'require',
      statementTimeoutMs: 1_800_000,
    })
  })

  it('takes the name of a variable for a password, names in quotes, and a socket', () => {
    expect(read(`postgres://ana:\${PW}@h/b?table="Card.s"."Pay ""ments"""`)).toMatchObject({
      passwordVariable: 'PW',
      table: ['Card.s', 'Pay "ments"'],
    })
    expect(read('postgresql:///b?host=/run/postgresql')).toMatchObject({ host: '/run/postgresql', table: [] })
  })

  it.each([
    ['postgres://ana:hunter2@h/b', 'a password stands in it'],
    ['postgres://ana:p@ss/hunter2@h/b', 'the name of one database'],
    ['postgres://h', 'the name of one database'],
    ['postgres://h/b?table=a.b.c', 'table is no name'],
    ['postgres://h/b?tabel=a', 'it has no setting tabel; allowed: table, order'],
    ['postgres://h/b?sslmode=prefer', 'allowed: disable, require, verify-ca, verify-full'],
    ['postgres://h/b?statement_timeout=soon', 'a duration'],
  ])('refuses %s without showing a password', (address, reason) => {
    expect(() => read(address)).toThrow(reason)
    expect(() => read(address)).not.toThrow('hunter2')
  })

  it('hides all that may be a password', () => {
    expect(shownAddress('postgres://ana:a@b/c@host/bank')).toBe('postgres://***@host/bank')
  })
})

describe('databaseProblems', () => {
  it.each([
    ['postgres://h/b?table=a', '', []],
    ['postgres://h/b', 'SELECT 1', []],
    ['postgres://h/b', '', [/name nothing to read/]],
    ['postgres://h/b?table=a', 'SELECT 1', [/name a table and a query/]],
    ['postgres://h/b?order=a', 'SELECT 1', [/ORDER BY in the query/]],
    [['postgres://h/b?table=a', 'x.csv'], '', [/one address alone/]],
    ['x.csv', 'SELECT 1', [/no postgres:\/\/ address/]],
    ['x.csv', '', []],
  ])('of %s and "%s"', (path, query, problems) => {
    expect(databaseProblems(path, query)).toEqual(problems.map((one) => expect.stringMatching(one)))
  })
})
