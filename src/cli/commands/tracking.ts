import { relative, resolve } from 'node:path'
import type { OpenTrackingStore } from '../../ports/tracking-store.ts'
import type { PipelineOptions } from '../../steps/run-pipeline.ts'
import { findTrackedFolders } from '../../tracking/find-journals.ts'
import { type PushedRun, pushJournals, statusOfJournals } from '../../tracking/push.ts'
import type { Command, CommandContext, CommandInput } from '../command.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'

/** What the command needs of the composition root. */
export interface TrackingTools extends Pick<PipelineOptions, 'world' | 'owner'> {
  readonly openTrackingStore: OpenTrackingStore
}

/** `vigia tracking`: what runs have recorded and the tracking server does not have yet. */
export const trackingCommand = (tools: TrackingTools): Command => ({
  name: 'tracking',
  summary: 'send what runs have recorded while the tracking server was away',
  description:
    'Runs are recorded in their folders first and sent in the background. push sends what is left, exactly once: runs and versions that the server has already are found again by their keys. status tells what waits, and asks no server. Without --run, all runs below runs.directory. Exit code 1: something still waits, or was refused.',
  arguments: [{ name: '<action>', description: 'what to do', choices: ['push', 'status'] }],
  options: [
    { flags: '-r, --run <folder>', description: 'only this run folder' },
    {
      flags: '--retry-refused',
      description: 'with push: send again what was refused, after its reason is gone',
    },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia tracking status', explanation: 'What waits, and why something was refused.' },
    {
      command: 'vigia tracking push --set tracking.uri=http://127.0.0.1:5000',
      explanation: 'Sends it, now that the server is there.',
    },
  ],
  run: async (context, input) => {
    const { settings } = await readTrainingConfig(context, input)
    const folders = await runFolders(context, input, settings.runs.directory)
    let runs: readonly PushedRun[]
    if (input.arguments[0] === 'push') {
      const store = tools.openTrackingStore(settings.tracking, context.environment)
      try {
        runs = await pushJournals(folders, store, {
          world: tools.world,
          owner: tools.owner,
          work: context.work,
          retryRefused: input.options['retryRefused'] === true,
        })
      } finally {
        await store.tracker.close()
      }
    } else runs = await statusOfJournals(folders)
    if (context.json) context.stdout.write(`${JSON.stringify({ runs: runs.map(asJson) }, null, 2)}\n`)
    else context.stdout.write(describe(runs, context))
    if (context.work.signal.aborted) return 130
    return runs.every(({ waiting, refused }) => waiting === 0 && refused.length === 0) ? 0 : 1
  },
})

const runFolders = async (
  { workingDirectory }: CommandContext,
  { options }: CommandInput,
  runsDirectory: string,
): Promise<readonly string[]> =>
  typeof options['run'] === 'string'
    ? [resolve(workingDirectory, options['run'])]
    : findTrackedFolders(runsDirectory)

const asJson = ({ stoppedBy, ...run }: PushedRun) => ({
  ...run,
  ...(stoppedBy !== undefined && { stoppedBy: { code: stoppedBy.code, message: stoppedBy.message } }),
})

const describe = (runs: readonly PushedRun[], context: CommandContext): string => {
  if (runs.length === 0) return 'No run has recorded anything here.\n'
  return runs
    .flatMap((run) => [
      `${(run.waiting === 0 ? 'delivered' : 'waiting').padEnd(10)} ${relative(context.workingDirectory, run.runFolder) || '.'}  ${run.status}  started ${new Date(run.startTimeMs).toISOString()}`,
      `           experiment ${run.experiment}${run.runId === undefined ? '' : `, run ${run.runId}`}${run.location === undefined ? '' : ` in ${run.location}`}`,
      ...(run.version === undefined
        ? []
        : [`           version ${run.version.version} of ${run.version.model}`]),
      ...(run.waiting === 0 ? [] : [`           ${run.waiting} of ${run.operations} operations wait`]),
      ...(run.stoppedBy === undefined
        ? []
        : [`           ${run.stoppedBy.message}`, `           Next step: ${run.stoppedBy.fix}`]),
      ...run.refused.map(({ what, reason }) => `           refused: ${what}: ${reason}`),
    ])
    .map((line) => `${line}\n`)
    .join('')
}
