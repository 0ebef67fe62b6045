import { relative, resolve } from 'node:path'
import type { ServedAlerts } from '../../alerts/served-alerts.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import type { StartChoice } from '../../decisions/log/served-choice.ts'
import type { TableStatus } from '../../decisions/tables/table-status.ts'
import type { Work } from '../../disk/work.ts'
import { firstNames } from '../../foundation/first-names.ts'
import type { ScheduledRetraining } from '../../lifecycle/served-retraining.ts'
import type { ScheduledLooks } from '../../monitoring/served-looks.ts'
import type { StatesOutcome } from '../../pipelines/service/open-service.ts'
import { countsText } from '../../transaction/entity-kind.ts'
import type { Command, CommandContext, OnHangup } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'

/** A server that is listening. */
export interface RunningServer {
  /** `http://127.0.0.1:8000`. */
  readonly address: string
  readonly models: readonly ServedModel[]
  /** Expressions of the mapping that run as SQL for each row, by what they give; undefined: no mapping. */
  readonly mapping: Readonly<Record<string, string>> | undefined
  /** In which transactions are looked up. */
  readonly tables: readonly TableStatus[]
  /** Milliseconds from the start of the process until it was ready. */
  readonly startedInMs: number
  /** Resolves when another process has taken over what this one writes to: it can decide on nothing more. */
  readonly lost: Promise<Error>
  /** Finishes what was accepted, saves everything. */
  close(): Promise<void>
}

/** When a server takes its keys, certificate and log level anew, and from where the level. */
export interface ReloadTriggers {
  /** The settings as they are by now. @throws CONFIG_FILE_UNREADABLE, CONFIG_YAML_INVALID, CONFIG_INVALID */
  readonly readSettings: () => Promise<ServingSettings>
  /** Files whose change is one: that of the configuration. */
  readonly files: readonly string[]
  readonly onHangup: OnHangup
}

/** What the command needs of the composition root. */
export interface ServeTools {
  readonly startServer: (options: {
    readonly settings: ServingSettings
    readonly environment: CommandContext['environment']
    readonly workingDirectory: string
    readonly work: Pick<Work, 'signal' | 'reportProgress'>
    readonly onStates: (outcome: StatesOutcome) => void
    readonly onModels: (choice: StartChoice) => void
    readonly triggers: ReloadTriggers
    readonly onNotice: (text: string) => void
    /** Looks that it takes while it runs; absent: none. */
    readonly looks?: ScheduledLooks
    /** Retraining that it does while it runs; absent: none. */
    readonly retraining?: ScheduledRetraining
    /** Told of what somebody has to mend, at the start and later. */
    readonly onWarning?: (text: string) => void
    /** Absent: it keeps none. */
    readonly alerts?: ServedAlerts
  }) => Promise<RunningServer>
}

/** `vigia serve`: decisions over HTTP. */
export const serveCommand = ({ startServer }: ServeTools): Command => ({
  name: 'serve',
  summary: 'decide on transactions over HTTP',
  description:
    'Serves the model of the configuration (model.source): POST /predict answers one transaction with its probability of fraud and a decision, from the features that training would have computed. States and decisions are durable: what was answered survives a crash of the process. An empty state store is filled with the history that the model was trained on. Stops on Ctrl-C or SIGTERM, after it has finished what it had accepted, and when another server has taken over its folders, as after it stood still; on SIGHUP, and when their files change, it takes API keys, TLS certificate and log level anew. /docs describes every route.',
  options: [...CONFIG_OPTIONS],
  endsWithSignal: true,
  examples: [
    { command: 'vigia serve', explanation: 'The model of `vigia run`, on this machine only.' },
    {
      command: 'vigia serve --set model.source=models:/fraud-detector@production --set api.port=9000',
      explanation: 'The model in production, on another port.',
    },
    {
      command: 'vigia serve --set state_store.kind=redis --set state_store.url=redis://127.0.0.1:6379',
      explanation: 'One of several servers that share their states.',
    },
  ],
  run: async (context, input) => {
    const { settings } = await readServingConfig(context, input)
    const { workingDirectory, environment, work, stdout, stderr, json } = context
    const { config } = input.options
    const tell = (line: string): void => {
      if (!json) stdout.write(`${line}\n`)
    }
    const server = await startServer({
      settings,
      environment,
      workingDirectory,
      work,
      onStates: (outcome) => tell(statesLine(outcome, workingDirectory)),
      onModels: (choice) => tell(choiceLine(choice)),
      triggers: {
        readSettings: async () => (await readServingConfig(context, input)).settings,
        files: typeof config === 'string' ? [resolve(workingDirectory, config)] : [],
        onHangup: context.onHangup ?? (() => () => undefined),
      },
      onNotice: (text) => tell(`store      ${settings.state_store.kind}: ${text}`),
      onWarning: (text) => stderr.write(`warning    ${text}\n`),
    })
    if (json) stdout.write(`${JSON.stringify(runningJson(server, settings))}\n`)
    else for (const line of welcome(server, settings)) tell(line)
    const loss = await Promise.race([untilAborted(work.signal), server.lost])
    tell('closing: finishing what was accepted')
    if (loss === undefined) {
      await server.close()
      return 0
    }
    // What it closes belongs to another process: whether that works says nothing any more.
    await server.close().catch(() => undefined)
    throw loss
  },
})

const statesLine = (outcome: StatesOutcome, workingDirectory: string): string => {
  if (outcome.kind === 'kept') return 'states     kept from before'
  if (outcome.kind === 'empty')
    return 'states     none: every user is new (`vigia state load` gives them a history)'
  const { pendingLabels } = outcome
  const labels = pendingLabels > 0 ? `, ${pendingLabels} labels that are not due yet` : ''
  return `states     ${countsText(outcome.counts)}${labels} from ${relative(workingDirectory, outcome.from)}`
}

/** Which models are taken where an act of administration had chosen others, and why. */
const choiceLine = ({ isStanding, served, configured, chosenAtMs }: StartChoice): string => {
  const at = new Date(chosenAtMs).toISOString()
  return isStanding
    ? `models     as chosen by /admin at ${at}: ${sourcesText(served)}; the configuration says ${sourcesText(configured)}`
    : `models     as the configuration says: ${sourcesText(configured)}; what /admin chose at ${at} (${sourcesText(served)}) is given up`
}

const sourcesText = ({ source, shadow, canary, canary_share }: StartChoice['served']): string =>
  [
    source,
    ...(canary === '' ? [] : [`canary ${canary} for ${canary_share}`]),
    ...(shadow === '' ? [] : [`shadow ${shadow}`]),
  ].join(', ')

const welcome = (
  { address, models, mapping, tables, startedInMs }: RunningServer,
  { security, api, alerts, control_sample }: ServingSettings,
): string[] => [
  ...models.map(
    ({ role, title, name, version, threshold }) =>
      `${role.padEnd(10)} ${name} ${version}: ${title}, flags from ${threshold.toFixed(4)} on`,
  ),
  ...(mapping === undefined ? [] : [mappingLine(Object.keys(mapping))]),
  ...(tables.length === 0 ? [] : [tablesLine(tables)]),
  ...(security.guarded_by === 'platform' ? [guardLine(api.host)] : []),
  ...(Object.keys(alerts.channels).length === 0
    ? []
    : [`alerts     to ${Object.keys(alerts.channels).join(', ')}; what fires: ${address}/alerts/page`]),
  ...sampleLines(control_sample),
  `listening  ${address} (ready in ${Math.round(startedInMs)} ms), described at ${address}/docs`,
  ...(api.grpc_port === 0 ? [] : [`gRPC       ${api.host}:${api.grpc_port}, inference.GRPCInferenceService`]),
  '',
  'Try it:',
  `  curl -s ${address}/sample-transaction | curl -s '${address}/predict?reasons=3' -H 'content-type: application/json' -d @-`,
]

const runningJson = ({ address, models }: RunningServer, { api }: ServingSettings) => ({
  address,
  ...(api.grpc_port !== 0 && { grpc: `${api.host}:${api.grpc_port}` }),
  models: models.map(modelJson),
})

const guardLine = (host: string): string =>
  `guard      NOT THIS SERVER: the platform (security.guarded_by). Whoever reaches ${host} may decide, read and give labels without a key; only administration needs one`

/** What is answered otherwise than the model says: nobody should wonder about it. */
const sampleLines = ({
  let_through,
  review,
  most_amount_minor,
}: ServingSettings['control_sample']): readonly string[] => {
  const bounds = Object.entries(most_amount_minor).map(([currency, most]) => `${currency} ${most}`)
  return [
    ...(let_through > 0
      ? [
          `sample     ${let_through} of what reaches the threshold is let through, up to ${bounds.join(', ')} (minor units)`,
        ]
      : []),
    ...(review > 0 ? [`sample     ${review} of all else is for review`] : []),
  ]
}

const MOST_NAMES = 6

/** What rows cost that come with mapping=source. */
const mappingLine = (slow: readonly string[]): string => {
  if (slow.length === 0) return 'mapping    rows of the source are mapped without SQL'
  return `mapping    SQL for each row of the source (mapping=source): ${firstNames(slow, MOST_NAMES)}`
}

/** In which tables transactions are looked up. */
const tablesLine = (tables: readonly TableStatus[]): string =>
  `tables     ${tables.map(({ name, rows, unusableRows }) => `${name} ${rows} rows${unusableRows === 0 ? '' : ` (${unusableRows} more cannot be found)`}`).join(', ')}`

const modelJson = ({ role, name, version, source, sha256 }: ServedModel) => ({
  role,
  name,
  version,
  source,
  sha256,
})

const untilAborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
