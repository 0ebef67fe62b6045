import type { ConfigFile } from '../config/config-file.ts'
import { loadTrainingConfig } from '../config/config-manager.ts'
import { editorSchema } from '../config/editor-schema.ts'
import { renderReference } from '../config/render-reference.ts'
import { renderYaml } from '../config/render-yaml.ts'
import { SERVING_FILE } from '../config/serving-config.ts'
import { TRAINING_FILE } from '../config/training-config.ts'
import { ERRORS } from '../errors.ts'
import { renderFigureReference } from '../evaluation/render-reference.ts'
import { FEATURE_FAMILIES } from '../features/families/index.ts'
import { ALL_FIELDS, readFeatureSettings } from '../features/feature-settings.ts'
import { renderFeatureReference } from '../features/render-reference.ts'
import { renderApiTypes } from '../serving/api-types.ts'
import { renderMetricReference } from '../serving/metrics/render-reference.ts'
import { renderAlertRules } from '../serving/metrics/render-rules.ts'
import { openApiDocument } from '../serving/openapi-document.ts'
import { DEFAULT_AMOUNTS } from '../transaction/amount-rules.ts'

/** A file of the repository that is made from the code. */
export interface GeneratedFile {
  /** Relative to the root of the project. */
  readonly path: string
  readonly content: string
}

const FILES: readonly ConfigFile[] = [TRAINING_FILE, SERVING_FILE]

/**
 * Every file that `npm run docs` writes and that a test holds up to date, so the code cannot drift from what
 * is told.
 *
 * To generate another one, add it here.
 *
 * @param version of Vigía, which the OpenAPI document names
 */
export const generatedFiles = async (version: string): Promise<readonly GeneratedFile[]> => [
  { path: 'docs/errors.md', content: renderErrors() },
  { path: 'docs/configuration.md', content: renderReference(FILES) },
  { path: 'docs/features.md', content: renderFeatures() },
  { path: 'docs/figures.md', content: renderFigureReference() },
  { path: 'docs/metrics.md', content: renderMetricReference() },
  { path: 'examples/prometheus/vigia.rules.yml', content: renderAlertRules() },
  ...FILES.map((file) => ({ path: `configs/${file.name}.yaml`, content: renderYaml(file) })),
  ...FILES.map((file) => ({
    path: `schemas/${file.name}.schema.json`,
    content: `${JSON.stringify(editorSchema(file), null, 2)}\n`,
  })),
  ...renderApi(await openApiDocument(version)),
]

const renderApi = (document: object): readonly GeneratedFile[] => [
  { path: API, content: `${JSON.stringify(document, null, 2)}\n` },
  { path: 'examples/clients/typescript/vigia-api.ts', content: renderApiTypes(document, API) },
]

const API = 'docs/openapi.json'

const renderFeatures = (): string => {
  const { features, labels } = loadTrainingConfig({
    environment: {},
    assignments: [],
    workingDirectory: '/',
  }).settings
  return renderFeatureReference(
    readFeatureSettings(features, labels, DEFAULT_AMOUNTS, { ...ALL_FIELDS, reversals: true }),
    FEATURE_FAMILIES,
  )
}

const renderErrors = (): string => {
  const entries = Object.entries(ERRORS).map(
    ([code, { message, fix, status, exitCode }]) =>
      `## ${code}\n\n> ${escaped(message)}\n\nNext step: ${escaped(fix)}\n\nExit code ${exitCode}, HTTP status ${status}.\n`,
  )
  return `# Errors\n\n<!-- Generated from src/error-table.ts by \`npm run docs\`. Change the registry instead. -->\n
Every error that Vigía raises on purpose. \`{name}\` stands for what is filled in when it happens. Exit codes: 0 done, 1 done
and the answer is no (for instance a threshold exceeded), 2 could not run, 70 unexpected failure, 130 interrupted.\n\n${entries.join('\n')}`
}

/** \`<\` would start a tag outside of code. */
const escaped = (text: string): string => text.replaceAll('<', '&lt;')
