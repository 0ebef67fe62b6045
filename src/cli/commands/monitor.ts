import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { OpenAlerts } from '../../alerts/open-alerts.ts'
import { isDatabaseAddress } from '../../config/database-address.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import { databaseOfSource } from '../../dataset/source-of-copy.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { writeTextAtomically } from '../../disk/write-atomically.ts'
import type { DriftSeverity } from '../../drift/severity.ts'
import { VigiaError } from '../../errors.ts'
import type { World } from '../../foundation/world.ts'
import { withDatabaseFeatures } from '../../monitoring/database-features.ts'
import { lookOf } from '../../monitoring/findings.ts'
import { driftSettingsOf, everyMsOf, logsOf, reportsIn } from '../../monitoring/look-settings.ts'
import { monitorFeatures } from '../../monitoring/monitor-features.ts'
import { monitorLog } from '../../monitoring/monitor-log.ts'
import { type MonitorReport, monitorJson } from '../../monitoring/monitor-report.ts'
import { monitoredModel } from '../../monitoring/monitored-model.ts'
import { savedReports } from '../../monitoring/saved-reports.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { OpenBankDatabase } from '../../ports/bank-database.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { freeOutput } from '../output-file.ts'
import { monitorText } from './monitor-text.ts'
import type { StateTools } from './state.ts'

/** What the command needs of the composition root. */
export interface MonitorTools {
  readonly storage: Pick<ServingStorage, 'readLog'>
  readonly modelLoader: StateTools['modelLoader']
  readonly openAlerts: OpenAlerts
  readonly openDatabase: OpenBankDatabase
  readonly world: Pick<World, 'now'>
  readonly renderers: { readonly monitoring: (report: MonitorReport) => Promise<string> }
}

/** Exit codes by severity: 0 without any. */
export const SEVERITY_CODES = { none: 0, moderate: 10, severe: 11, critical: 12 } as const satisfies Record<
  DriftSeverity,
  ExitCode
>

/** `vigia monitor`: whether what comes in is still what the model was made for. */
export const monitorCommand = (tools: MonitorTools): Command => ({
  name: 'monitor',
  summary: 'look for drift, worse decisions and broken data in the latest days of a prediction log',
  description:
    'Profiles every logged decision by the day of its event, and looks at the latest days that are over, one after the other: each is held against what its weekday and the days before it let expect, those of training included, over all features, scores and segments together. Of looks without drift, at most one in twenty raises anything (docs/drift.md). Tells how large each change is, what it does to scores and alerts, and what to do. Decisions by other models are scored again by this one. From the labels that were told it says how good the decisions were, by cohorts with what is still to come, and tests whether that has changed (docs/performance-monitoring.md); and it looks for faults of the data, on which no model must be trained. The server may go on meanwhile. --tell keeps the report (monitoring.path) and tells the alerts (alerts.channels) what the latest day showed, as the server does by itself: a job of systemd or Kubernetes does without it. A day that was told before is not told again. Exit codes: 0 nothing, 10 moderate, 11 severe, 12 critical: the worst of the latest day’s drift, of performance and of data; 1: not everything that was to be sent has arrived, and will be tried again.',
  options: [
    {
      flags: '-l, --log <folder>',
      description: 'folder of a log (may be repeated); otherwise monitoring.logs, or prediction_log.path',
      repeatable: true,
    },
    {
      flags: '--features <source>',
      description:
        'look at a file of `vigia features` (Parquet) instead of a log, or at a table of a database with the same columns (postgres://user@host/db?table=schema.name): each row as the model would decide on it',
    },
    {
      flags: '--model <source>',
      description: 'model whose features and scores are watched, as model.source; otherwise model.source',
    },
    {
      flags: '--days <number>',
      description:
        'how many of the latest days to look at; all before them are history; otherwise monitoring.days',
      type: 'integer',
    },
    { flags: '--html <file>', description: 'page with pictures to write' },
    { flags: '-o, --out <file>', description: 'JSON report to write' },
    { flags: '--force', description: 'replace the page and the report if they exist' },
    { flags: '--tell', description: 'keep the report and tell the alerts, as the server does' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia monitor', explanation: 'The last seven days of the server of this folder.' },
    {
      command: 'vigia monitor --days 1 --html drift.html',
      explanation: 'Yesterday, as a page with pictures; the exit code says how bad it is.',
    },
    {
      command: 'vigia monitor --tell --config serving.yaml',
      explanation: 'What the server does each night, as a job of its own.',
    },
    {
      command: 'vigia monitor --features features.parquet --model runs/vigia',
      explanation: 'The latest days of a file of features, of whatever source it was made.',
    },
  ],
  run: (context, input) => monitor(context, input, tools),
})

const monitor = async (
  context: CommandContext,
  input: CommandInput,
  tools: MonitorTools,
): Promise<ExitCode> => {
  const { settings } = await readServingConfig(context, input)
  const { log, features, out, html, tell } = input.options
  const looks = looksOf(input, settings)
  if (typeof out === 'string' && typeof html === 'string' && resolve(out) === resolve(html))
    throw invalid(`--out and --html both name ${out}; allowed: a file for each`)
  const named = Array.isArray(log)
    ? log.map((folder) => resolve(context.workingDirectory, String(folder)))
    : []
  if (typeof features === 'string' && (named.length > 0 || tell === true))
    throw invalid(`--features and ${tell === true ? '--tell' : '--log'} are both given; allowed: one of them`)
  const folders = named.length > 0 ? named : logsOf(settings)
  if (typeof features !== 'string') await assertFolders(folders)
  const [reportPath, pagePath] = [await free(context, input, out), await free(context, input, html)]
  const report = await look({ context, input, tools, settings, folders, looks })
  const json = monitorJson(report)
  const page = pagePath !== undefined || tell === true ? await tools.renderers.monitoring(report) : ''
  if (reportPath !== undefined) await writeTextAtomically(reportPath, json)
  if (pagePath !== undefined) await writeTextAtomically(pagePath, page)
  const told =
    tell === true ? await tellAlerts({ context, tools, settings, folders, report, json, page }) : undefined
  const text = monitorText(report, tools.world.now())
  context.stdout.write(context.json ? json : told === undefined ? text : `${text}\n${told.line}\n`)
  return told?.hasArrived === false ? 1 : SEVERITY_CODES[report.severity]
}

const looksOf = ({ options: { days } }: CommandInput, { monitoring }: ServingSettings): number => {
  const looks = days === undefined ? monitoring.days : Number(days)
  if (looks < 1) throw invalid(`--days is ${looks}; allowed: a whole number from 1`)
  return looks
}

const invalid = (reason: string): VigiaError =>
  new VigiaError('CLI_INVALID_ARGUMENT', { command: 'monitor', reason })

interface Asked {
  readonly context: CommandContext
  readonly tools: MonitorTools
  readonly settings: ServingSettings
}

const look = async ({
  context,
  input,
  tools: { storage, modelLoader, world, openDatabase },
  settings,
  folders,
  looks,
}: Asked & {
  readonly input: CommandInput
  readonly folders: readonly string[]
  readonly looks: number
}): Promise<MonitorReport> => {
  const { workingDirectory, environment } = context
  const { model, features } = input.options
  const load = modelLoader(settings.model, environment, workingDirectory)
  const watched = monitoredModel(await load(typeof model === 'string' ? model : settings.model.source))
  const workFolder = join(workingDirectory, '.vigia')
  await mkdir(workFolder, { recursive: true })
  const database = {
    threads: availableParallelism(),
    memoryLimit: '2GB',
    tempDirectory: join(workFolder, '.monitor-spill'),
  }
  const work = { ...context.work, database }
  const common = { model: watched, work, looks, settings: driftSettingsOf(settings.monitoring) }
  if (typeof features === 'string' && isDatabaseAddress(features)) {
    const { address, request, name } = databaseOfSource({ path: features, query: '' }, '--features')
    return withDatabaseFeatures(
      { open: () => openDatabase(address, environment), request, work, workFolder },
      (path) => monitorFeatures({ ...common, path, name }),
    )
  }
  if (typeof features === 'string')
    return monitorFeatures({ ...common, path: resolve(workingDirectory, features) })
  return monitorLog({
    ...common,
    folders,
    openLog: storage.readLog,
    workFolder,
    flagged: settings.monitoring.flagged,
    nowMs: world.now(),
    tell: (notice) => context.stderr.write(`${notice}\n`),
  })
}

/** Keeps the report and tells the alerts, as the server does of its own looks. */
const tellAlerts = async ({
  context,
  tools: { openAlerts, world },
  settings: { monitoring, alerts },
  folders,
  report,
  json,
  page,
}: Asked & {
  readonly folders: readonly string[]
  readonly report: MonitorReport
  readonly json: string
  readonly page: string
}): Promise<{ readonly line: string; readonly hasArrived: boolean }> => {
  const nowMs = world.now()
  const reports = savedReports(reportsIn(monitoring.path, folders), () => '')
  await reports.save(nowMs, { json, html: page }, monitoring.reports_kept)
  const { center } = await openAlerts(alerts, context.environment)
  try {
    const isNew = await center.look(lookOf(report, everyMsOf(monitoring, nowMs)))
    await center.passTime()
    const sent = await center.deliver()
    const arrived = sent.filter(({ delivery }) => delivery.kind === 'delivered').length
    const said = isNew ? 'The alerts have been told' : 'The alerts knew of this day'
    return {
      line: `${said}; ${sent.length} messages were due, ${arrived} have arrived. The report is in ${reports.folder}.`,
      hasArrived: arrived === sent.length,
    }
  } finally {
    await center.close()
  }
}

const free = async (
  context: CommandContext,
  input: CommandInput,
  file: unknown,
): Promise<string | undefined> =>
  typeof file === 'string'
    ? freeOutput(context, { ...input, options: { ...input.options, out: file } })
    : undefined
