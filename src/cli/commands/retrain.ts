import { mkdir } from 'node:fs/promises'
import type { ServingSettings } from '../../config/serving-config.ts'
import { VigiaError } from '../../errors.ts'
import { DAY_MS, dayStartOf } from '../../foundation/days.ts'
import { advanceAll, advanceService } from '../../lifecycle/advance-service.ts'
import { alertsOfRetraining } from '../../lifecycle/alerts-of-retraining.ts'
import { lookAtService } from '../../lifecycle/look-at-service.ts'
import { createServiceWorks, type ServiceRetraining } from '../../lifecycle/retraining-of-service.ts'
import {
  type Advanced,
  type AdvanceOptions,
  type ChangeRetraining,
  cancelRetraining,
} from '../../retraining/advance-retraining.ts'
import type { RetrainingFinding, RetrainingLook } from '../../retraining/finding.ts'
import { episodesOf, type RetrainingBook } from '../../retraining/retraining-book.ts'
import { rulesOfSettings } from '../../retraining/rules-of-settings.ts'
import type { Command, CommandContext, CommandInput, ExitCode } from '../command.ts'
import { CONFIG_OPTIONS, readServingConfig } from '../config-option.ts'
import { onOneLine, plainTable } from '../plain-table.ts'
import { adminApi } from './admin-api.ts'
import type { AlertsTools } from './alerts.ts'
import { controlOverHttp } from './served-control.ts'
import { openServiceRetraining, type RetrainingTools, retrainedModel } from './service-retraining.ts'
import { print } from './state-action.ts'

/** What the command needs of the composition root. */
export interface RetrainTools extends RetrainingTools {
  readonly openAlerts: AlertsTools['openAlerts']
  readonly openRetraining: (settings: ServingSettings['retraining']) => ChangeRetraining
}

/** `vigia retrain`: the next due step of a retraining, from a trigger to a watched champion. */
export const retrainCommand = (tools: RetrainTools): Command => ({
  name: 'retrain',
  summary: 'train again when it is called for: the next due step, from a trigger to a watched champion',
  description:
    'Does the next due step of the retraining that runs, or with --all all steps that are due, and returns: a timer calls it as often as it likes. --if-drift looks at the log first, and begins where what was found asks for it: not for broken data. --scheduled begins because it is time, --request WHY because somebody asks. One runs at a time, a trigger begins one, and a training waits for labels, cooldown and budget; it says for which. A challenger is compared with the champion on matured rows that neither has learnt from, passes the gates of promotion, scores beside, decides for some users, then for all, and goes back by itself where it is worse (docs/retraining.md). Killed anywhere, the next call goes on. Exit code 1: a step failed, or the challenger was refused or taken back.',
  options: [
    { flags: '--status', description: 'tell how retraining stands, and what was done when and why' },
    { flags: '--dry-run', description: 'tell what would be done, and why, and do nothing' },
    { flags: '--all', description: 'go on until nothing is due, where each call else does one step' },
    { flags: '--if-drift', description: 'look at the latest day of the log and at labels first' },
    { flags: '--scheduled <due>', description: 'it was due at this time (2026-12-01T03:00:00Z)' },
    { flags: '--request <why>', description: 'begin because somebody asks, for this reason' },
    {
      flags: '--since <day>',
      description: 'with --request: things have changed since this day (2026-11-20, UTC)',
    },
    { flags: '--cancel <why>', description: 'end the retraining that runs; what is in service goes back' },
    {
      flags: '--server <url>',
      description: 'server whose models are changed; otherwise as the settings say',
    },
    { flags: '--by <person>', description: 'who asks; otherwise USER of the environment' },
    ...CONFIG_OPTIONS,
  ],
  examples: [
    { command: 'vigia retrain --if-drift --all', explanation: 'What a timer calls each day.' },
    { command: 'vigia retrain --dry-run', explanation: 'What would be done now, and what it waits for.' },
    {
      command: 'vigia retrain --request "new card product" --since 2026-11-20',
      explanation: 'Waits for labels of decisions since that day, where the product began.',
    },
    { command: 'vigia retrain --status', explanation: 'How it stands, and how it came to that.' },
  ],
  run: (context, input) => retrain(context, input, tools),
})

const retrain = async (
  context: CommandContext,
  input: CommandInput,
  tools: RetrainTools,
): Promise<ExitCode> => {
  const { settings } = await readServingConfig(context, input)
  if (input.options['since'] !== undefined && typeof input.options['request'] !== 'string')
    throw invalid('--since belongs to --request: what a look finds says itself since when')
  const change = tools.openRetraining(settings.retraining)
  const model = await retrainedModel(context, settings)
  const by = personOf(context, input)
  if (input.options['status'] === true) return status(context, await bookOf(change), model)
  const why = input.options['cancel']
  if (typeof why === 'string') {
    const episode = await cancelRetraining({ model, change, now: tools.world.now, by }, why)
    print(context, { episode }, [`${episode.status}: ${why}`])
    return 0
  }
  const control = controlOverHttp(adminApi(settings, input.options['server'], context.environment))
  const program = 'vigia retrain'
  const parts = await openServiceRetraining({ place: context, settings, tools, control, by, program })
  try {
    const look = await lookOf(input, parts, settings)
    const options: AdvanceOptions = {
      model,
      change,
      works: createServiceWorks(parts),
      control,
      rules: rulesOfSettings(settings.retraining),
      now: tools.world.now,
      by,
      signal: context.work.signal,
      dryRun: input.options['dryRun'] === true,
      ...(look !== undefined && { look }),
    }
    const advance = input.options['all'] === true ? advanceAll : advanceOnce
    const steps = await advance(settings.retraining.path, tools.owner, options)
    if (!options.dryRun) await tellAlerts(settings, context, tools, await bookOf(change), model)
    print(
      context,
      { steps },
      steps.flatMap((step) => tellAdvanced(step, model)),
    )
    return steps.some(isBad) ? 1 : 0
  } finally {
    await parts.store.tracker.close()
  }
}

/** The next due step. */
const advanceOnce: typeof advanceAll = async (...of) => [await advanceService(...of)]

/** Looks of retraining are expected so often. */
const EVERY_MS = DAY_MS

/** What stands of retraining, for the alerts. They are no reason for a step that was done to fail. */
const tellAlerts = async (
  { alerts }: ServingSettings,
  { environment, stderr }: CommandContext,
  { openAlerts, world }: RetrainTools,
  book: RetrainingBook,
  model: string,
): Promise<void> => {
  try {
    const { center } = await openAlerts(alerts, environment)
    try {
      await center.look(alertsOfRetraining(book, model, { nowMs: world.now(), everyMs: EVERY_MS }))
      await center.deliver()
    } finally {
      await center.close()
    }
  } catch (error) {
    if (!(error instanceof VigiaError)) throw error
    stderr.write(`warning: nobody was told by alerts: ${error.message}\n`)
  }
}

/** What calls for a retraining now; undefined: only what runs goes on. */
const lookOf = async (
  { options }: CommandInput,
  parts: ServiceRetraining,
  { monitoring }: ServingSettings,
): Promise<RetrainingLook | undefined> => {
  const called: RetrainingFinding[] = []
  const { scheduled, request, since } = options
  const { world } = parts
  const nowMs = world.now()
  if (typeof scheduled === 'string') {
    const dueMs = Date.parse(scheduled)
    if (Number.isNaN(dueMs))
      throw invalid(`--scheduled is a time such as 2026-12-01T03:00:00Z; got "${scheduled}"`)
    called.push({ kind: 'schedule', dueMs })
  }
  if (typeof request === 'string') {
    if (request.trim() === '') throw invalid('--request says why; got nothing')
    const sinceMs = typeof since === 'string' ? sinceOf(since, nowMs) : null
    called.push({ kind: 'request', id: world.newId(), by: parts.by, why: request, sinceMs })
  }
  const isLooking = options['ifDrift'] === true
  if (!isLooking && called.length === 0) return undefined
  const champion = await parts.loadModel(await parts.championSource())
  const { model, logs, work, runs } = parts
  const asked = { model, champion: champion.key, id: `called at ${new Date(nowMs).toISOString()}` }
  if (!isLooking) return { ...asked, findings: called }
  await mkdir(runs, { recursive: true })
  const openLog = parts.storage.readLog
  const look = await lookAtService({
    model,
    champion,
    logs,
    monitoring,
    openLog,
    workFolder: runs,
    work,
    nowMs,
  })
  if (called.length === 0) return look
  // A look that was taken in already must not swallow what somebody asks for.
  const { findings = [], brokenDays = [] } = look ?? {}
  return { ...asked, findings: [...called, ...findings], brokenDays }
}

const sinceOf = (since: string, nowMs: number): number => {
  const sinceMs = dayStartOf(since)
  if (sinceMs === undefined || sinceMs > nowMs)
    throw invalid(`--since is a day of the past such as 2026-11-20; got "${since}"`)
  return sinceMs
}

const bookOf = (change: ChangeRetraining): Promise<RetrainingBook> => change((book) => ({ result: book }))

const status = (context: CommandContext, book: RetrainingBook, model: string): ExitCode => {
  const episodes = episodesOf(book, model)
  const ids = new Set(episodes.map(({ id }) => id))
  const records = book.records.filter(({ episode }) => ids.has(episode))
  const rows = records.map(({ atMs, by, from, to, why }) => [
    new Date(atMs).toISOString(),
    onOneLine(by),
    from === null || from === to ? to : `${from} to ${to}`,
    onOneLine(why, 200),
  ])
  const last = episodes.at(-1)
  print(
    context,
    { episodes, records },
    last === undefined
      ? [`${model} was never trained again.`]
      : [`${model}: ${last.status} since ${new Date(last.sinceMs).toISOString()}`, '', ...plainTable(rows)],
  )
  return 0
}

const tellAdvanced = (advanced: Advanced, model: string): readonly string[] => {
  switch (advanced.kind) {
    case 'idle':
      return [`No retraining of ${model} is under way, and nothing asks for one.`]
    case 'overtaken':
      return ['Another process did the step meanwhile.']
    case 'waits': {
      const until = advanced.untilMs === null ? '' : ` (until ${new Date(advanced.untilMs).toISOString()})`
      return [`${advanced.episode.status}: ${advanced.why}${until}`]
    }
    case 'would':
      return [`${advanced.episode.status}: would ${advanced.what}`, `because ${advanced.why}`]
    default: {
      const { from, to, why } = advanced.record
      return [`${from === to ? to : `${from} to ${to}`}: ${why}`]
    }
  }
}

const isBad = (advanced: Advanced): boolean =>
  advanced.kind === 'failed' || (advanced.kind === 'moved' && BAD.includes(advanced.record.to))

const BAD: readonly string[] = ['refused', 'restoring', 'rolling_back', 'rolled_back', 'failed']

const personOf = ({ environment }: CommandContext, { options }: CommandInput): string =>
  String(options['by'] ?? (environment['USER'] || environment['LOGNAME'] || 'vigia'))

const invalid = (reason: string): VigiaError =>
  new VigiaError('CLI_INVALID_ARGUMENT', { command: 'retrain', reason })
