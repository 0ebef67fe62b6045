import { VigiaError } from '../../errors.ts'
import type { OpenTrackingStore } from '../../ports/tracking-store.ts'
import type { Command, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readTrainingConfig } from '../config-option.ts'
import { compareRuns } from './tracked-runs/compare.ts'
import { listRuns } from './tracked-runs/list.ts'
import type { RunsRequest } from './tracked-runs/runs-request.ts'
import { showRun } from './tracked-runs/show.ts'

/** What the composition root hands to `vigia runs`. */
export interface RunsTools {
  readonly openTrackingStore: OpenTrackingStore
}

interface Action {
  /** Fewest and most runs that it takes. */
  readonly takes: readonly [number, number]
  readonly run: (request: RunsRequest) => Promise<ExitCode>
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { takes: [0, 0], run: listRuns },
  show: { takes: [1, 1], run: showRun },
  compare: { takes: [2, 20], run: compareRuns },
}

/** `vigia runs`: what was recorded of runs, on the server or in the folder of the configuration. */
export const runsCommand = ({ openTrackingStore }: RunsTools): Command => ({
  name: 'runs',
  summary: 'list, show and compare recorded runs',
  description:
    'list prints the runs of an experiment, the latest first; show prints one with its parameters, figures, inputs and artifacts, or the history of one metric as a chart; compare sets runs side by side. A run is named by its id, the first digits of it, its name, or `latest`. Where runs are recorded: docs/runs.md.',
  arguments: [
    { name: '<action>', description: 'what to do', choices: Object.keys(ACTIONS) },
    { name: '[runs...]', description: 'for show: the run; for compare: two or more runs' },
  ],
  options: [
    { flags: '-e, --experiment <name>', description: 'otherwise tracking.experiment, or the project name' },
    {
      flags: '--all',
      description: 'list: also the runs within each run; show, compare: also what is left out',
    },
    {
      flags: '--limit <count>',
      description: 'for list: how many runs at most',
      type: 'integer',
      defaultValue: 20,
    },
    {
      flags: '--status <status>',
      description: 'for list: only these',
      choices: ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'],
    },
    {
      flags: '--tag <key=value>',
      description: 'for list: only with this tag (may be repeated)',
      repeatable: true,
    },
    {
      flags: '--param <key=value>',
      description: 'for list: only with this parameter (may be repeated)',
      repeatable: true,
    },
    { flags: '--metric <key>', description: 'for show: the history of this metric' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia runs list', explanation: 'The last 20 runs with their figures.' },
    {
      command: 'vigia runs list --status FINISHED --param models.random_forest.trees=300',
      explanation: 'Finished ones with this setting.',
    },
    { command: 'vigia runs show latest', explanation: 'Everything about the last run.' },
    {
      command: 'vigia runs show latest --metric validation.log_loss',
      explanation: 'One metric step by step, as a chart.',
    },
    { command: 'vigia runs compare latest 4f3a9c1d', explanation: 'What differs between two runs.' },
  ],
  run: async (context, input) => {
    const action = actionIn(input)
    const { settings, entries } = await readTrainingConfig(context, input)
    const store = openTrackingStore(settings.tracking, context.environment)
    const asked = input.options['experiment']
    const experiment =
      typeof asked === 'string' ? asked : settings.tracking.experiment || settings.project.name
    try {
      return await action.run({ context, input, settings, entries, store, experiment })
    } finally {
      await store.tracker.close()
    }
  },
})

const actionIn = ({ arguments: [name = '', ...runs] }: CommandInput): Action => {
  const action = ACTIONS[name]
  const [fewest, most] = action?.takes ?? [0, 0]
  if (action !== undefined && runs.length >= fewest && runs.length <= most) return action
  const allowed = fewest === most ? String(fewest) : `${fewest} to ${most}`
  throw new VigiaError('CLI_INVALID_ARGUMENT', {
    command: 'runs',
    reason: `${name} takes ${allowed === '0' ? 'no' : allowed} run${allowed === '1' ? '' : 's'}, got ${runs.length}`,
  })
}
