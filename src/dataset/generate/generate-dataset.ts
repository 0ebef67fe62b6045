import { access } from 'node:fs/promises'
import type { GenerateSettings } from '../../config/sections/generate.ts'
import { withDatabase } from '../../disk/database.ts'
import type { Work } from '../../disk/work.ts'
import { writeAtomically } from '../../disk/write-atomically.ts'
import { VigiaError } from '../../errors.ts'
import { duplicatesOf, inArrivalOrder } from './arrival.ts'
import { prepareSimulation, simulateDays } from './simulation.ts'
import { OUTPUT_FORMATS, type OutputEnding, writeGenerated } from './write-generated.ts'

export interface GenerateRequest {
  readonly settings: GenerateSettings
  /** `generate.seed`, or the project's where that is null. */
  readonly seed: number | string
  /** File to write; its ending chooses the format (`.parquet`, `.csv`, `.csv.gz`). */
  readonly out: string
  /** Whether an existing file may be replaced. */
  readonly overwrite: boolean
  readonly work: Work
}

export interface GenerateResult {
  readonly out: string
  readonly rows: number
  /** Rows that are an earlier row sent again. */
  readonly duplicates: number
  /** Frauds, duplicates not counted. */
  readonly frauds: number
}

/**
 * Generates transactions into a file: the same settings and seed give the same bytes.
 *
 * Written beside the target under a temporary name and renamed when complete, so a file of the target's name
 * is whole.
 *
 * @throws DATASET_OUTPUT_FORMAT, DATASET_OUTPUT_EXISTS, DATASET_GENERATE_START, DATASET_NOT_WRITABLE,
 * DATASET_NO_SPACE, INTERRUPTED
 */
export const generateDataset = async (request: GenerateRequest): Promise<GenerateResult> => {
  const { settings, seed, out, work } = request
  const ending = endingOf(out)
  const startSecond = startSecondOf(settings.start)
  if (!request.overwrite && (await exists(out))) throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: out })

  const duplicates = duplicatesOf(settings)
  const transactions = settings.rows - duplicates
  const onRows = (done: number): void => {
    if (work.signal.aborted) throw new VigiaError('INTERRUPTED', { activity: `generating ${out}` })
    work.reportProgress({ activity: 'Generating', done, total: settings.rows, unit: 'rows' })
  }
  onRows(0)
  const simulation = prepareSimulation(settings, seed, transactions)
  const batches = inArrivalOrder(
    simulateDays(simulation),
    settings,
    transactions,
    simulation.random.fork('arrival'),
  )
  const { merchants } = simulation.world
  await writeAtomically(out, (path) =>
    withDatabase(work.database, (connection) =>
      writeGenerated(
        connection,
        batches,
        { path, ending, startSecond, currency: settings.currency, merchants },
        onRows,
      ),
    ),
  )
  return { out, rows: settings.rows, duplicates, frauds: simulation.plan.frauds }
}

const endingOf = (out: string): OutputEnding => {
  const endings = Object.keys(OUTPUT_FORMATS) as OutputEnding[]
  const ending = endings.find((candidate) => out.toLowerCase().endsWith(candidate))
  if (ending === undefined)
    throw new VigiaError('DATASET_OUTPUT_FORMAT', { path: out, allowed: endings.join(', ') })
  return ending
}

const startSecondOf = (start: string): number => {
  const instant = Date.parse(`${start}T00:00:00Z`)
  // Some engines read 30 February as 2 March: only what is written back alike is a day.
  if (Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(start))
    throw new VigiaError('DATASET_GENERATE_START', { got: start })
  return instant / 1000
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
