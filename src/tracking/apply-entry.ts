import { join } from 'node:path'
import { type ErrorCode, VigiaError } from '../errors.ts'
import type { ExperimentTracker, RunEntries } from '../ports/experiment-tracker.ts'
import type { ModelRegistry, ModelVersion } from '../ports/model-registry.ts'
import type { TrackingStore } from '../ports/tracking-store.ts'
import type { DeliveryState, RefusedEntry } from './delivery-state.ts'
import { type JournalEntry, ROOT_RUN } from './journal-entry.ts'
import { isUnchanged } from './keep-artifact.ts'

/** Tag of a tracked run and of the version made from it: who sent it finds it again by this. */
export const RUN_KEY_TAG = 'vigia.run_key'

/** What one delivery works with. */
export interface Delivery {
  readonly store: TrackingStore
  /** Of the journal. */
  readonly folder: string
  /**
   * Whether everything that was created is noted. Not so at first: who delivered before may have been stopped
   * between creating and noting, so what is to be created is looked for.
   */
  isCertain: boolean
}

type Entry<Op extends JournalEntry['op']> = Extract<JournalEntry, { op: Op }>

/** What an operation changes about the delivery. */
type Change = Partial<Pick<DeliveryState, 'runKey' | 'experimentId' | 'runs' | 'refused' | 'version'>>

/** Answers that stay the same however often one asks. */
const REFUSALS: readonly ErrorCode[] = [
  'TRACKING_REFUSED',
  'TRACKING_NAME_INVALID',
  'TRACKING_VALUE_TOO_LONG',
  'TRACKING_VALUE_INVALID',
  'TRACKING_PARAM_CONFLICT',
  'TRACKING_NOT_FOUND',
]

/**
 * Does one operation of a journal; doing it again changes nothing.
 *
 * What the tracker will never take is noted as refused, with the reason, and what it can do without is done.
 * An experiment or a tracked run that is refused is an error instead: nothing could follow.
 *
 * @throws TRACKING_UNREACHABLE, TRACKING_UNAUTHORIZED, TRACKING_STORE_BROKEN, TRACKING_EXPERIMENT_EXISTS
 */
export const applyEntry = async (
  entry: JournalEntry,
  state: DeliveryState,
  delivery: Delivery,
): Promise<Change> => {
  const { tracker, registry } = delivery.store
  switch (entry.op) {
    case 'begin':
      return { runKey: entry.runKey, experimentId: await ensureExperiment(tracker, entry.experiment) }
    case 'run':
      return entry.run === ROOT_RUN
        ? await createRun(entry, state, delivery)
        : await unlessRefused(state, `run ${entry.run}`, () => createRun(entry, state, delivery))
    case 'entries':
      return await logEntries(entry, state, tracker)
    case 'inputs':
      return await unlessRefused(state, `data sets of ${entry.run}`, async () => {
        await tracker.logInputs(idOf(entry.run, state), entry.inputs)
        return {}
      })
    case 'artifact':
      return await unlessRefused(state, artifactTitle(entry.path), async () => {
        if (!(await isUnchanged(delivery.folder, entry)))
          throw new Refusal('its copy is missing or was altered')
        await tracker.logArtifact(idOf(entry.run, state), join(delivery.folder, entry.copy), entry.path)
        return {}
      })
    case 'status':
      return await unlessRefused(state, `status ${entry.status} of ${entry.run}`, async () => {
        await tracker.setRunStatus(idOf(entry.run, state), entry.status, entry.endTimeMs)
        return {}
      })
    case 'version':
      return await unlessRefused(state, `version of ${entry.model}`, () =>
        createVersion(entry, state, delivery, registry),
      )
    case 'note':
      return {}
  }
}

/** Refused before anybody was asked. */
class Refusal extends Error {}

const artifactTitle = (path: string): string => `artifact ${path}`

const unlessRefused = async (
  state: DeliveryState,
  what: string,
  work: () => Promise<Change>,
): Promise<Change> => {
  try {
    return await work()
  } catch (error) {
    return { refused: [...state.refused, { what, reason: reasonOf(error) }] }
  }
}

/** Throws what is no refusal. */
const reasonOf = (error: unknown): string => {
  if (error instanceof Refusal || (error instanceof VigiaError && REFUSALS.includes(error.code)))
    return error.message
  throw error
}

const idOf = (run: string, { runs }: DeliveryState): string => {
  const id = runs[run]
  if (id === undefined) throw new Refusal(`there is no run ${run}`)
  return id
}

const ensureExperiment = async (tracker: ExperimentTracker, name: string): Promise<string> => {
  const found = await tracker.findExperiment(name)
  if (found !== undefined) return found.id
  try {
    return (await tracker.createExperiment(name)).id
  } catch (error) {
    // Another run may have made it at this moment. One that was deleted keeps its name and is not found.
    const made = isExists(error) ? await tracker.findExperiment(name) : undefined
    if (made === undefined) throw error
    return made.id
  }
}

const isExists = (error: unknown): boolean =>
  error instanceof VigiaError && error.code === 'TRACKING_EXPERIMENT_EXISTS'

const createRun = async (
  entry: Entry<'run'>,
  state: DeliveryState,
  delivery: Delivery,
): Promise<Pick<DeliveryState, 'runs'>> => {
  const { tracker } = delivery.store
  const experimentId = state.experimentId ?? ''
  const key = entry.run === ROOT_RUN ? `${state.runKey}` : `${state.runKey}/${entry.run}`
  const parentRunId = entry.parent === undefined ? undefined : idOf(entry.parent, state)
  const found = delivery.isCertain ? undefined : await findRun(tracker, experimentId, key)
  if (found !== undefined) return { runs: { ...state.runs, [entry.run]: found } }
  const { id } = await tracker.createRun({
    experimentId,
    name: entry.name,
    startTimeMs: entry.startTimeMs,
    ...(parentRunId !== undefined && { parentRunId }),
    tags: { ...entry.tags, [RUN_KEY_TAG]: key },
  })
  // What stands behind it in the journal cannot have been created before it.
  delivery.isCertain = true
  return { runs: { ...state.runs, [entry.run]: id } }
}

const findRun = async (
  tracker: ExperimentTracker,
  experimentId: string,
  key: string,
): Promise<string | undefined> => {
  const { items } = await tracker.searchRuns({ experimentIds: [experimentId], tags: { [RUN_KEY_TAG]: key } })
  return items[0]?.id
}

const createVersion = async (
  { run, model, description, artifactPath, tags }: Entry<'version'>,
  state: DeliveryState,
  { isCertain }: Delivery,
  registry: ModelRegistry,
): Promise<Change> => {
  const runId = idOf(run, state)
  if (state.refused.some(({ what }) => isWithin(what, artifactTitle(artifactPath))))
    throw new Refusal(`a file of ${artifactPath} was refused`)
  const runKey = `${state.runKey}`
  await registry.ensureModel(model, description)
  const { version } =
    (isCertain ? undefined : await findVersion(registry, model, runKey)) ??
    (await registry.createVersion({
      name: model,
      runId,
      artifactPath,
      tags: { ...tags, [RUN_KEY_TAG]: runKey },
    }))
  return { version: { model, version } }
}

const isWithin = (title: string, folder: string): boolean =>
  title === folder || title.startsWith(`${folder}/`)

const findVersion = async (
  registry: ModelRegistry,
  model: string,
  runKey: string,
): Promise<ModelVersion | undefined> => {
  let page: string | undefined
  do {
    const { items, nextPage } = await registry.listVersions(model, page)
    const found = items.find(({ tags }) => tags[RUN_KEY_TAG] === runKey)
    if (found !== undefined) return found
    page = nextPage
  } while (page !== undefined)
  return undefined
}

/** One parameter, tag or metric value, so that one that is refused can be told from the others. */
interface Piece {
  readonly what: string
  readonly entries: RunEntries
}

const logEntries = async (
  entry: Entry<'entries'>,
  state: DeliveryState,
  tracker: ExperimentTracker,
): Promise<Change> => {
  const refused: RefusedEntry[] = []
  const send = async (pieces: readonly Piece[]): Promise<void> => {
    try {
      await tracker.logEntries(idOf(entry.run, state), together(pieces))
    } catch (error) {
      const reason = reasonOf(error)
      if (pieces.length === 1) refused.push({ what: `${pieces[0]!.what} of ${entry.run}`, reason })
      else {
        // Halves, until what is refused stands alone: the others must arrive.
        const middle = Math.ceil(pieces.length / 2)
        await send(pieces.slice(0, middle))
        await send(pieces.slice(middle))
      }
    }
  }
  const pieces = piecesOf(entry)
  if (pieces.length > 0) await send(pieces)
  return refused.length === 0 ? {} : { refused: [...state.refused, ...refused] }
}

const piecesOf = ({ params = {}, tags = {}, metrics = [] }: Entry<'entries'>): Piece[] => [
  ...Object.entries(params).map(([key, value]) => ({
    what: `parameter ${key}`,
    entries: { params: { [key]: value } },
  })),
  ...Object.entries(tags).map(([key, value]) => ({
    what: `tag ${key}`,
    entries: { tags: { [key]: value } },
  })),
  ...metrics.map((metric) => ({ what: `metric ${metric.key}`, entries: { metrics: [metric] } })),
]

const together = (pieces: readonly Piece[]): RunEntries => ({
  params: Object.assign({}, ...pieces.map(({ entries }) => entries.params)),
  tags: Object.assign({}, ...pieces.map(({ entries }) => entries.tags)),
  metrics: pieces.flatMap(({ entries }) => entries.metrics ?? []),
})
