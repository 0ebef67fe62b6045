import type { Page, RunQuery, TrackedRun } from '../../ports/experiment-tracker.ts'
import type { MlflowClient } from './mlflow-client.ts'
import { REQUEST_TAG, runOf, type WireRun } from './mlflow-messages.ts'

const DEFAULT_PAGE_SIZE = 100

/**
 * A page of runs from the latest start to the earliest.
 *
 * MLflow's own pages count from the first run, so that a run which starts between two pages moves all others
 * and one comes twice. A page here goes on from the start time that the last one ended with, less the runs of
 * that very millisecond that were given. MLflow's filter language cannot quote every value; what it cannot is
 * compared here, over as many of its answers as needed.
 */
export const searchRuns = async (client: MlflowClient, query: RunQuery): Promise<Page<TrackedRun>> => {
  const pageSize = query.pageSize ?? DEFAULT_PAGE_SIZE
  const start: Place | undefined = query.page === undefined ? undefined : JSON.parse(query.page)
  const items: TrackedRun[] = []
  for (let place = start; ; ) {
    const wanted = pageSize - items.length + 1
    const found: readonly TrackedRun[] = await ask(client, query, place, wanted)
    for (const run of found) {
      if (!matches(run, query)) continue
      if (items.length === pageSize) return { items, nextPage: JSON.stringify(placeAfter(items, start)) }
      items.push(run)
    }
    if (found.length < wanted) return { items }
    place = placeAfter(found, place)
  }
}

/** Where a page ended: the start time of its last run, and all runs of that time that were given. */
interface Place {
  readonly startTimeMs: number
  readonly given: readonly string[]
}

/** `runs` are one at least. */
const placeAfter = (runs: readonly TrackedRun[], before: Place | undefined): Place => {
  const startTimeMs = runs.at(-1)?.startTimeMs ?? 0
  const given = runs.filter((run) => run.startTimeMs === startTimeMs).map(({ id }) => id)
  return {
    startTimeMs,
    given: before?.startTimeMs === startTimeMs ? [...before.given, ...given] : given,
  }
}

const ask = async (
  client: MlflowClient,
  query: RunQuery,
  place: Place | undefined,
  wanted: number,
): Promise<readonly TrackedRun[]> => {
  const { runs = [] } = await client.ask<{ runs?: readonly WireRun[] }>({
    method: 'POST',
    path: '/api/2.0/mlflow/runs/search',
    body: {
      experiment_ids: query.experimentIds,
      filter: filterOf(query, place),
      max_results: wanted + (place?.given.length ?? 0),
      order_by: ['attributes.start_time DESC'],
    },
  })
  const given = new Set(place?.given)
  return runs
    .map(runOf)
    .filter(({ id }) => !given.has(id))
    .slice(0, wanted)
}

const filterOf = ({ tags = {}, params = {}, status }: RunQuery, place: Place | undefined): string =>
  [
    ...Object.entries(tags).map(conditionOf('tags')),
    ...Object.entries(params).map(conditionOf('params')),
    ...(status === undefined ? [] : [`attributes.status = '${status}'`]),
    ...(place === undefined ? [] : [`attributes.start_time <= ${place.startTimeMs}`]),
  ]
    .filter((condition) => condition !== '')
    .join(' AND ')

/** Texts that need no quoting beyond quotes around them. */
const PLAIN = /^[\p{L}\p{N}_./: -]+$/u

const conditionOf =
  (kind: string) =>
  ([key, value]: [string, string]): string =>
    PLAIN.test(key) && PLAIN.test(value) ? `${kind}.\`${key}\` = '${value}'` : ''

/**
 * All conditions again: for those left out above, and since some databases compare texts without regard to
 * case.
 */
const matches = (run: TrackedRun, { tags = {}, params = {} }: RunQuery): boolean =>
  Object.entries(tags).every(([key, value]) => key === REQUEST_TAG || run.tags[key] === value) &&
  Object.entries(params).every(([key, value]) => run.params[key] === value)
