import { nearest } from '../../../config/nearest.ts'
import { VigiaError } from '../../../errors.ts'
import type { TrackedRun } from '../../../ports/experiment-tracker.ts'
import { onOneLine } from '../../plain-table.ts'
import { minuteOf, PARENT_TAG, shortId } from './run-text.ts'
import { type RunsRequest, runsOf } from './runs-request.ts'

/**
 * The runs that people mean: by id, `latest` (the last one that is part of no other), name, or the first
 * digits of the id.
 *
 * A whole id is found in any experiment, everything else in that of the request.
 *
 * @throws TRACKING_NOT_FOUND with the nearest there is, TRACKING_RUN_AMBIGUOUS with those it may be
 */
export const findRuns = async (
  request: RunsRequest,
  texts: readonly string[],
): Promise<readonly TrackedRun[]> => {
  // Read once, and only when a text is no whole id.
  let reading: Promise<readonly TrackedRun[]> | undefined
  const all = (): Promise<readonly TrackedRun[]> => {
    reading ??= readAll(request)
    return reading
  }
  const found: TrackedRun[] = []
  for (const text of texts)
    found.push(
      /^[0-9a-f]{32}$/i.test(text)
        ? await request.store.tracker.getRun(text.toLowerCase())
        : oneOf(request, text, await all()),
    )
  return found
}

const readAll = async (request: RunsRequest): Promise<readonly TrackedRun[]> => {
  const { store, experiment: name } = request
  const experiment = await store.tracker.findExperiment(name)
  const runs: TrackedRun[] = []
  if (experiment === undefined) return runs
  for await (const run of runsOf(request, { experimentIds: [experiment.id] })) runs.push(run)
  return runs
}

const oneOf = (request: RunsRequest, text: string, runs: readonly TrackedRun[]): TrackedRun => {
  const { location } = request.store.tracker
  const fitting = fittingRuns(text, runs)
  const [first] = fitting
  if (first === undefined)
    throw new VigiaError('TRACKING_NOT_FOUND', { location, what: unknownRun(request, text, runs) })
  if (fitting.length === 1) return first
  const shown = fitting.slice(0, MOST_CANDIDATES).map(describe)
  if (fitting.length > shown.length) shown.push(`${fitting.length - shown.length} more`)
  throw new VigiaError('TRACKING_RUN_AMBIGUOUS', {
    location,
    got: text,
    count: fitting.length,
    candidates: shown.join(', '),
  })
}

const MOST_CANDIDATES = 10

const fittingRuns = (text: string, runs: readonly TrackedRun[]): readonly TrackedRun[] => {
  if (text === 'latest') return runs.filter(({ tags }) => tags[PARENT_TAG] === undefined).slice(0, 1)
  const prefix = text.toLowerCase()
  return runs.filter(({ id, name }) => name === text || (prefix !== '' && id.startsWith(prefix)))
}

const describe = (run: TrackedRun): string =>
  `${run.id.slice(0, 12)} (${onOneLine(run.name, 40)}, ${minuteOf(run.startTimeMs)})`

const unknownRun = ({ experiment }: RunsRequest, text: string, runs: readonly TrackedRun[]): string => {
  if (runs.length === 0) return `run "${text}": the experiment ${experiment} has no runs`
  const candidate = nearest(text, ['latest', ...new Set(runs.flatMap((run) => [run.name, shortId(run)]))])
  return `run "${text}" in the experiment ${experiment}${candidate === undefined ? '' : `; the nearest is ${candidate}`}`
}
