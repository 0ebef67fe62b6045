import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import picocolors from 'picocolors'
import { findVersion } from '../../../artifacts/find-version.ts'
import { VigiaError } from '../../../errors.ts'
import { sha256 } from '../../../foundation/hash.ts'
import type { PromotionEvidence } from '../../../pipelines/promotion/evidence.ts'
import type { NumberedPromotion } from '../../../pipelines/promotion/promotion.ts'
import type { ExitCode } from '../../command.ts'
import { onOneLine, plainTable } from '../../plain-table.ts'
import { byName, minuteOf } from '../tracked-runs/run-text.ts'
import { decisionTable, gateTable } from './model-text.ts'
import { type ModelsRequest, printJson, printLines, readDecisions } from './models-request.ts'

/**
 * `vigia models show`: one version with its tags, the decisions about it, and the gates of its last
 * promotion.
 */
export const showVersion = async (request: ModelsRequest): Promise<ExitCode> => {
  const { store, model, context, input } = request
  const { log, settled } = await readDecisions(request)
  const version = await findVersion(store.registry, model, input.arguments[1] ?? '')
  const decisions = settled.decisions.filter(
    ({ to, from }) => to === version.version || from === version.version,
  )
  const promoted = decisions.findLast(({ to, evidence }) => to === version.version && evidence !== null)
  const evidence = promoted && (await readEvidence(request, log.runId(), promoted))
  if (context.json) {
    printJson(request, {
      location: store.registry.location,
      ...version,
      decisions,
      evidence: evidence ?? null,
    })
    return 0
  }
  const paint = picocolors.createColors(context.useColor)
  const about = [
    ['version', `${version.version} of ${model} in ${store.registry.location}`],
    ['aliases', version.aliases.join(', ') || 'none'],
    ['created', `${minuteOf(version.createdTimeMs)} UTC`],
    ['run', version.runId ?? 'none'],
    ['files', version.source],
    ...(version.description === '' ? [] : [['about', onOneLine(version.description)]]),
  ]
  const tags = Object.entries(version.tags)
    .sort(([a], [b]) => byName(a, b))
    .map(([key, value]) => [onOneLine(key), onOneLine(value, 100)])
  printLines(request, [
    ...plainTable(about.map(([name = '', text = '']) => [paint.dim(name), text])),
    ...section(paint.bold('tags'), plainTable(tags, { indent: 2 })),
    ...section(paint.bold('decisions'), decisions.length === 0 ? [] : decisionTable(decisions, paint)),
    ...(evidence === undefined
      ? []
      : section(
          paint.bold(`gates of decision ${promoted?.number}`),
          'problem' in evidence ? [evidence.problem] : gateTable(evidence.gates, paint),
        )),
  ])
  return 0
}

const section = (title: string, lines: readonly string[]): string[] => [
  '',
  title,
  ...(lines.length === 0 ? ['  none'] : lines),
]

/** The evidence of a decision, if it is what the decision was made on. */
const readEvidence = async (
  { store: { tracker } }: ModelsRequest,
  runId: string | undefined,
  { evidence }: NumberedPromotion,
): Promise<PromotionEvidence | { readonly problem: string } | undefined> => {
  if (runId === undefined || evidence === null) return undefined
  const work = await mkdtemp(join(tmpdir(), 'vigia-evidence-'))
  try {
    const file = join(work, 'evidence.json')
    await tracker.downloadArtifact(runId, evidence.path, file)
    const text = await readFile(file, 'utf8')
    return sha256(text) === evidence.sha256
      ? (JSON.parse(text) as PromotionEvidence)
      : { problem: `${evidence.path} is not what the decision was made on: its SHA-256 is another` }
  } catch (error) {
    if (error instanceof VigiaError && error.code === 'TRACKING_NOT_FOUND') return { problem: error.message }
    throw error
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
