import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('the layer table of .dependency-cruiser.mjs', () => {
  it('holds for the whole source', () => {
    expect(violations(ROOT, ['src', 'test'])).toEqual([])
  })

  it('is also read from files whose imports are types only: a type import against the layers is caught', () => {
    const project = fixture({
      'src/features/velocity.ts': 'export interface Velocity { readonly count: number }\n',
      'src/foundation/statistics.ts':
        "import type { Velocity } from '../features/velocity.ts'\nexport const of = (velocity: Velocity) => velocity.count\n",
    })
    expect(violations(project, ['src'])).toEqual(['layer-foundation: src/foundation/statistics.ts'])
  })

  it('catches siblings of one layer that import each other', () => {
    const project = fixture({
      'src/dataset/read.ts': 'export const read = 1\n',
      'src/features/engine.ts': "import { read } from '../dataset/read.ts'\nexport const engine = read\n",
    })
    expect(violations(project, ['src'])).toEqual(['layer-features: src/features/engine.ts'])
  })

  it('catches a cycle', () => {
    const project = fixture({
      'src/foundation/a.ts': "import { b } from './b.ts'\nexport const a = () => b\n",
      'src/foundation/b.ts': "import { a } from './a.ts'\nexport const b = () => a\n",
    })
    expect(violations(project, ['src'])).toEqual(['no-cycles: src/foundation/a.ts'])
  })

  it('catches the file system in a pure layer', () => {
    const project = fixture({
      'src/evaluation/metrics.ts':
        "import { readFileSync } from 'node:fs'\nexport const read = readFileSync\n",
    })
    expect(violations(project, ['src'])).toEqual(['pure-layers: src/evaluation/metrics.ts'])
  })

  it('catches an error table that imports, and who reads it past errors.ts', () => {
    const project = fixture({
      'src/error-table.ts': "import { text } from './foundation/text.ts'\nexport const ERRORS = text\n",
      'src/errors.ts': "export { ERRORS } from './error-table.ts'\n",
      'src/foundation/text.ts': "export const text = ''\n",
      'src/steps/step.ts': "import { ERRORS } from '../error-table.ts'\nexport const step = ERRORS\n",
    })
    expect(violations(project, ['src'])).toEqual([
      'error-table-through-errors: src/steps/step.ts',
      'errors-stand-alone: src/error-table.ts',
      'layer-steps: src/steps/step.ts',
    ])
  })

  it('catches what nobody may do, by the name of the rule', () => {
    const broken = [
      ['one-serving-path', 'serving/score.ts', 'features/feature-engineer.ts'],
      ['decisions-know-no-training', 'decisions/decider.ts', 'pipelines/training/train-step.ts'],
      ['decisions-know-no-promotion', 'decisions/model-source.ts', 'pipelines/promotion/find-version.ts'],
      ['tracking-knows-no-use-case', 'tracking/record-steps.ts', 'pipelines/training/training-outcome.ts'],
      ['promotion-uses-no-second-serving-path', 'pipelines/promotion/serve.ts', 'features/state/encoding.ts'],
    ] as const
    const files = broken.flatMap(([, from, to]) => [
      [
        `src/${from}`,
        `import { it } from '${'../'.repeat(from.split('/').length - 1)}${to}'\nexport const used = it\n`,
      ],
      [`src/${to}`, 'export const it = 1\n'],
    ])
    const found = violations(fixture(Object.fromEntries(files)), ['src'])
    const named = found.filter((violation) => !violation.startsWith('layer-'))
    expect(named).toEqual(broken.map(([rule, from]) => `${rule}: src/${from}`).sort())
  })

  it('catches a folder that has no row', () => {
    const project = fixture({
      'src/errors.ts': 'export const errors = 1\n',
      'src/utils/text.ts': "import { errors } from '../errors.ts'\nexport const text = errors\n",
    })
    expect(violations(project, ['src'])).toEqual(['known-folders: src/utils/text.ts'])
  })
})

const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A project of the given files, removed after the test. */
const fixture = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-layers-'))
  made.push(folder)
  for (const [path, content] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

/** `rule: file` for each violation, as the command line of the rule finds them. */
const violations = (project: string, folders: readonly string[]): readonly string[] => {
  const program = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
  const words = [...folders, '--config', join(ROOT, '.dependency-cruiser.mjs'), '--output-type', 'json']
  const output = execFileSync(process.execPath, [program, ...words], {
    cwd: project,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  const { summary } = JSON.parse(output) as {
    summary: { violations: readonly { rule: { name: string }; from: string }[] }
  }
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort()
}
