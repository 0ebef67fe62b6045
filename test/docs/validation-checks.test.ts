import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MAPPING_MACROS } from '../../src/dataset/mapping-macros.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOCUMENT = readFileSync(join(ROOT, 'docs/validation.md'), 'utf8')

it('the document on validation has every check of the code, and no other', () => {
  const files = [
    'validate-dataset.ts',
    'read-checks.ts',
    'source-checks.ts',
    'amount-checks.ts',
    'attribute-checks.ts',
    'tables/table-checks.ts',
  ]
  const source = files.map((file) => readFileSync(join(ROOT, 'src/dataset', file), 'utf8')).join('\n')
  const ids = [...source.matchAll(/(?:\bid: |outlier\()['`]([a-z_]+\.[^'`]+)['`]/g)].map(([, id]) =>
    id!.replace(/\$\{name\}\./, '<name>.').replace(/\$\{[\w.]+\}$/, '<column>'),
  )
  const rows = DOCUMENT.split('\n').filter((line) =>
    /^\| `[a-z_]+\.[^(]+\| (error|warning|info) \|/.test(line),
  )
  const told = rows.flatMap((line) => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, id]) => id!))
  const known = told.map((id) => (id.startsWith('entities.') ? 'entities.<column>' : id))
  expect([...new Set(known)].sort()).toEqual([...new Set(ids)].sort())
})

it('the document on validation has every macro', () => {
  for (const { signature } of MAPPING_MACROS) expect(DOCUMENT).toContain(`\`${signature}\``)
})
