import { createHash } from 'node:crypto'
import { built } from '../data.mjs'

const FEATURES = 60

/** Profile of a window, and all tests of each feature against the reference of training. */
export const drift = {
  name: 'drift',
  title: 'drift of 1 M rows x 60 features: profile, all tests and effects against the reference',
  goal: { text: 'at most 5 CPU seconds and 300 MB for profile and tests' },
  prepare: async ({ smoke }) => ({ rows: smoke ? 20_000 : 1_000_000 }),
  outEnding: '.bin',
  ours: async () => {
    const { profileLayoutOf } = await built('drift/profile-layout.js')
    const { WindowProfile } = await built('drift/window-profile.js')
    const { encodeProfile } = await built('drift/profile-encoding.js')
    const { RowBuffer } = await built('drift/row-buffer.js')
    const { DriftDetector } = await built('drift/drift-detector.js')
    const { createRandom } = await built('foundation/random.js')
    const { profileNumbers } = await built('model/reference-profile.js')
    return async ({ rows, out }) => {
      const { normal } = createRandom(14)
      const reference = referenceOf(profileNumbers, normal)
      const layout = profileLayoutOf(reference)
      // One block is made and counted again and again, so that the time is not that of making numbers.
      const block = Float64Array.from({ length: 10_000 * FEATURES }, (_, at) => drawn(at % FEATURES, normal))
      const scores = Float64Array.from({ length: 10_000 }, () => 1 / (1 + Math.exp(4 - normal())))
      const detector = new DriftDetector({ layout })
      const started = process.cpuUsage()
      const from = performance.now()
      const profile = new WindowProfile(layout)
      for (let row = 0; row < rows; row += 10_000) profile.addRows(block, scores)
      const profiled = process.cpuUsage(started)
      const look = detector.assess({ day: 0, profile })
      const seconds = (performance.now() - from) / 1000
      const used = process.cpuUsage(started)
      const bytes = encodeProfile(profile)
      const nanoseconds = rowCost(new RowBuffer(new WindowProfile(layout)), block, scores)
      const { writeFileSync } = await import('node:fs')
      writeFileSync(out, bytes)
      const cpuSeconds = (used.user + used.system) / 1e6
      const figures = {
        profileCpuSeconds: (profiled.user + profiled.system) / 1e6,
        bytes: bytes.length,
        nanosecondsOfServedRow: nanoseconds,
      }
      return { rows, seconds, cpuSeconds, figures, counted: look.rows, hash: hashOf(bytes) }
    }
  },
  peers: {},
  check: async ({ data, results }) => {
    const { counted, figures, hash } = results.ours
    if (counted !== data.rows) throw new Error(`${counted} rows were counted, ${data.rows} were given`)
    return `${counted} rows, ${figures.bytes} bytes (${hash}), ${Math.round(figures.nanosecondsOfServedRow)} ns a served row`
  },
}

const referenceOf = (profileNumbers, normal) => ({
  features: Object.fromEntries(
    Array.from({ length: FEATURES }, (_, at) => [
      `feature_${at}`,
      profileNumbers(Float64Array.from({ length: 100_000 }, () => drawn(at, normal))),
    ]),
  ),
  score: {
    profile: profileNumbers(Float64Array.from({ length: 100_000 }, () => 1 / (1 + Math.exp(4 - normal())))),
  },
})

/** Amounts, ratios, counts, shares, and values of which some are missing. */
const drawn = (feature, normal) => {
  const z = normal()
  if (feature % 5 === 0) return Math.exp(2 * z)
  if (feature % 5 === 1) return z
  if (feature % 5 === 2) return Math.floor(Math.abs(8 * z))
  if (feature % 5 === 3) return Math.sin(z)
  return z > 1.5 ? Number.NaN : 100 * z
}

/** CPU nanoseconds of one row that is added as it is served, after as many rows to warm up. */
const rowCost = (buffer, block, scores) => {
  let started
  for (let round = 0; round < 11; round++) {
    if (round === 1) started = process.cpuUsage()
    for (let row = 0; row < scores.length; row++)
      buffer.add(block.subarray(row * FEATURES, (row + 1) * FEATURES), scores[row])
  }
  buffer.flush()
  const { user, system } = process.cpuUsage(started)
  return ((user + system) * 1000) / (10 * scores.length)
}

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 8)
