import { appendFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FolderOwner, withRunLock } from '../disk/folder-lock.ts'
import { sha256OfFile } from '../disk/sha256-of-file.ts'
import type { Work } from '../disk/work.ts'
import { VigiaError } from '../errors.ts'
import type { World } from '../foundation/world.ts'
import { type Checkpoint, openCheckpoint, removeCheckpoint } from './checkpoint.ts'
import { codeVersionOf } from './code-version.ts'
import { otherConfiguration } from './other-configuration.ts'
import type { Step, StepOutcome, StepWork } from './step.ts'
import {
  findAlteredFile,
  type Ingredients,
  readManifest,
  type StepManifest,
  writeManifest,
} from './step-manifest.ts'
import { flattenSettings, whyOutdated } from './why-outdated.ts'

/** Which steps run although their outputs are up to date. */
export interface Forcing {
  /** A step's name, or `all`. */
  readonly force?: string
  /** This step and all after it. */
  readonly from?: string
}

export interface PipelineOptions extends Forcing {
  /** The run folder; each step has a folder in it. Made when missing. */
  readonly folder: string
  /** Only tell what would run and why; nothing is written. */
  readonly dryRun?: boolean
  /**
   * The step that finishes a run: once it has, the folder takes no other configuration. Absent: any runs over
   * any.
   */
  readonly keepFinished?: string
  readonly work: Work
  /** Called when the folder is locked and before any step; not in a dry run. */
  readonly onLocked?: () => Promise<void>
  /** Told before a step runs, which waits for it; what it throws ends the run. */
  readonly onStart?: (step: Step, reason: string) => void | Promise<void>
  /** Told after each step, run or skipped. */
  readonly onOutcome?: (outcome: StepOutcome) => void
  readonly world: Pick<World, 'now'>
  readonly owner: FolderOwner
  /** Name and version of the runtime, part of every code version. */
  readonly runtime: string
}

/**
 * Runs the steps in order; each whose outputs are whole and up to date is skipped.
 *
 * 1. The folder is locked and what a crash left half written is removed.
 * 2. For each step its ingredients are hashed: code, settings, contents of inputs and sources.
 * 3. The manifest of its last outputs is compared with them: the first difference is the reason to run.
 * 4. It writes into a hidden folder, which gets a manifest and is then renamed into place: never half a step
 *    is visible.
 * 5. What it set aside while it ran is kept when it is interrupted, for the same ingredients, and removed
 *    when it has finished.
 *
 * Every outcome is appended to `log.jsonl` in the folder.
 *
 * @throws PIPELINE_STEP_UNKNOWN, PIPELINE_LOCKED, PIPELINE_RUN_OTHER, INTERRUPTED, and what a step or its
 * check throws; finished steps stay
 */
export const runPipeline = async (
  steps: readonly Step[],
  options: PipelineOptions,
): Promise<readonly StepOutcome[]> => {
  const forced = forcedSteps(steps, options)
  const assertKept = async (): Promise<void> => {
    const { keepFinished, folder } = options
    if (keepFinished === undefined) return
    const changed = await otherConfiguration(steps, keepFinished, options)
    if (changed !== undefined) throw new VigiaError('PIPELINE_RUN_OTHER', { folder, changed })
  }
  if (options.dryRun) {
    await assertKept()
    return runSteps(steps, forced, options)
  }
  await mkdir(options.folder, { recursive: true })
  return withRunLock(options.folder, options.owner, options.world.now(), async (assertHeld) => {
    await assertKept()
    await removeLeftovers(options.folder)
    await options.onLocked?.()
    return runSteps(steps, forced, options, assertHeld)
  })
}

const forcedSteps = (steps: readonly Step[], { force, from }: Forcing): ReadonlySet<string> => {
  const names = steps.map((step) => step.name)
  for (const name of [force === 'all' ? undefined : force, from])
    if (name !== undefined && !names.includes(name))
      throw new VigiaError('PIPELINE_STEP_UNKNOWN', { got: name, allowed: names.join(', ') })
  if (force === 'all') return new Set(names)
  const later = from === undefined ? [] : names.slice(names.indexOf(from))
  return new Set(force === undefined ? later : [...later, force])
}

const runSteps = async (
  steps: readonly Step[],
  forced: ReadonlySet<string>,
  options: PipelineOptions,
  assertHeld: () => void = () => undefined,
): Promise<StepOutcome[]> => {
  const outcomes: StepOutcome[] = []
  /** Content hash by finished step; a step that a dry run would run has none. */
  const contents = new Map<string, string>()
  for (const step of steps) {
    throwIfAborted(options.work.signal, step)
    const startedAt = options.world.now()
    const decision = await decide(step, contents, forced.has(step.name), options)
    const outcome = (state: StepOutcome['state'], durationMs: number): StepOutcome => ({
      step: step.name,
      state,
      reason: decision.reason,
      durationMs,
    })
    if (options.dryRun) {
      if (decision.reusable) contents.set(step.name, decision.reusable.content)
      outcomes.push(outcome(decision.reusable ? 'would-skip' : 'would-run', 0))
    } else if (decision.reusable) {
      await removeCheckpoint(options.folder, step.name)
      contents.set(step.name, decision.reusable.content)
      outcomes.push(outcome('skipped', options.world.now() - startedAt))
    } else {
      assertHeld()
      await options.onStart?.(step, decision.reason)
      // Who forces a step does not trust what was computed before.
      if (forced.has(step.name)) await removeCheckpoint(options.folder, step.name)
      const manifest = await runStep(step, decision.ingredients, options, assertHeld)
      contents.set(step.name, manifest.content)
      outcomes.push(outcome('ran', options.world.now() - startedAt))
    }
    await tell(outcomes.at(-1)!, options)
    if (!options.dryRun) await step.check?.((file) => join(options.folder, step.name, file))
  }
  return outcomes
}

interface Decision {
  readonly reason: string
  readonly ingredients: Ingredients
  /** The manifest of outputs that can serve again. */
  readonly reusable?: StepManifest
}

const decide = async (
  step: Step,
  contents: ReadonlyMap<string, string>,
  isForced: boolean,
  options: PipelineOptions,
): Promise<Decision> => {
  // Only a dry run knows an input without content: one that would run first.
  const unknown = step.inputs.find((name) => !contents.has(name))
  const ingredients = await ingredientsOf(step, contents, unknown === undefined ? options : undefined)
  if (isForced) return { reason: 'forced', ingredients }
  const folder = join(options.folder, step.name)
  const manifest = await readManifest(folder)
  if (manifest === undefined) return { reason: 'no finished output', ingredients }
  if (unknown !== undefined) return { reason: `${unknown} would run first`, ingredients }
  const outdated = whyOutdated(manifest, ingredients)
  if (outdated !== undefined) return { reason: outdated, ingredients }
  const altered = await findAlteredFile(folder, manifest)
  if (altered !== undefined) return { reason: `output missing or altered: ${altered}`, ingredients }
  return { reason: 'up to date', ingredients, reusable: manifest }
}

const ingredientsOf = async (
  step: Step,
  contents: ReadonlyMap<string, string>,
  options: PipelineOptions | undefined,
): Promise<Ingredients> => ({
  step: step.name,
  code: options === undefined ? '' : await codeVersionOf(step.module, options.runtime),
  settings: flattenSettings({ ...step.settings, ...(await step.identities?.()) }),
  inputs: Object.fromEntries(step.inputs.map((name) => [name, contents.get(name) ?? ''])),
  sources: options === undefined ? [] : await hashAll((await step.sources?.(options.work)) ?? []),
})

const hashAll = async (paths: readonly string[]): Promise<string[]> => {
  const hashes: string[] = []
  for (const path of paths) hashes.push(await sha256OfFile(path))
  return hashes
}

const TEMPORARY = /^\.(?:making|replaced)-/

const runStep = async (
  step: Step,
  ingredients: Ingredients,
  options: PipelineOptions,
  assertHeld: () => void,
): Promise<StepManifest> => {
  const making = join(options.folder, `.making-${step.name}`)
  await mkdir(making, { recursive: true })
  try {
    await step.run(workOf(step, making, await openCheckpoint(options.folder, ingredients), options))
    throwIfAborted(options.work.signal, step)
    const manifest = await writeManifest(making, ingredients)
    assertHeld()
    await replaceFolder(making, options.folder, step.name)
    await removeCheckpoint(options.folder, step.name)
    return manifest
  } catch (error) {
    // Whatever a library throws when it is interrupted, people asked for the interruption.
    throwIfAborted(options.work.signal, step)
    throw error
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

/**
 * A folder that is not empty cannot be renamed over; a crash between the two renames is a step without
 * output: redone.
 */
const replaceFolder = async (made: string, folder: string, name: string): Promise<void> => {
  const place = join(folder, name)
  const replaced = join(folder, `.replaced-${name}`)
  await rename(place, replaced).catch(() => undefined)
  await rename(made, place)
  await rm(replaced, { recursive: true, force: true })
}

const workOf = (step: Step, making: string, checkpoint: Checkpoint, options: PipelineOptions): StepWork => ({
  ...options.work,
  output: (file) => join(making, file),
  input: (name, file) => {
    if (!step.inputs.includes(name))
      throw new VigiaError('PIPELINE_INPUT_UNDECLARED', {
        step: step.name,
        got: name,
        allowed: step.inputs.join(', ') || 'none',
      })
    return join(options.folder, name, file)
  },
  checkpoint,
})

const tell = async (outcome: StepOutcome, options: PipelineOptions): Promise<void> => {
  options.onOutcome?.(outcome)
  if (options.dryRun) return
  const line = { at: new Date(options.world.now()).toISOString(), ...outcome }
  await appendFile(join(options.folder, 'log.jsonl'), `${JSON.stringify(line)}\n`)
}

const removeLeftovers = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder))
    if (TEMPORARY.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}

const throwIfAborted = (signal: AbortSignal, step: Step): void => {
  if (signal.aborted) throw new VigiaError('INTERRUPTED', { activity: step.activity })
}
