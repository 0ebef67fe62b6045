import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

describe('vigia as a process', () => {
  it('shows effective values with their origin, and no colours into a pipe', () => {
    const { status, stdout } = vigia(['config', 'show', 'project'], { VIGIA_PROJECT__SEED: '7' })
    expect(status).toBe(0)
    expect(stdout).toBe(
      'project.name  "vigia"  default\nproject.seed  7        environment VIGIA_PROJECT__SEED\n',
    )
  })

  it('shows no secret, as text or as JSON', () => {
    const words = ['config', 'show', 'control_sample', '--kind', 'serving', '--set']
    for (const more of [[], ['--json']]) {
      const { status, stdout } = vigia([...words, 'control_sample.salt=4f1c9e', ...more])
      expect([status, stdout.includes('4f1c9e'), stdout.includes('(hidden)')]).toEqual([0, false, true])
    }
  })

  it('tells what the features cost, entity by entity, and of nothing less than a configuration', () => {
    const config = join(temporaryFolder(), 'costly.yaml')
    writeFileSync(config, 'entities:\n  ip: { id: location, features: [counts], windows: [1h] }\n')
    const { status, stdout } = vigia(['config', 'show', '--cost', '--json', '--config', config])
    const { costs, total } = JSON.parse(stdout)
    expect(status).toBe(0)
    expect(costs.map(({ source }: { source: string }) => source)).toEqual([
      'transaction',
      'user',
      'merchant',
      'device',
      'ip',
    ])
    expect(costs[4]).toMatchObject({ features: 1, state: { perValue: 0, perTransaction: 24 } })
    for (const { microseconds } of costs) expect(microseconds).toBeGreaterThan(0)
    expect(total.features).toBeGreaterThan(100)
    const refused = vigia(['config', 'show', 'features', '--cost'])
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('--cost is of the whole')])
  })

  it('answers a wrong command with a suggestion and exit code 2', () => {
    const { status, stderr, stdout } = vigia(['confg'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain('CLI_UNKNOWN_COMMAND')
    expect(stderr).toContain('Did you mean config?')
  })

  it.each([
    ['a missing file', 'nowhere.yaml', 'there is no such file'],
    ['a directory', '.', 'it is a directory, expected a YAML file'],
    ['unreadable YAML', 'broken.yaml', 'broken.yaml:2:1 is no valid YAML'],
    ['bytes that are no text', 'binary.yaml', 'it is not UTF-8 text'],
  ])('refuses a configuration that is %s with exit code 2', (_, file, sentence) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'broken.yaml'), 'project: [1, 2\n')
    writeFileSync(join(folder, 'binary.yaml'), Buffer.from([0xff, 0xfe, 0x00, 0x80]))
    const { status, stderr } = vigia(['config', 'validate', '--config', join(folder, file), '--json'])
    expect(status).toBe(2)
    expect(JSON.parse(stderr).error.message).toContain(sentence)
  })

  it('finds this machine fit', () => {
    const { status, stdout } = vigia(['doctor', '--json'])
    const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string }[] }
    expect(findings.filter((finding) => finding.status === 'fail')).toEqual([])
    expect(findings.map(({ check }) => check)).toContain('DuckDB')
    expect(status).toBe(0)
  })
})

describe('bin/vigia.mjs', () => {
  it('says what to do when it is neither built nor can be', () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'bin'))
    copyFileSync(join(ROOT, 'bin/vigia.mjs'), join(folder, 'bin/vigia.mjs'))
    const { status, stderr } = spawnSync(process.execPath, [join(folder, 'bin/vigia.mjs')], {
      encoding: 'utf8',
    })
    expect(status).toBe(2)
    expect(stderr).toContain('Next step: run `npm ci && npm run build`')
  })
})

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-command-line-'))
  made.push(folder)
  return folder
}

/**
 * The program as it is installed where `npm test` has just built it, otherwise its sources: never an old
 * build.
 */
const PROGRAM =
  process.env['VIGIA_BUILT_WORKERS'] === 'true' ? ['bin/vigia.mjs'] : ['--import', 'tsx', 'src/main.ts']

const vigia = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  spawnSync(process.execPath, [...PROGRAM, ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...environment },
  })
