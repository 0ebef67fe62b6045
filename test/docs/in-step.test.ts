import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

describe.each([
  ['architecture', 'arquitectura'],
  ['attributes', 'atributos'],
  ['alerts', 'alertas'],
  ['databases', 'bases-de-datos'],
  ['monitoring', 'monitorizacion'],
  ['retraining', 'reentrenamiento'],
  ['performance-monitoring', 'seguimiento-del-rendimiento'],
])('docs/%s.md and docs/%s.md, in Spanish, are in step', (english, spanish) => {
  it.each([
    ['sections', (text: string) => text.match(/^##+ /gm)?.length],
    [
      'entries of the table of contents, one for each section',
      (text: string) => text.match(/^- \[/gm)?.length,
    ],
    ['pictures', (text: string) => text.match(/^```/gm)?.length],
    ['rows in each table', (text: string) => tablesOf(text).map(({ length }) => length)],
    ['folders in the layer table', (text: string) => foldersOf(text)],
    ['source files', (text: string) => [...new Set(text.match(/src\/[\w/.-]+\.ts/g))].sort()],
  ])('it has the same %s', (_, look) => {
    const expected = look(read(`docs/${english}.md`))
    expect(expected).toBeTruthy()
    expect(look(read(`docs/${spanish}.md`))).toEqual(expected)
  })
})

describe('the layer table of docs/architecture.md', () => {
  it('has a row for each rule of .dependency-cruiser.mjs, and no other', () => {
    const rules = [...read('.dependency-cruiser.mjs').matchAll(/folder: '([a-z]+)'/g)].map(([, name]) => name)
    const engines = named('ENGINES')
    const faces = named('FACES')
    expect([...rules, ...engines, ...faces].sort()).toEqual(
      foldersOf(read('docs/architecture.md')).map((folder) => folder.replace('/', '')),
    )
  })
})

describe('docs/decisions/README.md', () => {
  it('has a row for each record, with the date in its name', () => {
    const rows = [...read('docs/decisions/README.md').matchAll(/^\| (\S+) \| \[[^\]]+\]\((\S+)\) \|$/gm)]
    expect(rows.map(([, , file]) => file).sort()).toEqual(
      readdirSync(pathOf('docs/decisions'))
        .filter((name) => name !== 'README.md')
        .sort(),
    )
    for (const [, date = '', file = ''] of rows) expect(file).toMatch(new RegExp(`^${date}-`))
  })
})

describe('docs/glossary.md', () => {
  it('has one row for each word', () => {
    const words = [...read('docs/glossary.md').matchAll(/^\| ([^|]+?) \|/gm)]
      .map(([, word = '']) => word)
      .filter((word) => word !== 'word' && !word.startsWith('---'))
    expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([])
  })
})

describe('files that documents name', () => {
  const documents = [
    ...['README.md', 'README.es.md', 'CONTRIBUTING.md'],
    ...readdirSync(pathOf('docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
  ]
  it.each(documents)('are there: %s', (document) => {
    expect(filesNamedIn(read(document)).filter((path) => !existsSync(pathOf(path)))).toEqual([])
  })

  it('are found', () => {
    expect(filesNamedIn('see `src/nowhere.ts`, and test/laws/no.test.ts')).toEqual([
      'src/nowhere.ts',
      'test/laws/no.test.ts',
    ])
  })
})

function pathOf(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url))
}

const filesNamedIn = (text: string): string[] =>
  text.match(/\b(?:src|test|scripts|bench)\/[\w/.-]+\.(?:ts|mjs|py)\b/g) ?? []

const read = (path: string): string => readFileSync(pathOf(path), 'utf8')

const tablesOf = (text: string): string[][] =>
  [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) => table.trim().split('\n'))

/** Folders that the second column of the layer table names. */
const foldersOf = (text: string): string[] =>
  (tablesOf(text).find(([head]) => /folder|carpeta/.test(head ?? '')) ?? [])
    .flatMap((row) =>
      [...(row.split('|')[2] ?? '').matchAll(/`([a-z]+\/)`/g)].map(([, folder = '']) => folder),
    )
    .sort()

/** Folders that a list of .dependency-cruiser.mjs holds. */
const named = (list: string): string[] =>
  new RegExp(`const ${list} = \\[(.*)\\]`)
    .exec(read('.dependency-cruiser.mjs'))?.[1]
    ?.match(/[a-z]+/g)
    ?.map(String) ?? []
