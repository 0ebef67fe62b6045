import type { EffectiveSetting } from '../../../config/config-manager.ts'
import type { TrainingSettings } from '../../../config/training-config.ts'
import { VigiaError } from '../../../errors.ts'
import type { RunQuery, TrackedRun } from '../../../ports/experiment-tracker.ts'
import type { TrackingStore } from '../../../ports/tracking-store.ts'
import type { CommandContext, CommandInput } from '../../command.ts'
import { PARENT_TAG } from './run-text.ts'

/** What an action of `vigia runs` works with. */
export interface RunsRequest {
  readonly context: CommandContext
  readonly input: CommandInput
  readonly settings: TrainingSettings
  /** Every setting with its default and its value. */
  readonly entries: readonly EffectiveSetting[]
  readonly store: TrackingStore
  /** Name of the experiment whose runs are meant. */
  readonly experiment: string
}

/** Prints the answer to a request as JSON. */
export const printJson = ({ context }: Pick<RunsRequest, 'context'>, answer: unknown): void =>
  context.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)

/** Prints the answer to a request for people. */
export const printLines = ({ context }: Pick<RunsRequest, 'context'>, lines: readonly string[]): void =>
  context.stdout.write(`${lines.join('\n')}\n`)

/** Runs from the latest to the earliest; pages are asked for as they are needed. @throws INTERRUPTED */
export async function* runsOf(
  { store, context }: Pick<RunsRequest, 'store' | 'context'>,
  query: RunQuery,
): AsyncGenerator<TrackedRun> {
  let page: string | undefined
  do {
    if (context.work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: 'reading runs' })
    const { items, nextPage } = await store.tracker.searchRuns({
      ...query,
      ...(page !== undefined && { page }),
    })
    yield* items
    page = nextPage
  } while (page !== undefined)
}

/** Runs that are part of `run`, in the order they began. */
export const childrenOf = async (request: RunsRequest, run: TrackedRun): Promise<readonly TrackedRun[]> => {
  const children: TrackedRun[] = []
  const query = { experimentIds: [run.experimentId], tags: { [PARENT_TAG]: run.id } }
  for await (const child of runsOf(request, query)) children.push(child)
  return children.reverse()
}

/** A version made from a run. */
export interface RunVersion {
  readonly model: string
  readonly version: number
  readonly aliases: readonly string[]
}

/** The latest version of the configured model by the run it was made from. */
export const versionsByRun = async ({
  store: { registry },
  settings,
}: RunsRequest): Promise<ReadonlyMap<string, RunVersion>> => {
  const { model } = settings.tracking
  const versions = new Map<string, RunVersion>()
  if ((await registry.findModel(model)) === undefined) return versions
  let page: string | undefined
  do {
    const { items, nextPage } = await registry.listVersions(model, page)
    for (const { version, runId, aliases } of items)
      if (runId !== undefined && !versions.has(runId)) versions.set(runId, { model, version, aliases })
    page = nextPage
  } while (page !== undefined)
  return versions
}

/** `3 production`. */
export const versionText = (version: RunVersion | undefined): string =>
  version === undefined ? '' : [version.version, ...version.aliases].join(' ')
