import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

describe('docs/dependencies.md', () => {
  it.each([
    ['At run time', 'dependencies'],
    ['To develop', 'devDependencies'],
  ] as const)('lists under "%s" exactly the %s of package.json', (heading, kind) => {
    expect(rowsUnder(heading).map(({ name }) => name)).toEqual(Object.keys(manifest[kind]).sort())
  })

  it.each(['At run time', 'To develop'])('gives the licences that the packages declare: "%s"', (heading) => {
    const rows = rowsUnder(heading)
    expect(rows.map(({ name, licence }) => [name, licence])).toEqual(
      rows.map(({ name }) => [name, readJson(`node_modules/${name}/package.json`).license]),
    )
  })
})

interface PackageFile {
  readonly license: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

const readJson = (path: string): PackageFile => JSON.parse(read(path)) as PackageFile

const manifest = readJson('package.json')

/** Package and licence of each row of the table under a heading. */
const rowsUnder = (heading: string): { name: string; licence: string }[] => {
  const section = read('docs/dependencies.md').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm)].map(([, name = '', licence = '']) => ({
    name,
    licence,
  }))
}
