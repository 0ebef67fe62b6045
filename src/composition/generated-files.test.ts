import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { schemaOf } from '../config/config-file.ts'
import { type ConfigManager, loadServingConfig, loadTrainingConfig } from '../config/config-manager.ts'
import { editorSchema } from '../config/editor-schema.ts'
import { SERVING_FILE } from '../config/serving-config.ts'
import { type SettingSchema, settingsOf } from '../config/setting-schema.ts'
import { TRAINING_FILE } from '../config/training-config.ts'
import { generatedFiles } from './generated-files.ts'

const { version } = JSON.parse(textOf('package.json')) as { readonly version: string }
const files = await generatedFiles(version)

describe('the files made from the code', () => {
  it.each(files.map(({ path, content }) => [path, content]))(
    '%s is current (otherwise run `npm run docs`)',
    (path, content) => {
      expect(content).toBe(textOf(path))
    },
  )
})

describe.each([
  [TRAINING_FILE, loadTrainingConfig],
  [SERVING_FILE, loadServingConfig],
] as const)('configs/$name.yaml', (file, load) => {
  const text = textOf(`configs/${file.name}.yaml`)
  const settings = settingsOf(schemaOf(file))

  it('says every default, so loading it changes no value', () => {
    const directory = '/project/configs'
    const environment = {}
    const assignments: readonly string[] = []
    const workingDirectory = '/project'
    const loaded: ConfigManager = load({
      file: { name: 'it', directory, text },
      environment,
      assignments,
      workingDirectory,
    })
    const defaults: ConfigManager = load({ environment, assignments, workingDirectory })
    expect(loaded.settings).toEqual(defaults.settings)
    expect(loaded.entries.filter(({ origin }) => origin.kind === 'default')).toEqual([])
  })

  it('fits the JSON Schema that editors use', () => {
    const validate = new Ajv({ strict: false }).compile(editorSchema(file))
    expect([validate(parse(text)), validate.errors]).toEqual([true, null])
  })

  it('has a reason for every setting, and a default for every one that is required', () => {
    const without = (missing: (schema: SettingSchema, required: boolean) => boolean) =>
      settings.filter(({ schema, required }) => missing(schema, required)).map(({ path }) => path.join('.'))
    expect(without(({ description }) => (description ?? '').length < 10)).toEqual([])
    expect(without((schema, required) => required && schema.default === undefined)).toEqual([])
  })
})

function textOf(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}
