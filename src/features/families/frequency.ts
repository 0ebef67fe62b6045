import type { Feature, FeatureFamily } from '../feature.ts'
import { windowText, yesOrNo } from '../phrase.ts'

const ONWARDS = Number.POSITIVE_INFINITY
const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const TOO_FEW = 'fewer than two earlier transactions of the user'

/** How fast transactions of the user follow each other. */
export const frequency: FeatureFamily = {
  name: 'frequency',
  title: 'Frequency',
  meaning: 'How fast transactions of the user follow each other.',
  features: ({ windows }) => [
    {
      name: 'user_is_first',
      meaning: 'No transaction of the user is known before this one.',
      unit: 'boolean',
      range: [0, 1],
      missing: 'never',
      phrase: yesOrNo('first transaction of the user', 'user has paid before'),
      bind: ({ user }) => {
        const life = user.life()
        return () => (life.earlierCount === 0 ? 1 : 0)
      },
    },
    {
      name: 'user_seconds_since_last',
      meaning: "Seconds since the user's transaction just before this one.",
      unit: 'seconds',
      range: [0, ONWARDS],
      missing: 'missing when none is known',
      phrase: {
        text: "{} since the user's last transaction",
        at: { 0: "at the same moment as the user's last transaction" },
        missing: 'no earlier transaction of the user',
      },
      bind: ({ user, transaction }) => {
        const life = user.life()
        return () => sinceLastMs(transaction.eventTimeMs, life.lastTimeMs) / SECOND_MS
      },
    },
    {
      name: 'user_mean_gap',
      meaning: "Mean seconds between the user's earlier transactions.",
      unit: 'seconds',
      range: [0, ONWARDS],
      missing: 'missing with fewer than two earlier transactions',
      phrase: {
        text: "{} between the user's earlier transactions on average",
        at: { 0: "the user's earlier transactions were simultaneous" },
        missing: TOO_FEW,
      },
      bind: ({ user }) => {
        const life = user.life()
        return () => meanGapMs(life) / SECOND_MS
      },
    },
    {
      name: 'user_gap_ratio',
      meaning: "Time since the user's last transaction divided by the mean gap between the earlier ones.",
      unit: 'ratio',
      range: [0, ONWARDS],
      missing: 'missing with fewer than two earlier transactions; 1 when they were simultaneous',
      phrase: {
        text: "time since the user's last transaction is {} times the usual",
        at: { 0: "at the same moment as the user's last transaction" },
        missing: TOO_FEW,
      },
      bind: ({ user, transaction }) => {
        const life = user.life()
        return () => {
          const mean = meanGapMs(life)
          return mean === 0 ? 1 : sinceLastMs(transaction.eventTimeMs, life.lastTimeMs) / mean
        }
      },
    },
    ...windows.map(velocity),
    ...windows.slice(1).map((longer, index) => burst(windows[index]!, longer)),
  ],
}

interface Times {
  readonly earlierCount: number
  readonly firstTimeMs: number
  readonly lastTimeMs: number
}

/** NaN when no earlier transaction is known. */
const sinceLastMs = (eventTimeMs: number, lastTimeMs: number): number => Math.max(0, eventTimeMs - lastTimeMs)

const meanGapMs = ({ earlierCount, firstTimeMs, lastTimeMs }: Times): number =>
  earlierCount < 2 ? Number.NaN : Math.max(0, lastTimeMs - firstTimeMs) / (earlierCount - 1)

const velocity = (window: string): Feature => ({
  name: `user_velocity_${window}`,
  meaning: `Transactions of the user per hour in the last ${window}, this one included.`,
  unit: 'transactions per hour',
  range: [0, ONWARDS],
  missing: 'never',
  phrase: { text: `user has made {} in the last ${windowText(window)}` },
  bind: ({ user }) => {
    const reading = user.window(window)
    return () => reading.count / (reading.ms / HOUR_MS)
  },
})

const burst = (shorter: string, longer: string): Feature => ({
  name: `user_burst_${shorter}_${longer}`,
  meaning: `Rate of the user's transactions in the last ${shorter} divided by the rate in the last ${longer}.`,
  unit: 'ratio',
  range: [0, ONWARDS],
  missing: 'never',
  phrase: {
    text: `user has paid {} times as often in the last ${windowText(shorter)} as in the last ${windowText(longer)}`,
  },
  bind: ({ user }) => {
    const recent = user.window(shorter)
    const usual = user.window(longer)
    return () => recent.count / recent.ms / (usual.count / usual.ms)
  },
})
