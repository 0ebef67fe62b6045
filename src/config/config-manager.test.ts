import { describe, expect, it } from 'vitest'
import { VigiaError } from '../errors.ts'
import { schemaOf } from './config-file.ts'
import { type ConfigInput, loadServingConfig, loadTrainingConfig } from './config-manager.ts'
import { findProblems } from './find-problems.ts'
import { describeOrigin } from './origin.ts'
import { SERVING_FILE } from './serving-config.ts'
import { settingsOf } from './setting-schema.ts'
import { TRAINING_FILE } from './training-config.ts'

describe('the effective configuration', () => {
  it('is the default of every setting when nothing is said', () => {
    const config = loadTrainingConfig(input())
    expect(config.settings.project).toEqual({ name: 'vigia', seed: 42 })
    expect(config.entries.every(({ origin }) => origin.kind === 'default')).toBe(true)
  })

  it.each([TRAINING_FILE, SERVING_FILE])('has valid defaults, which are not checked again: %#', (file) => {
    const { declared } = file === TRAINING_FILE ? loadTrainingConfig(input()) : loadServingConfig(input())
    expect(findProblems(schemaOf(file), declared, {}, () => ({ kind: 'default' }))).toEqual([])
  })

  it('lets --set win over the environment, that over the file, and that over the default', () => {
    const text = 'project:\n  name: from-file\n  seed: 1\nlabels: {delay: 3d}\n'
    const config = loadTrainingConfig(
      input({
        text,
        environment: { VIGIA_PROJECT__SEED: '2', VIGIA_LABELS__DELAY: '4d' },
        assignments: ['labels.delay=5d'],
      }),
    )
    expect(config.settings.project).toEqual({ name: 'from-file', seed: 2 })
    expect(config.settings.labels.delay).toBe('5d')
  })

  it('knows where each value came from', () => {
    const config = loadTrainingConfig(
      input({
        text: 'project:\n  name: mine\n',
        environment: { VIGIA_PROJECT__SEED: '2' },
        assignments: ['labels.delay=5d'],
      }),
    )
    expect(describeOrigin(config.originOf('project.name'))).toBe('configs/mine.yaml:2')
    expect(describeOrigin(config.originOf('project.seed'))).toBe('environment VIGIA_PROJECT__SEED')
    expect(describeOrigin(config.originOf('labels.delay'))).toBe('--set labels.delay=5d')
    expect(describeOrigin(config.originOf('runs.directory'))).toBe('default')
  })

  it('reads a text as text where text is taken, and as YAML elsewhere', () => {
    const assignments = ['project.name=12', 'features.windows=[1h, 2d]', 'source.path=[a.csv, b.csv]']
    const { declared } = loadTrainingConfig(input({ assignments }))
    expect(declared.project.name).toBe('12')
    expect(declared.features.windows).toEqual(['1h', '2d'])
    expect(declared.source.path).toEqual(['a.csv', 'b.csv'])
  })

  it('starts a path of the file at the folder of the file, and any other at the working directory', () => {
    const text = 'source:\n  path: [../data/a.csv, /absolute/b.csv]\n'
    const config = loadTrainingConfig(input({ text }))
    expect(config.settings.source.path).toEqual(['/project/data/a.csv', '/absolute/b.csv'])
    expect(config.settings.runs.directory).toBe('/work-place/runs')
    expect(config.declared.runs.directory).toBe('runs')
  })

  it.each([TRAINING_FILE, SERVING_FILE])('knows each setting that names files or a folder: %#', (file) => {
    const named = settingsOf(schemaOf(file))
      .filter(({ schema }) => /^(JSON file|PEM file|File|Folder)\b/.test(schema.description ?? ''))
      .map(({ path }) => path.join('.'))
    expect(file.paths).toEqual(expect.arrayContaining(named))
    expect(named.length).toBeGreaterThan(3)
  })

  it('starts keys and certificates of the server at the folder of the file too', () => {
    const text = 'security: {keys: keys.json, tls_key: secret/key.pem, tls_certificate: /etc/tls.pem}\n'
    const { security } = loadServingConfig(input({ text })).settings
    expect(security.keys).toBe('/project/configs/keys.json')
    expect(security.tls_key).toBe('/project/configs/secret/key.pem')
    expect(security.tls_certificate).toBe('/etc/tls.pem')
    const given = loadServingConfig(input({ assignments: ['security.keys=keys.json'] })).settings
    expect(given.security.keys).toBe('/work-place/keys.json')
  })

  it('takes a section with nothing under it as all defaults', () => {
    expect(loadTrainingConfig(input({ text: 'project:\n' })).settings.project.seed).toBe(42)
  })

  it('leaves the variables of the other file and of Kubernetes alone', () => {
    const environment = { VIGIA_API__PORT: '9000', VIGIA_API_PORT: 'tcp://10.0.0.1:80' }
    expect(() => loadTrainingConfig(input({ environment }))).not.toThrow()
    expect(loadServingConfig(input({ environment })).settings.api.port).toBe(9000)
  })
})

describe('a problem in the configuration', () => {
  it.each([
    [
      'an unknown key',
      { text: 'project:\n  name: a\n  sede: 3\n' },
      'configs/mine.yaml:3 project.sede: unknown setting. Allowed here: name, seed. Did you mean "seed"?',
    ],
    ['a key in the wrong section', { text: 'memory_limit: 1GB\n' }, 'Did you mean "resources.memory_limit"?'],
    [
      'a wrong type',
      { text: 'project:\n  seed: many\n' },
      'configs/mine.yaml:2 project.seed: allowed: a whole number from 0 to 4294967295; got the text "many".',
    ],
    [
      'a value out of range, with its unit',
      { text: 'resources: {threads: -1}\n' },
      'configs/mine.yaml:1 resources.threads: allowed: a whole number from 0 to 1024 (unit: threads); got the number -1.',
    ],
    [
      'a word that is not among those allowed',
      { text: 'source: {format: cvs}\n' },
      'source.format: allowed: one of auto, csv, parquet, json; got the text "cvs".',
    ],
    [
      'an item of a list',
      { text: 'source:\n  path:\n    - a.csv\n    - 7\n' },
      'configs/mine.yaml:4 source.path.1: allowed: text that is not empty; got the number 7.',
    ],
    [
      'something else than a duration',
      { assignments: ['labels.delay=7'] },
      '--set labels.delay=7 labels.delay: allowed: a duration such as 7d, 1h, 30m or 90s; got the text "7".',
    ],
    [
      'an empty value',
      { text: 'project:\n  seed:\n' },
      'project.seed: allowed: a whole number from 0 to 4294967295; got nothing (an empty value).',
    ],
    [
      'an unknown variable',
      { environment: { VIGIA_PROJECT__SEDE: '1' } },
      'environment variable VIGIA_PROJECT__SEDE names no setting. Did you mean VIGIA_PROJECT__SEED?',
    ],
    [
      'a variable with a single underscore',
      { environment: { VIGIA_PROJECT_SEED: '1' } },
      'environment variable VIGIA_PROJECT_SEED names no setting. Did you mean VIGIA_PROJECT__SEED?',
    ],
    [
      'a wrong value of a variable',
      { environment: { VIGIA_PROJECT__SEED: 'x' } },
      'environment VIGIA_PROJECT__SEED project.seed: allowed: a whole number',
    ],
    [
      'an unknown path after --set',
      { assignments: ['project.sed=1'] },
      '--set project.sed=1: "project.sed" is no setting. Did you mean project.seed?',
    ],
    [
      'an entry of a mapping after --set',
      { assignments: ['features.derived.half=amount / 2'] },
      '"features.derived.half" is no setting. features.derived is one setting: --set \'features.derived={...}\' replaces all of it',
    ],
    [
      'a part of what is no mapping after --set',
      { assignments: ['project.seed.x=1'] },
      'is no setting. Did you mean project.seed?',
    ],
    ['--set without a value', { assignments: ['project.seed'] }, 'expected <path>=<value>'],
    [
      'a file that is no mapping',
      { text: '- a\n- b\n' },
      'the file: allowed: a mapping with the keys project,',
    ],
  ])('names place, path, what is allowed and what came: %s', (_, given, sentence) => {
    expect(failureOf(given).message).toContain(sentence)
  })

  it('does not hide the others: all are told at once', () => {
    const { message } = failureOf({
      text: 'project:\n  seed: many\n  nmae: a\n',
      environment: { VIGIA_X__Y: '1' },
      assignments: ['no.where=1'],
    })
    expect(message).toMatch(/^configs\/mine\.yaml has 4 problems:/)
  })

  it('has exit code 2 and a next step', () => {
    const failure = failureOf({ text: 'sede: 1\n' })
    expect([failure.code, failure.exitCode]).toEqual(['CONFIG_INVALID', 2])
    expect(failure.fix).toContain('docs/configuration.md')
  })
})

describe('YAML that cannot be read', () => {
  it('is named with line and column', () => {
    expect(failureOf({ text: 'project:\n  name: "open\n' }).message).toMatch(
      /^configs\/mine\.yaml:\d+:\d+ is no valid YAML/,
    )
  })

  it('includes a key that is written twice, since one of them would be lost', () => {
    expect(failureOf({ text: 'labels: {}\nlabels: {}\n' }).message).toContain('configs/mine.yaml:2:1')
  })
})

interface Given {
  readonly text?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly assignments?: readonly string[]
}

const input = ({ text, environment = {}, assignments = [] }: Given = {}): ConfigInput => ({
  ...(text !== undefined && { file: { name: 'configs/mine.yaml', directory: '/project/configs', text } }),
  environment,
  assignments,
  workingDirectory: '/work-place',
})

const failureOf = (given: Given): VigiaError => {
  try {
    loadTrainingConfig(input(given))
  } catch (error) {
    if (error instanceof VigiaError) return error
    throw error
  }
  throw new Error('expected a VigiaError')
}
