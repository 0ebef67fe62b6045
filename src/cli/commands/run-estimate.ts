import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigManager } from '../../config/config-manager.ts'
import type { TrainingSettings } from '../../config/training-config.ts'
import { estimateRows } from '../../dataset/estimate-rows.ts'
import type { ExportedLog } from '../../decisions/log/export-log.ts'
import { withDatabase } from '../../disk/database.ts'
import { VigiaError } from '../../errors.ts'
import { planFeatures } from '../../features/feature-plan.ts'
import { memoryOfRun, type RunShape, runMemoryBytes } from '../../fitting/run-memory.ts'
import { DATABASE_FILES, DATABASE_STEP, usesDatabase } from '../../pipelines/training/database-step.ts'
import { LOG_FILES, LOG_STEP } from '../../pipelines/training/log-step.ts'
import { logFolders, usesGeneratedData } from '../../pipelines/training/training-context.ts'
import type { CopiedTable } from '../../ports/bank-database.ts'
import type { Step } from '../../steps/step.ts'
import type { CommandContext } from '../command.ts'
import { threadsOf, workOf } from '../command-work.ts'
import { featureSettingsOf } from './config-cost.ts'

/** What a run is estimated to need, and may use. */
export interface RunEstimate extends RunShape {
  readonly neededBytes: number
  readonly availableBytes: number
  /** `resources.run_memory`, by which so much is available. */
  readonly runMemory: string
  /** The setting that the rows come from. */
  readonly rowsFrom: 'generate.rows' | 'source.path'
}

/** After these steps little is left to do: a run that begins behind them is not held to the estimate. */
const LARGE_STEPS = new Set(['read', 'validate', 'split', 'clean', 'features', 'select', 'search', 'train'])

/**
 * Estimates what the run in `folder` needs. Undefined where nobody wants to know, and of a source that cannot
 * be read, which its step will say better. The rows of logs are those that the run's first step has counted.
 */
export const estimateRun = async (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
  folder: string,
): Promise<RunEstimate | undefined> => {
  const { resources } = config.settings
  if (resources.run_memory === 'unlimited') return undefined
  try {
    const rows = await rowsOf(context, config, folder)
    if (rows === undefined) return undefined
    const features = planFeatures(await featureSettingsOf(context, config)).features.length
    const shape = { rows, features, threads: threadsOf(resources) }
    return {
      ...shape,
      neededBytes: memoryOfRun(shape),
      availableBytes: runMemoryBytes(resources.run_memory),
      runMemory: resources.run_memory,
      rowsFrom: usesGeneratedData({ config }) ? 'generate.rows' : 'source.path',
    }
  } catch (error) {
    if (error instanceof VigiaError) return undefined
    throw error
  }
}

/** About how many transactions the run reads; undefined before its logs were counted. */
const rowsOf = async (
  context: CommandContext,
  config: ConfigManager<TrainingSettings>,
  folder: string,
): Promise<number | undefined> => {
  const { source, generate, resources } = config.settings
  if (usesGeneratedData({ config })) return generate.rows
  if (logFolders({ config }).length > 0) {
    const counted = await readFile(join(folder, LOG_STEP, LOG_FILES.log), 'utf8').catch(() => undefined)
    return counted === undefined ? undefined : (JSON.parse(counted) as ExportedLog).transactions
  }
  if (usesDatabase({ config })) {
    const copied = await readFile(join(folder, DATABASE_STEP, DATABASE_FILES.copied), 'utf8').catch(
      () => undefined,
    )
    return copied === undefined ? undefined : (JSON.parse(copied) as CopiedTable).rows
  }
  return withDatabase(workOf(context, resources).database, (connection) =>
    estimateRows(connection, source, context.workingDirectory),
  )
}

/**
 * Holds a run to its estimate when the first step begins that needs memory. Only then it is estimated: where
 * all is up to date nobody looks at the source.
 */
export const holdToEstimate = (
  estimate: () => Promise<RunEstimate | undefined>,
  tell: (line: string) => void,
): ((step: Pick<Step, 'name'>) => Promise<void>) => {
  let isHeld = false
  return async ({ name }) => {
    if (isHeld || !LARGE_STEPS.has(name)) return
    isHeld = true
    const estimated = await estimate()
    if (estimated === undefined) return
    assertFits(estimated, name)
    tell(`memory     ${estimateText(estimated)}\n`)
  }
}

/** @throws PIPELINE_RUN_TOO_LARGE when it needs more than it may use */
const assertFits = (estimate: RunEstimate, step: string): void => {
  const { rows, rowsFrom, features, threads, neededBytes, availableBytes, runMemory } = estimate
  if (neededBytes <= availableBytes) return
  throw new VigiaError('PIPELINE_RUN_TOO_LARGE', {
    step,
    rows: `${rows} rows (${rowsFrom})`,
    features: counted(features, 'feature'),
    threads: counted(threads, 'thread'),
    needed: sizeText(neededBytes),
    available:
      runMemory === 'auto'
        ? `${sizeText(availableBytes)}, which is free here now (resources.run_memory=auto)`
        : `${sizeText(availableBytes)} (resources.run_memory)`,
    advice: adviceFor(estimate),
  })
}

/** What would fit, in sentences that go on: fewer threads, else fewer features or fewer rows. */
const adviceFor = ({ availableBytes, rowsFrom, ...shape }: RunEstimate): string => {
  const fits = (changed: Partial<RunShape>): boolean =>
    memoryOfRun({ ...shape, ...changed }) <= availableBytes
  const most = (from: number, name: keyof RunShape): number => {
    let low = 0
    let high = from
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (fits({ [name]: middle, threads: name === 'threads' ? middle : 1 })) low = middle
      else high = middle
    }
    return low
  }
  const threads = most(shape.threads, 'threads')
  if (threads > 0) return `Set resources.threads=${threads}: that is estimated to fit. Or allow more`
  const features = most(shape.features, 'features')
  const rows = most(shape.rows, 'rows')
  const few = [
    ...(features > 0 ? [`at most ${counted(features, 'feature')} (features.include)`] : []),
    ...(rows > 0 ? [`at most ${counted(rows, 'row')} (${rowsFrom})`] : []),
  ]
  if (few.length === 0) return 'No run fits, however few its threads, features and rows. Allow more'
  const take = shape.threads === 1 ? 'Take' : 'Set resources.threads=1, and take'
  return `${take} ${few.join(' or ')}: that is estimated to fit. Or allow more`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const estimateText = ({ rows, features, threads, neededBytes, availableBytes }: RunEstimate): string =>
  `about ${sizeText(neededBytes)} for ${rows} rows, ${features} features, ${counted(threads, 'thread')}; ${sizeText(availableBytes)} may be used`

const sizeText = (bytes: number): string =>
  bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
