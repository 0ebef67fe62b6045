import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FeaturesSchema } from '../config/sections/features.ts'
import { LabelsSchema } from '../config/sections/labels.ts'
import { planFeatures } from '../features/feature-plan.ts'
import { featureSettingsOfModel } from '../features/feature-settings.ts'
import type { FittedFeatures } from '../features/fitted-features.ts'
import { SNAPSHOT_FILES } from './state-snapshot.ts'
import { publishStates, readStates, statesIdentity } from './states-manifest.ts'

describe('states beside an artifact', () => {
  const identity = { layouts: 'l', features: 'f', fitted: 'v' }
  let from: string
  let to: string
  beforeEach(async () => {
    from = mkdtempSync(join(tmpdir(), 'states-'))
    to = mkdtempSync(join(tmpdir(), 'states-'))
    for (const name of SNAPSHOT_FILES) writeFileSync(join(from, name), `bytes of ${name}`)
    await publishStates(from, to, identity, 1_700_000_000_000)
  })
  afterEach(() => {
    for (const folder of [from, to]) rmSync(folder, { recursive: true })
  })

  test('are found with the time of their last transaction, without the folder they came from', async () => {
    rmSync(join(from, 'user.states'))
    expect(await readStates(to, identity)).toMatchObject({ lastEventTimeMs: 1_700_000_000_000, ...identity })
  })

  test('are none where there is no manifest', async () => {
    expect(await readStates(from, identity)).toBeUndefined()
  })

  test.each([...SNAPSHOT_FILES])('are refused when %s has other bytes', async (name) => {
    appendFileSync(join(to, name), '!')
    await expect(readStates(to, identity)).rejects.toThrow(
      `${name}: its SHA-256 is not the one in states.json`,
    )
  })

  test('are refused when a file is missing', async () => {
    rmSync(join(to, 'device.states'))
    await expect(readStates(to, identity)).rejects.toThrow('device.states: it is missing')
  })

  test.each([
    ['layouts', 'windows or bounds'],
    ['features', 'features'],
    ['fitted', 'vocabularies or amount bands'],
  ])('are refused by a model of other %s', async (name, what) => {
    await expect(readStates(to, { ...identity, [name]: 'another' })).rejects.toThrow(
      `states.json: they were made with other ${what} than the model`,
    )
  })

  test('are refused when the manifest is damaged', async () => {
    const path = join(to, 'states.json')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20))
    await expect(readStates(to, identity)).rejects.toThrow('states.json: it ')
  })
})

describe('the identity of states', () => {
  const model = { features: Value.Default(FeaturesSchema, {}), labels: Value.Default(LabelsSchema, {}) }
  const entry = (value: string, share: number) => ({ value, share })
  /** Of a model from before attributes, and before currency and location were features. */
  const old: FittedFeatures = {
    amountBandEdgesMinor: [500, 2000],
    vocabularies: {
      merchant_category: [entry('food', 0.5)],
      transaction_type: [entry('purchase', 0.75)],
      device_type: [],
    },
  }

  test('of a model from before attributes is what it was then: its stored states go on', () => {
    // Recorded from the last version without attributes, with these settings and this fit.
    expect(statesIdentity(featureSettingsOfModel(model, old), old)).toEqual({
      layouts: '3b053deebbb83506a8d8df5f3ea2312d9723afe48f45f448b757fd44b7d54e6c',
      features: '73224f233df82ca2fc209bdc99c74d64d6a14ba00dfa45f486d7a648e73db2ec',
      fitted: '3376959f47b666a7887ec7bbed7ce97c2ac889ff71bb7a95a79934729374a6ec',
    })
    expect(planFeatures(featureSettingsOfModel(model, old)).features).toHaveLength(117)
  })

  test('has the layouts of before with attributes too: they are features of the transaction alone', () => {
    const fitted: FittedFeatures = {
      ...old,
      vocabularies: { ...old.vocabularies, currency: [], location: [], browser: [entry('firefox', 1)] },
      attributes: [
        { name: 'browser', kind: 'category' },
        { name: 'balance', kind: 'number' },
      ],
    }
    const settings = featureSettingsOfModel(model, fitted)
    expect(statesIdentity(settings, fitted).layouts).toBe(
      statesIdentity(featureSettingsOfModel(model, old), old).layouts,
    )
    expect(
      planFeatures(settings)
        .features.slice(-3)
        .map(({ feature }) => feature.name),
    ).toEqual(['browser_code', 'browser_share', 'balance'])
  })
})
