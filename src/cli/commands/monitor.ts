import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import type { OpenAlerts } from '../../alerts/open-alerts.ts'
import type { ServingSettings } from '../../config/serving-config.ts'
import { assertFolders } from '../../decisions/log/logged-entries.ts'
import { writeTextAtomically } from '../../disk/write-atomically.ts'
import type { DriftSeverity } from '../../drift/severity.ts'
import { VigiaError } from '../../errors.ts'
import { DAY_MS } from '../../foundation/days.ts'
import type { World } from '../../foundation/world.ts'
import { lookOf } from '../../monitoring/findings.ts'
import { driftSettingsOf, everyMsOf, logsOf, reportsIn } from '../../monitoring/look-settings.ts'
import { monitorLog } from '../../monitoring/monitor-log.ts'
import { type MonitorReport, monitorJson } from '../../monitoring/monitor-report.ts'
import { monitoredModel } from '../../monitoring/monitored-model.ts'
import { savedReports } from '../../monitoring/saved-reports.ts'
import type { ServingStorage } from '../../pipelines/service/serving-storage.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { freeOutput } from '../output-file.ts'
import { plainTable } from '../plain-table.ts'
import type { StateTools } from './state.ts'

/** What the command needs of the composition root. */
export interface MonitorTools {
  readonly storage: Pick<ServingStorage, 'readLog'>
  readonly modelLoader: StateTools['modelLoader']
  readonly openAlerts: OpenAlerts
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
  summary: 'look for drift in the latest days of a prediction log',
  description:
    'Profiles every logged decision by the day of its event, and looks at the latest days that are over, one after the other: each is held against what its weekday and the days before it let expect, those of training included, over all features, scores and segments together. Of looks without drift, at most one in twenty raises anything (docs/drift.md). Tells how large each change is, what it does to scores and alerts, and what to do. Decisions by other models are scored again by this one. The server may go on meanwhile. --tell keeps the report (monitoring.path) and tells the alerts (alerts.channels) what the latest day showed, as the server does by itself: a job of systemd or Kubernetes does without it. A day that was told before is not told again. Exit codes: 0 nothing, 10 moderate, 11 severe, 12 critical, of the latest day; 1: not everything that was to be sent has arrived, and will be tried again.',
  options: [
    {
      flags: '-l, --log <folder>',
      description: 'folder of a log (may be repeated); otherwise monitoring.logs, or prediction_log.path',
      repeatable: true,
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
  ],
  run: (context, input) => monitor(context, input, tools),
})

const monitor = async (
  context: CommandContext,
  input: CommandInput,
  tools: MonitorTools,
): Promise<ExitCode> => {
  const { settings } = await readServingConfig(context, input)
  const { log, out, html, tell } = input.options
  const looks = looksOf(input, settings)
  if (typeof out === 'string' && typeof html === 'string' && resolve(out) === resolve(html))
    throw invalid(`--out and --html both name ${out}; allowed: a file for each`)
  const folders =
    Array.isArray(log) && log.length > 0
      ? log.map((folder) => resolve(context.workingDirectory, String(folder)))
      : logsOf(settings)
  await assertFolders(folders)
  const [reportPath, pagePath] = [await free(context, input, out), await free(context, input, html)]
  const report = await look({ context, input, tools, settings, folders, looks })
  const json = monitorJson(report)
  const page = pagePath !== undefined || tell === true ? await tools.renderers.monitoring(report) : ''
  if (reportPath !== undefined) await writeTextAtomically(reportPath, json)
  if (pagePath !== undefined) await writeTextAtomically(pagePath, page)
  const told =
    tell === true ? await tellAlerts({ context, tools, settings, folders, report, json, page }) : undefined
  const text = describe(report, tools.world.now())
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
  tools: { storage, modelLoader, world },
  settings,
  folders,
  looks,
}: Asked & {
  readonly input: CommandInput
  readonly folders: readonly string[]
  readonly looks: number
}): Promise<MonitorReport> => {
  const { workingDirectory, environment } = context
  const { model } = input.options
  const load = modelLoader(settings.model, environment, workingDirectory)
  const watched = monitoredModel(await load(typeof model === 'string' ? model : settings.model.source))
  const workFolder = join(workingDirectory, '.vigia')
  await mkdir(workFolder, { recursive: true })
  const database = {
    threads: availableParallelism(),
    memoryLimit: '2GB',
    tempDirectory: join(workFolder, '.monitor-spill'),
  }
  return monitorLog({
    model: watched,
    folders,
    openLog: storage.readLog,
    workFolder,
    work: { ...context.work, database },
    looks,
    settings: driftSettingsOf(settings.monitoring),
    nowMs: world.now(),
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

const describe = (report: MonitorReport, nowMs: number): string => {
  const { model, looks, unfinished, advice } = report
  const latest = looks.at(-1)!
  const rows = looks.map(({ date, rows: of, severity, statistic, limit, score }) => [
    date,
    String(of),
    severity,
    Number.isNaN(limit) ? '' : `${statistic.toFixed(1)} of ${limit.toFixed(1)}`,
    Number.isNaN(score.alertRate) ? '' : `${(100 * score.alertRate).toFixed(2)} %`,
  ])
  return [
    `${model.name} ${model.version}, ${latest.historyDays} days of history`,
    '',
    ...plainTable([['day', 'rows', 'severity', 'furthest', 'alerts'], ...rows], { right: [1, 3, 4] }),
    ...(unfinished === null ? [] : [`${unfinished.date} may not be over: ${unfinished.rows} rows so far`]),
    ...silentFor(report, nowMs),
    '',
    ...latest.reasons,
    ...(latest.reasons.length > 0 ? [''] : []),
    ...advice,
  ]
    .map((line) => `${line}\n`)
    .join('')
}

/** A server that decides on nothing has no new days: what is said of the last one says nothing of now. */
const silentFor = ({ unfinished, looks }: MonitorReport, nowMs: number): readonly string[] => {
  const latest = unfinished?.date ?? looks.at(-1)!.date
  const days = Math.floor((nowMs - Date.parse(latest)) / DAY_MS)
  return days < 2 ? [] : [`The log ends ${days} days ago, on ${latest}: of the time since it says nothing.`]
}
