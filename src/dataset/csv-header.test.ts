import { describe, expect, it } from 'vitest'
import { parseHeader } from './csv-header.ts'

describe('the columns of a header', () => {
  it('says which names were taken, where they stand and how they are used', () => {
    const header = 'Timestamp,From Bank,Account,To Bank,Account,Amount Received'
    expect(parseHeader(header, ',', '"')).toEqual({
      columns: ['Timestamp', 'From Bank', 'Account', 'To Bank', 'Account_2', 'Amount Received'],
      renamed: [{ header: 'Account', place: 5, name: 'Account_2' }],
    })
  })

  it('gives no name twice: not in another case, not where the new name is taken too', () => {
    expect(parseHeader('a,A,a_2,,column4', ',', '"')).toEqual({
      columns: ['a', 'A_2', 'a_2_2', 'column4', 'column4_2'],
      renamed: [
        { header: 'A', place: 2, name: 'A_2' },
        { header: 'a_2', place: 3, name: 'a_2_2' },
        { header: 'column4', place: 5, name: 'column4_2' },
      ],
    })
  })

  it('names fifty thousand equal ones apart', () => {
    const { columns } = parseHeader(Array(50_000).fill('a').join(','), ',', '"')
    expect(new Set(columns).size).toBe(50_000)
    expect(columns.at(-1)).toBe('a_50000')
  })
})
