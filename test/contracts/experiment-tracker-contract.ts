import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  DatasetInput,
  Experiment,
  ExperimentTracker,
  Metric,
  TrackedRun,
} from '../../src/ports/experiment-tracker.ts'

/**
 * The laws of `ExperimentTracker`, run over an implementation. `open` gives a handle on the same store each
 * time: the suite opens two, as two processes would.
 */
export const experimentTrackerContract = (name: string, open: () => Promise<ExperimentTracker>): void => {
  describe(`${name} keeps the laws of an experiment tracker`, () => {
    let tracker: ExperimentTracker
    let other: ExperimentTracker
    let experiment: Experiment
    const folder = mkdtempSync(join(tmpdir(), 'vigia-tracker-'))
    beforeAll(async () => {
      tracker = await open()
      other = await open()
      experiment = await tracker.createExperiment(unique('runs'))
    })
    afterAll(async () => {
      await tracker.close()
      await other.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const startRun = (tags = {}): Promise<TrackedRun> =>
      tracker.createRun({ experimentId: experiment.id, name: 'a run', startTimeMs: START, tags })
    const fileWith = (name: string, content: string | Uint8Array): string => {
      const path = join(folder, `${randomUUID()}-${name}`)
      writeFileSync(path, content)
      return path
    }

    describe('experiments', () => {
      test('are found by their names, with their tags, by every process', async () => {
        const name = unique(`/Prüfung: 検出's "50%"`)
        const made = await tracker.createExperiment(name, { 'team/owner': 'Ada' })
        expect(made.name).toBe(name)
        const found = await other.findExperiment(name)
        expect([found?.id, found?.name, found?.tags['team/owner']]).toEqual([made.id, name, 'Ada'])
        expect(await other.findExperiment(unique('none'))).toBeUndefined()
      })

      test('have a name each: a second one is refused', async () => {
        await expect(other.createExperiment(experiment.name)).rejects.toMatchObject({
          code: 'TRACKING_EXPERIMENT_EXISTS',
        })
      })

      test('of ten who create one name at once, one succeeds, and its tags are there', async () => {
        const name = unique('contested')
        const outcomes = await Promise.allSettled(
          tenOf((i) => (i % 2 ? tracker : other).createExperiment(name, { writer: String(i) })),
        )
        expect(codesOf(outcomes)).toEqual(Array(9).fill('TRACKING_EXPERIMENT_EXISTS'))
        const found = await tracker.findExperiment(name)
        expect(found?.tags['writer']).toBe(String(outcomes.findIndex(({ status }) => status === 'fulfilled')))
      })

      test('are renamed, and of ten renamed to one name at once, one is', async () => {
        const name = unique('goal')
        const made = await Promise.all(tenOf(() => tracker.createExperiment(unique('start'))))
        const outcomes = await Promise.allSettled(
          made.map(({ id }, i) => (i % 2 ? tracker : other).renameExperiment(id, name)),
        )
        expect(codesOf(outcomes)).toEqual(Array(9).fill('TRACKING_EXPERIMENT_EXISTS'))
        const winner = made[outcomes.findIndex(({ status }) => status === 'fulfilled')]!
        expect((await other.findExperiment(name))?.id).toBe(winner.id)
        expect(await other.findExperiment(winner.name)).toBeUndefined()
      })

      test.each(['', ' padded', 'two\nlines', 'x'.repeat(251)])('the name %j is refused', async (name) => {
        await expect(tracker.createExperiment(name)).rejects.toMatchObject({ code: 'TRACKING_NAME_INVALID' })
      })
    })

    describe('runs', () => {
      test('begin as RUNNING, and everybody reads what was written', async () => {
        const run = await tracker.createRun({
          experimentId: experiment.id,
          name: 'forêt 🌲',
          startTimeMs: START,
          tags: { 'vigia.kind': 'training' },
        })
        expect(run.id).toMatch(/^[0-9a-f]{32}$/)
        const read = await other.getRun(run.id)
        expect(read).toMatchObject({
          id: run.id,
          experimentId: experiment.id,
          name: 'forêt 🌲',
          status: 'RUNNING',
          startTimeMs: START,
          params: {},
          metrics: {},
        })
        expect(read.endTimeMs).toBeUndefined()
        expect(read.tags['vigia.kind']).toBe('training')
        expect(read.tags['mlflow.runName']).toBe('forêt 🌲')
      })

      test('end, and go on', async () => {
        const { id } = await startRun()
        await tracker.setRunStatus(id, 'FAILED', START + 5000)
        expect(await other.getRun(id)).toMatchObject({ status: 'FAILED', endTimeMs: START + 5000 })
        await tracker.setRunStatus(id, 'RUNNING')
        const again = await other.getRun(id)
        expect([again.status, again.endTimeMs]).toEqual(['RUNNING', undefined])
        await tracker.setRunStatus(id, 'FINISHED', START + 9000)
        expect(await other.getRun(id)).toMatchObject({ status: 'FINISHED', endTimeMs: START + 9000 })
      })

      test('a part of another run names it', async () => {
        const parent = await startRun()
        const child = await tracker.createRun({
          experimentId: experiment.id,
          name: 'a part',
          startTimeMs: START,
          parentRunId: parent.id,
        })
        const found = await other.searchRuns({
          experimentIds: [experiment.id],
          tags: { 'mlflow.parentRunId': parent.id },
        })
        expect(found.items.map(({ id }) => id)).toEqual([child.id])
      })

      test('a run that is not there is said so', async () => {
        await expect(tracker.getRun('0'.repeat(32))).rejects.toMatchObject({ code: 'TRACKING_NOT_FOUND' })
      })

      test('are found by tags, parameters and status, from the latest to the earliest, page by page', async () => {
        const { id: experimentId } = await tracker.createExperiment(unique('search'))
        for (let i = 0; i < 7; i++) {
          const { id } = await tracker.createRun({
            experimentId,
            name: `run ${i}`,
            startTimeMs: START + i,
            tags: { parity: i % 2 === 0 ? 'even' : 'odd' },
          })
          await tracker.logEntries(id, { params: { 'models.depth': String(i % 3) } })
          if (i < 4) await tracker.setRunStatus(id, 'FINISHED', START + 100)
        }
        const names = async (query: object): Promise<string[]> => {
          const found: string[] = []
          let page: string | undefined
          do {
            const answer = await other.searchRuns({
              experimentIds: [experimentId],
              pageSize: 2,
              ...query,
              ...(page === undefined ? {} : { page }),
            })
            expect(answer.items.length).toBeLessThanOrEqual(2)
            found.push(...answer.items.map((run) => run.name))
            page = answer.nextPage
          } while (page !== undefined)
          return found
        }
        expect(await names({})).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `run ${i}`))
        expect(await names({ tags: { parity: 'odd' } })).toEqual(['run 5', 'run 3', 'run 1'])
        expect(await names({ status: 'FINISHED' })).toEqual(['run 3', 'run 2', 'run 1', 'run 0'])
        expect(await names({ tags: { parity: 'even' }, params: { 'models.depth': '0' } })).toEqual([
          'run 6',
          'run 0',
        ])
        expect(await names({ tags: { parity: `it's "neither"` } })).toEqual([])
      })

      test('law: a run that begins while pages are read moves none of the others', async () => {
        const { id: experimentId } = await tracker.createExperiment(unique('pages'))
        const start = (i: number) =>
          tracker.createRun({ experimentId, name: `run ${i}`, startTimeMs: START + i })
        for (let i = 0; i < 4; i++) await start(i)
        const first = await other.searchRuns({ experimentIds: [experimentId], pageSize: 2 })
        await start(10)
        const second = await other.searchRuns({
          experimentIds: [experimentId],
          pageSize: 2,
          ...(first.nextPage === undefined ? {} : { page: first.nextPage }),
        })
        const names = [...first.items, ...second.items].map(({ name }) => name)
        expect(names).toEqual(['run 3', 'run 2', 'run 1', 'run 0'])
      })
    })

    describe('parameters', () => {
      test('are written once: the same again changes nothing, another value is refused', async () => {
        const { id } = await startRun()
        await tracker.logEntries(id, { params: { depth: '6' } })
        await other.logEntries(id, { params: { depth: '6' } })
        await expect(other.logEntries(id, { params: { depth: '7' } })).rejects.toMatchObject({
          code: 'TRACKING_PARAM_CONFLICT',
        })
        expect((await other.getRun(id)).params).toEqual({ depth: '6' })
      })

      test('of ten who write different values at once, one succeeds', async () => {
        const { id } = await startRun()
        const outcomes = await Promise.allSettled(
          tenOf((i) => (i % 2 ? tracker : other).logEntries(id, { params: { decision: `writer ${i}` } })),
        )
        expect(codesOf(outcomes)).toEqual(Array(9).fill('TRACKING_PARAM_CONFLICT'))
        const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
        expect((await tracker.getRun(id)).params).toEqual({ decision: `writer ${winner}` })
      })

      test('have names and values of any script, with slashes, line breaks and quotes', async () => {
        const { id } = await startRun()
        const params = {
          'features/windows/größe': '[1h, 7d]',
          'señal 検出': 'línea 1\nlínea 2\ttab',
          'a.b-c_d e': `it's "quoted" \\ and 50% 🙂`,
          null: 'null',
          yes: 'no',
          number: '007',
        }
        await tracker.logEntries(id, { params })
        expect((await other.getRun(id)).params).toEqual(params)
      })

      test('may be empty or end with a line break', async () => {
        const { id } = await startRun()
        const params = { empty: '', ending: 'line\n', spaces: ' x ' }
        await tracker.logEntries(id, { params })
        expect((await other.getRun(id)).params).toEqual(params)
      })

      test('may be ten thousand', async () => {
        const { id } = await startRun()
        const params = Object.fromEntries(
          Array.from({ length: 10_000 }, (_, i) => [`section/setting_${i}`, `value ${i}`]),
        )
        await tracker.logEntries(id, { params })
        expect((await other.getRun(id)).params).toEqual(params)
      }, 240_000)

      test('of 6,000 characters arrive whole; a longer one is refused, and nothing of its call is written', async () => {
        const { id } = await startRun()
        const whole = 'ñ'.repeat(6000)
        await tracker.logEntries(id, { params: { long: whole } })
        await expect(
          tracker.logEntries(id, { params: { before: '1', long2: `${whole}x` } }),
        ).rejects.toMatchObject({ code: 'TRACKING_VALUE_TOO_LONG' })
        expect((await other.getRun(id)).params).toEqual({ long: whole })
      })

      test.each(['', '../up', '/root', 'a//b', 'a/./b', 'semi;colon', 'x'.repeat(251)])(
        'the key %j is refused, and nothing of its call is written',
        async (key) => {
          const { id } = await startRun()
          const writes = [
            { params: { fine: '1', [key]: '1' } },
            { tags: { fine: '1', [key]: '1' } },
            { metrics: [metric('fine', 1), metric(key, 1)] },
          ]
          for (const entries of writes)
            await expect(tracker.logEntries(id, entries)).rejects.toMatchObject({
              code: 'TRACKING_NAME_INVALID',
            })
          const { params, tags, metrics } = await other.getRun(id)
          expect([params['fine'], tags['fine'], metrics['fine']]).toEqual([undefined, undefined, undefined])
        },
      )
    })

    describe('metrics', () => {
      test('have a history by step and time, and a run shows the last', async () => {
        const { id } = await startRun()
        const points = [
          metric('loss', 0.5, 1, START + 10),
          metric('loss', 0.25, 2, START + 20),
          metric('loss', 0.75, 0, START + 30),
          metric('loss', 0.125, 2, START + 25),
        ]
        await tracker.logEntries(id, { metrics: points })
        expect((await other.metricHistory(id, 'loss')).map(({ value }) => value)).toEqual([
          0.75, 0.5, 0.25, 0.125,
        ])
        expect((await other.getRun(id)).metrics['loss']).toEqual(points[3])
        expect(await other.metricHistory(id, 'gain')).toEqual([])
      })

      test('a value that is logged again is kept once', async () => {
        const { id } = await startRun()
        const points = [metric('auc', 0.9, 1), metric('auc', Number.NaN, 2), metric('auc', 0.9, 2)]
        await tracker.logEntries(id, { metrics: points })
        await other.logEntries(id, { metrics: [...points, metric('auc', 0.95, 3)] })
        const history = await tracker.metricHistory(id, 'auc')
        expect(history.map(({ step, value }) => `${step}: ${value}`).sort()).toEqual([
          '1: 0.9',
          '2: 0.9',
          '2: NaN',
          '3: 0.95',
        ])
      })

      test('NaN, infinities and the ends of the doubles come back as they were', async () => {
        const { id } = await startRun()
        const values = [
          Number.NaN,
          Number.POSITIVE_INFINITY,
          Number.NEGATIVE_INFINITY,
          5e-324,
          0.1 + 0.2,
          -1e300,
          123456789012345680000,
          0,
        ]
        await tracker.logEntries(id, { metrics: values.map((value, step) => metric('odd', value, step)) })
        const history = await other.metricHistory(id, 'odd')
        expect(history.map(({ value }) => value)).toEqual(values)
      })

      test('names may have slashes, and five thousand values arrive', async () => {
        const { id } = await startRun()
        const metrics = Array.from({ length: 5000 }, (_, step) =>
          metric('curves/train/log loss', step / 7, step),
        )
        await tracker.logEntries(id, { metrics })
        const history = await other.metricHistory(id, 'curves/train/log loss')
        expect(history).toEqual(metrics)
      }, 120_000)

      test('a step or time that is not whole is refused, and nothing of its call is written', async () => {
        const { id } = await startRun()
        for (const odd of [
          metric('odd', 1, 0.5),
          metric('odd', 1, 1, START + 0.25),
          metric('odd', 1, Number.NaN),
        ])
          await expect(tracker.logEntries(id, { metrics: [metric('fine', 1), odd] })).rejects.toMatchObject({
            code: 'TRACKING_VALUE_INVALID',
          })
        expect((await other.getRun(id)).metrics).toEqual({})
      })

      test('written by two at once all arrive', async () => {
        const { id } = await startRun()
        await Promise.all(
          tenOf((i) => (i % 2 ? tracker : other).logEntries(id, { metrics: [metric('shared', i, i)] })),
        )
        expect((await tracker.metricHistory(id, 'shared')).map(({ value }) => value)).toEqual(
          Array.from({ length: 10 }, (_, i) => i),
        )
      })
    })

    describe('tags', () => {
      test('are replaced by the later one', async () => {
        const { id } = await startRun({ state: 'new' })
        await other.logEntries(id, { tags: { state: 'old', 'with/slash': 'x' } })
        const { tags } = await tracker.getRun(id)
        expect([tags['state'], tags['with/slash']]).toEqual(['old', 'x'])
      })

      test('may have line breaks, quotes, any script, spaces at the ends, or nothing', async () => {
        const { id } = await startRun()
        const tags = { note: 'línea 1\nlínea 2\n', odd: ` it's "検出" \\ 🙂 `, empty: '' }
        await tracker.logEntries(id, { tags })
        const read = (await other.getRun(id)).tags
        expect([read['note'], read['odd'], read['empty']]).toEqual([tags.note, tags.odd, tags.empty])
      })

      test('of 8,000 characters arrive whole; a longer one is refused', async () => {
        const { id } = await startRun()
        const whole = 'é'.repeat(8000)
        await tracker.logEntries(id, { tags: { long: whole } })
        expect((await other.getRun(id)).tags['long']).toBe(whole)
        await expect(tracker.logEntries(id, { tags: { long: `${whole}x` } })).rejects.toMatchObject({
          code: 'TRACKING_VALUE_TOO_LONG',
        })
      })
    })

    test('inputs come back by name, and to log them again changes nothing', async () => {
      const { id } = await startRun()
      const inputs: DatasetInput[] = ['test', 'training'].map((context) => ({
        name: `transactions ${context}`,
        digest: `digest-${context}`,
        sourceType: 'local',
        source: '{"uri":"data/ñ.csv"}',
        schema: '{"mlflow_colspec":[]}',
        profile: '{"rows":10}',
        context,
      }))
      await tracker.logInputs(id, inputs)
      await tracker.logInputs(id, inputs)
      expect(await other.listInputs(id)).toEqual(inputs)
    })

    describe('artifacts', () => {
      test('come back byte for byte, with their sizes, in folders', async () => {
        const { id } = await startRun()
        const large = Uint8Array.from({ length: 5_000_000 }, (_, i) => (i * 31) % 251)
        await tracker.logArtifact(id, fileWith('large', large), 'data/größe 1.bin')
        await tracker.logArtifact(id, fileWith('empty', ''), 'data/empty.txt')
        await tracker.logArtifact(id, fileWith('top', 'top'), 'top.txt')
        expect(await other.listArtifacts(id)).toEqual([
          { path: 'data', isFolder: true },
          { path: 'top.txt', isFolder: false, size: 3 },
        ])
        expect(await other.listArtifacts(id, 'data')).toEqual([
          { path: 'data/empty.txt', isFolder: false, size: 0 },
          { path: 'data/größe 1.bin', isFolder: false, size: 5_000_000 },
        ])
        expect(await other.listArtifacts(id, 'nothing')).toEqual([])
        const back = join(folder, randomUUID())
        await other.downloadArtifact(id, 'data/größe 1.bin', back)
        expect(Buffer.compare(readFileSync(back), Buffer.from(large))).toBe(0)
      })

      test('a folder is copied with all it holds, there and back', async () => {
        const { id } = await startRun()
        const local = join(folder, randomUUID())
        mkdirSync(join(local, 'deep', 'er'), { recursive: true })
        writeFileSync(join(local, 'MLmodel'), 'flavors:')
        writeFileSync(join(local, 'deep', 'er', 'x.json'), '{}')
        await tracker.logArtifact(id, local, 'model')
        const back = join(folder, randomUUID())
        await other.downloadArtifact(id, 'model', back)
        expect(readFileSync(join(back, 'MLmodel'), 'utf8')).toBe('flavors:')
        expect(readFileSync(join(back, 'deep', 'er', 'x.json'), 'utf8')).toBe('{}')
      })

      test('the later one replaces the earlier', async () => {
        const { id } = await startRun()
        await tracker.logArtifact(id, fileWith('a', 'first version'), 'report.html')
        await other.logArtifact(id, fileWith('b', 'second'), 'report.html')
        expect(await tracker.listArtifacts(id)).toEqual([{ path: 'report.html', isFolder: false, size: 6 }])
      })

      test('one that is not there is said so, and a path out of the run is refused', async () => {
        const { id } = await startRun()
        const to = join(folder, randomUUID())
        await expect(tracker.downloadArtifact(id, 'none.txt', to)).rejects.toMatchObject({
          code: 'TRACKING_NOT_FOUND',
        })
        await expect(tracker.logArtifact(id, fileWith('c', 'c'), '../out.txt')).rejects.toMatchObject({
          code: 'TRACKING_NAME_INVALID',
        })
      })
    })
  })
}

const START = 1_790_000_000_000

const unique = (name: string): string => `${name} ${randomUUID()}`

const tenOf = <T>(make: (i: number) => T): T[] => Array.from({ length: 10 }, (_, i) => make(i))

const metric = (key: string, value: number, step = 0, timestampMs = START): Metric => ({
  key,
  value,
  timestampMs,
  step,
})

/** Codes of what failed. */
const codesOf = (outcomes: readonly PromiseSettledResult<unknown>[]): string[] =>
  outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [String((outcome.reason as { code?: string }).code)] : [],
  )
