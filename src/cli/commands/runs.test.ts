import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStore } from '../../adapters/files/file-store.ts'
import type { TrackingStore } from '../../ports/tracking-store.ts'
import type { Output } from '../command.ts'
import { runProgram } from '../program.ts'
import { runsCommand } from './runs.ts'
import { NOON_MS, type TrackedBank, trackBank } from './tracked-runs/tracked-bank.test-kit.ts'

describe('vigia runs list', () => {
  test('has the latest run first, with its model, figures and version', async () => {
    const { stdout } = await runs(['list'])
    const [title, , head, ...rows] = stdout.trimEnd().split('\n')
    expect(title).toBe('vigia in mlruns; figures are those on test')
    expect(head).toMatch(/^run +name +status +started \(UTC\) +duration +best model +ROC-AUC/)
    expect(rows).toEqual([
      expect.stringMatching(/^[0-9a-f]{8} {2}nightly {2}FAILED {4}2026-11-23 06:41 {2}0\.9 s$/),
      expect.stringMatching(
        /^[0-9a-f]{8} {2}vigia +FINISHED {2}2026-11-23 05:41 {2}4 min 12 s +gradient_boosting +0\.9610 +0\.7280 {2}1 production$/,
      ),
      expect.stringMatching(
        /vigia +FINISHED {2}2026-11-23 04:41 {2}4\.2 s +logistic_regression +0\.8940 +0\.5210$/,
      ),
    ])
  })

  test('with --all has the runs within a run below it, in the order they began', async () => {
    const { stdout } = await runs(['list', '--all', '--limit', '2'])
    const names = stdout.split('\n').flatMap((line) => /^[0-9a-f]{8} {2}( *\w+)/.exec(line)?.[1] ?? [])
    expect(names).toHaveLength(4)
    expect(names.slice(0, 2)).toEqual(['nightly', 'vigia'])
    expect(names.slice(2).sort()).toEqual(['  gradient_boosting', '  random_forest'])
  })

  test.each([
    ['status', ['--status', 'FAILED'], ['failed']],
    ['status, with the runs within', ['--status', 'FAILED', '--all'], ['failed']],
    ['tag', ['--tag', 'vigia.model=gradient_boosting'], ['second']],
    ['parameter as people write it', ['--param', 'features.time_zone=Europe/Madrid'], ['second']],
    ['parameter as it is recorded', ['--param', 'features.time_zone="UTC"'], ['first']],
    ['number', ['--param', 'project.seed=7', '--status', 'FINISHED'], ['second']],
    ['limit', ['--limit', '2'], ['failed', 'second']],
    ['what no run has', ['--param', 'project.seed=8'], []],
  ] as const)('selects by %s', async (_, options, names) => {
    const answer = await json(['list', ...options])
    expect(idsOf(answer)).toEqual(names.map((name) => bank[name].id))
  })

  test('turns pages until it has as many as asked for', async () => {
    const answer = await json(['list'], { store: inPagesOfOne(store) })
    expect(idsOf(answer)).toEqual([bank.failed.id, bank.second.id, bank.first.id])
  })

  test('on a narrow terminal gives each run two lines instead of one that is too long', async () => {
    const { stdout } = await runs(['list'], { isTerminal: true })
    expect(stdout).toContain('\n          logistic_regression, ROC-AUC 0.8940, avg. prec. 0.5210\n')
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('of an empty store says what to do next', async () => {
    const { stdout, exitCode } = await runs(['list', '--set', 'project.name=other'])
    expect([exitCode, stdout]).toEqual([
      0,
      'No runs are recorded yet in the experiment other in mlruns.\n\nnext         npx vigia run\n',
    ])
    expect(await json(['list', '--set', 'project.name=other'])).toMatchObject({ runs: [] })
  })

  test('of an experiment that was named and is not there is an error', async () => {
    expect((await runs(['list', '--experiment', 'other'])).stderr).toMatch(
      /^TRACKING_NOT_FOUND: mlruns has no experiment other\n/,
    )
  })
})

describe('vigia runs show', () => {
  test('has figures by part with their intervals, parameters, tags, inputs, artifacts and the runs within', async () => {
    const { stdout } = await runs(['show', bank.second.id])
    for (const line of [
      /^run {9}[0-9a-f]{32}$/m,
      /^ended {7}2026-11-23 05:45 UTC, after 4 min 12 s$/m,
      /^best model {2}gradient_boosting, by ROC-AUC$/m,
      /^version {5}fraud-detector 1 production$/m,
      /^ +test +validation$/m,
      /^ {2}roc_auc +0\.9610 {2}\(0\.9440 to 0\.9780\) +0\.9680$/m,
      /^ {2}gradient_boosting\.validation\.log_loss {2}0\.0402 {2}step 300$/m,
      /^ {2}features\n {4}time_zone +"Europe\/Madrid"$/m,
      /^ {2}test {2}transactions\.csv {2}bbb222 {2}local {2}12000 rows$/m,
      /^ {2}reports\/\n {4}evaluation\.html {2}12\.3 kB$/m,
      /^ {2}[0-9a-f]{8} {2}random_forest +FINISHED +ROC-AUC on test 0\.9500$/m,
    ])
      expect(stdout).toMatch(line)
  })

  test('leaves out settings that have their default and the machine, until asked for all', async () => {
    const less = (await runs(['show', bank.first.id])).stdout
    expect(less).toContain('parameters other than the default (2 more with --all)')
    expect(less).not.toMatch(/seed +42/)
    expect((await runs(['show', bank.first.id, '--all'])).stdout).toMatch(/seed +42/)
    expect((await runs(['show', bank.second.id])).stdout).toContain('and 1 of the machine (--all)')
    expect((await runs(['show', bank.second.id, '--all'])).stdout).toContain('system/memory')
  })

  test('lets no recorded text steer the terminal', async () => {
    const { stdout } = await runs(['show', bank.second.id], { isTerminal: true })
    expect(stdout).toContain('few frauds \u{fffd}[31mred')
    expect(stdout).not.toContain('\u001b')
  })

  test('draws a sparkline of what has a history, on a terminal', async () => {
    const { stdout } = await runs(['show', bank.second.id], { isTerminal: true })
    expect(stdout).toMatch(/log_loss {2}0\.0402 {2}step 300 {2}█▆▅▄▃▂▂▂▂▁+$/m)
  })

  test('finds a run by its id, its first digits, its name, and `latest`', async () => {
    const ids = [bank.second.id, bank.second.id.slice(0, 12), 'random_forest', 'nightly', 'latest']
    const found = await Promise.all(ids.map((id) => json(['show', id])))
    expect(found.map((run) => (run as { name: string }).name)).toEqual([
      ...['vigia', 'vigia', 'random_forest', 'nightly', 'nightly'],
    ])
  })

  test('asks which run is meant when it may be several', async () => {
    const { stderr, exitCode } = await runs(['show', 'vigia'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('TRACKING_RUN_AMBIGUOUS: "vigia" may be any of 2 runs in mlruns: ')
    expect(stderr).toContain(`${bank.first.id.slice(0, 12)} (vigia, 2026-11-23 04:41)`)
  })

  test.each([
    [
      'a name with a mistake',
      'nightli',
      'mlruns has no run "nightli" in the experiment vigia; the nearest is nightly',
    ],
    [
      'an id that nothing is like',
      'zzzzzzzzzzzz',
      'mlruns has no run "zzzzzzzzzzzz" in the experiment vigia\n',
    ],
    ['a whole id that is none', '0'.repeat(32), 'TRACKING_NOT_FOUND'],
  ])('says so when there is no such run: %s', async (_, text, sentence) => {
    expect((await runs(['show', text])).stderr).toContain(sentence)
  })
})

describe('vigia runs show --metric', () => {
  const key = 'gradient_boosting.validation.log_loss'

  test('is a chart of the history on a terminal, with its ends and its extremes', async () => {
    const { stdout } = await runs(['show', 'gradient', '--metric', 'test.roc_auc'])
    expect(stdout).toBe('')
    const chart = (await runs(['show', bank.second.id, '--metric', key], { isTerminal: true })).stdout
    expect(chart).toMatch(/^ {3}0\.34 ┤⢣$/m)
    expect(chart).toMatch(/^ +1 +step +300$/m)
    expect(chart).toMatch(/^smallest {2}0\.0402 {2}at step 300$/m)
  })

  test('has no Braille where the terminal has none', async () => {
    const environment = { LANG: 'C' }
    const { stdout } = await runs(['show', bank.second.id, '--metric', key], {
      isTerminal: true,
      environment,
    })
    expect(stdout).toMatch(/^ {3}0\.34 \|\*/m)
    expect(stdout).not.toMatch(/[^\n -~]/)
  })

  test('elsewhere is a line for each value', async () => {
    const lines = (await runs(['show', bank.second.id, '--metric', key])).stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(300)
    expect(lines[0]).toBe('1\t0.33999999999999997')
  })

  test('of one value tells it, without a chart', async () => {
    const shown = await runs(['show', bank.second.id, '--metric', 'test.roc_auc'], { isTerminal: true })
    expect(shown.stdout).toMatch(/^test\.roc_auc of run .*\n\nonly value {2}0\.9610 {2}at step 0\n$/)
  })

  test('as JSON has NaN and infinities as texts', async () => {
    const values = [Number.NaN, Number.NEGATIVE_INFINITY, 0.5]
    const metrics = values.map((value, step) => ({ key: 'odd', value, step, timestampMs: NOON_MS }))
    await store.tracker.logEntries(bank.failed.id, { metrics })
    expect(await json(['show', bank.failed.id, '--metric', 'odd'])).toMatchObject({
      values: [{ value: 'NaN' }, { value: '-Infinity' }, { value: 0.5 }],
    })
    const { stdout } = await runs(['show', bank.failed.id, '--metric', 'odd'], { isTerminal: true })
    expect(stdout).toContain('not drawn as a line       2  1 NaN, 1 infinite')
  })

  test('names the nearest when the run has no such metric', async () => {
    const { stderr } = await runs(['show', bank.second.id, '--metric', 'test.roc_au'])
    expect(stderr).toContain('mlruns has no metric "test.roc_au" in run')
    expect(stderr).toContain('; the nearest is test.roc_auc\n')
  })
})

describe('vigia runs compare', () => {
  test('has the parameters that differ, and the metrics with their differences and the best of them', async () => {
    const { stdout } = await runs(['compare', bank.first.id, bank.second.id])
    expect(stdout).toMatch(/^ {2}features\.time_zone {2}"UTC" +"Europe\/Madrid"$/m)
    expect(stdout).toMatch(/^ {2}test\.roc_auc +0\.8940 +\* 0\.9610 +\+0\.0670$/m)
    expect(stdout).toMatch(/^ {2}test\.log_loss +0\.0512 +\* 0\.0398 +-0\.0114$/m)
  })

  test('calls no count and no property of the data better', async () => {
    const answer = await json(['compare', bank.first.id, bank.second.id])
    expect(answer).toMatchObject({
      params: { 'project.seed': ['42', '7'] },
      metrics: {
        'test.roc_auc': { values: [0.894, 0.961], best: [bank.second.id] },
        'test.frauds': { values: [120, 131], best: [] },
        'validation.roc_auc': { values: [null, 0.968], best: [] },
      },
    })
  })

  test('warns when the runs were not tested on the same rows; a run without data is no reason', async () => {
    const warning = 'the runs have different test rows'
    expect((await runs(['compare', bank.first.id, bank.second.id])).stdout).toContain(warning)
    expect((await runs(['compare', bank.first.id, bank.failed.id])).stdout).not.toContain(warning)
  })

  test('on a narrow terminal sets the first run beside as many others as fit, again and again', async () => {
    const ids = [bank.first.id, bank.second.id, bank.failed.id]
    const { stdout } = await runs(['compare', ...ids], { isTerminal: true })
    expect(stdout.match(/parameters that differ/g)).toHaveLength(2)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('takes two runs at least, and list none', async () => {
    expect((await runs(['compare', 'latest'])).stderr).toContain('compare takes 2 to 20 runs, got 1')
    expect((await runs(['list', 'latest'])).stderr).toContain('list takes no runs, got 1')
    expect((await runs(['show'])).stderr).toContain('show takes 1 run, got 0')
  })
})

let folder: string
let store: TrackingStore
let bank: TrackedBank

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigia-runs-'))
  await writeFile(join(folder, 'evaluation.html'), 'x'.repeat(12_345))
  store = createFileStore({
    folder: join(folder, 'mlruns'),
    location: 'mlruns',
    now: () => NOON_MS,
    owner: { processId: process.pid, host: 'here', isAlive: () => true },
  })
  bank = await trackBank(store, join(folder, 'evaluation.html'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Asked {
  readonly isTerminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly store?: TrackingStore
}

const runs = async (
  words: readonly string[],
  { isTerminal = false, environment = { LANG: 'es_ES.UTF-8' }, store: asked = store }: Asked = {},
) => {
  const written = { stdout: '', stderr: '' }
  const output = (stream: keyof typeof written): Output => ({
    isTerminal,
    columns: 80,
    write: (text) => {
      written[stream] += text
    },
  })
  const exitCode = await runProgram(['runs', ...words], [runsCommand({ openTrackingStore: () => asked })], {
    version: '0.0.0',
    stdout: output('stdout'),
    stderr: output('stderr'),
    environment: { ...environment, NO_COLOR: '1' },
    workingDirectory: folder,
    signal: new AbortController().signal,
    world: { monotonicMs: () => 0 },
  })
  return { ...written, exitCode }
}

const json = async (words: readonly string[], asked: Asked = {}): Promise<unknown> =>
  JSON.parse((await runs([...words, '--json'], asked)).stdout)

const idsOf = (answer: unknown): string[] =>
  (answer as { readonly runs: readonly { readonly id: string }[] }).runs.map(({ id }) => id)

const inPagesOfOne = ({ tracker, registry }: TrackingStore): TrackingStore => ({
  registry,
  tracker: { ...tracker, searchRuns: (query) => tracker.searchRuns({ ...query, pageSize: 1 }) },
})
