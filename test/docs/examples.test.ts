import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

/**
 * Documents are held to what they say. A fenced block after the line `<!-- run -->` is run, from the top, in
 * an empty folder that holds the project's `examples` and `configs`:
 *
 * - `sh`: each line `npx vigia ...` through `bin/vigia.mjs`; it must end with exit code 0, or with that of `#
 *   exit code N`.
 * - `ts`: as a module, where `vigia` is the public table of contents and `vigia/testing` the kit for tests.
 *   What `// …` after an expression statement says is its value.
 *
 * Blocks of one document share a folder, so that one can use what an earlier one made.
 */
const RUN = /<!-- run -->\n+```(sh|ts)\n([\s\S]*?)```/g

describe('what documents tell to run', () => {
  const documents = markdownFiles().filter((path) => readText(path).includes('<!-- run -->\n'))

  it('is there', () => {
    expect(documents).toContain('README.md')
  })

  it.each(documents)('works: %s', (path) => {
    const folder = workingFolder()
    for (const [, language, code = ''] of readText(path).matchAll(RUN))
      if (language === 'sh') runCommands(code, folder)
      else runModule(code, folder)
  })

  it('is the same in Spanish: README.es.md has the commands of README.md', () => {
    const commandsOf = (path: string) => readText(path).match(/^(npm|npx) [^#\n]*\S/gm)
    expect(commandsOf('README.es.md')).toEqual(commandsOf('README.md'))
  })

  it.each(['README.md', 'README.es.md'])('%s tells of every command', (path) => {
    const { stdout } = run([join(ROOT, 'bin/vigia.mjs'), '--help'], ROOT)
    const commands = [
      ...(/\nCommands:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? '').matchAll(/^ {2}([a-z]+) /gm),
    ].map(([, name]) => name)
    const told = [...readText(path).matchAll(/^\| `vigia ([a-z]+)` \|/gm)].map(([, name]) => name)
    expect(commands).toContain('run')
    expect(told).toEqual(commands.filter((name) => name !== 'help'))
  })
})

it('an own state store keeps the laws: examples/own-state-store', () => {
  const laws = join(ROOT, 'examples/own-state-store/file-state-store.laws.ts')
  const { status, stdout } = run(['--import', 'tsx', '--test', '--test-reporter=tap', laws], ROOT)
  expect(stdout).toMatch(/^# pass \d\d$/m)
  expect(stdout).toMatch(/^# skipped 0$/m)
  expect(status).toBe(0)
})

describe('links', () => {
  it.each(markdownFiles())('lead somewhere: %s', (path) => {
    expect(linksOf(path).filter((link) => !leadsSomewhere(path, link))).toEqual([])
  })

  it('that are broken are found', () => {
    expect(leadsSomewhere('README.md', 'docs/nowhere.md')).toBe(false)
    expect(leadsSomewhere('docs/runs.md', '#no-such-heading')).toBe(false)
    expect(leadsSomewhere('docs/runs.md', '../CONTRIBUTING.md#a-feature')).toBe(true)
  })
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every Markdown file of the project, relative to its root. */
function markdownFiles(): string[] {
  const skipped = new Set(['node_modules', 'dist', 'runs', 'data', 'coverage'])
  const visit = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      if (entry.name.startsWith('.') || skipped.has(entry.name)) return []
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return visit(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
  return visit('').sort()
}

const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const workingFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-documents-'))
  made.push(folder)
  for (const name of ['examples', 'configs', 'node_modules', 'package.json'])
    symlinkSync(join(ROOT, name), join(folder, name))
  return folder
}

const runCommands = (code: string, folder: string): void => {
  for (const line of code.split('\n')) {
    const command = /^npx vigia (.*?)(?:\s+# .*?(?:exit code (\d+).*)?)?$/.exec(line.trim())
    if (command === null) continue
    const [, words = '', exitCode = '0'] = command
    const result = run([join(ROOT, 'bin/vigia.mjs'), ...splitWords(words)], folder)
    expect([line, result.status, result.status === Number(exitCode) ? '' : result.stderr]).toEqual([
      line,
      Number(exitCode),
      '',
    ])
  }
}

/** As a shell would, as far as documents need it. */
const splitWords = (text: string): string[] =>
  [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  )

const runModule = (code: string, folder: string): void => {
  const source = code
    .replace(/from 'vigia'/g, `from '${join(ROOT, 'src/index.ts')}'`)
    .replace(/from 'vigia\/testing'/g, `from '${join(ROOT, 'src/testing/index.ts')}'`)
    .replace(/^(?!import|const|\/\/)(\S.*?) +\/\/ (.*)$/gm, '__check($1, $2)')
  const file = join(folder, 'example.mts')
  writeFileSync(
    file,
    `import { deepStrictEqual } from 'node:assert'\nconst __check = (a: unknown, b: unknown) => deepStrictEqual(a, b)\n${source}`,
  )
  const { status, stderr } = run(['--import', 'tsx', file], folder)
  expect([status, stderr]).toEqual([0, ''])
}

const run = (words: readonly string[], folder: string) =>
  spawnSync(process.execPath, words, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1' },
  })

/** Targets of links and pictures outside of code, without those of the web. */
const linksOf = (path: string): string[] =>
  [...withoutCode(readText(path)).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
    .map(([, markdown, html]) => markdown ?? html ?? '')
    .filter((link) => !/^(https?|mailto):/.test(link))

const withoutCode = (text: string): string => text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')

const leadsSomewhere = (from: string, link: string): boolean => {
  const [file = '', heading] = link.split('#')
  const target = file === '' ? from : relative(ROOT, join(ROOT, dirname(from), file))
  if (!existsSync(join(ROOT, target))) return false
  return heading === undefined || headingsOf(readText(target)).includes(heading)
}

/** Anchors as GitHub makes them. */
const headingsOf = (text: string): string[] =>
  [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
