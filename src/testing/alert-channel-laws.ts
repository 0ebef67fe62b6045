import { ok } from 'node:assert/strict'
import type { AlertChannel, AlertNotification } from '../ports/alert-channel.ts'
import { same } from './assertions.ts'
import { closingAfter, type Law, lawMaker } from './law.ts'

/** A message as its receiver has it. */
export interface ReceivedAlert {
  /** By what the receiver tells one alert from another; equal for all messages of one alert. */
  readonly key: string
  /** By what it can tell a message that it had before; equal when a message is sent again, and only then. */
  readonly identity: string
  /** All text that people see. */
  readonly text: string
}

/** What the receiver does with what comes next. */
export type ReceiverMood = 'accepts' | 'busy' | 'breaks off' | 'refuses'

/** A channel, and the receiver that it is told to send to. */
export interface OpenAlertChannel {
  readonly channel: AlertChannel
  /** What has arrived, in order, repeats included. */
  received(): Promise<readonly ReceivedAlert[]>
  /** Where the receiver cannot have a mood, that of refusing for good as a rule, it gives the reason. */
  become(mood: ReceiverMood): Promise<void>
  close(): Promise<void>
}

export interface AlertChannelSubject {
  /** Each time a receiver that has nothing yet, and accepts. */
  open(): Promise<OpenAlertChannel>
  /** Texts that nobody may read in a reason: tokens, passwords, addresses that are secrets. */
  readonly secrets: readonly string[]
  /** What the receiver asks to be waited for when it is busy, in milliseconds; or why it asks for nothing. */
  readonly asksForPauseMs: number | string
  /** Why the receiver never refuses for good; absent where it can. */
  readonly neverRefuses?: string
  /** Why the receiver cannot tell a message that it had before; absent where it can. */
  readonly noIdentity?: string
}

interface Tools extends Omit<OpenAlertChannel, 'close'> {
  readonly subject: AlertChannelSubject
}

const law = lawMaker<AlertChannelSubject, Tools>(async (subject, check) => {
  const { close, ...opened } = await subject.open()
  await closingAfter(() => check({ ...opened, subject }), close)
})

/** Laws 1 to 8 of `AlertChannel` (`ports/alert-channel.ts`). */
export const alertChannelLaws: readonly Law<AlertChannelSubject>[] = [
  law(1, 'what is delivered has arrived, with summary and severity', async ({ channel, received }) => {
    same((await channel.send(alert())).kind, 'delivered')
    const [first, ...more] = await received()
    same(more, [])
    ok(first?.text.includes('The amounts have moved'), `the summary is missing: ${first?.text}`)
    ok(/critical/i.test(first?.text ?? ''), `the severity is missing: ${first?.text}`)
  }),
  law(2, 'the end of an alert bears the key of its beginning', async ({ channel, received }) => {
    await channel.send(alert())
    const thread = { id: 'e1.1', action: 'resolve', reason: 'resolved' } as const
    same((await channel.send(alert(thread))).kind, 'delivered')
    const keys = new Set((await received()).map(({ key }) => key))
    same(keys.size, 1)
  }),
  law(2, 'two alerts that differ in a character have two keys', async ({ channel, received }) => {
    const segments = ['a b', 'a  b', 'ñ', 'n', 'a"b', "a'b"]
    for (const segment of segments)
      await channel.send(
        alert({ id: `${segment}.0`, episode: segment, segment, dedupKey: `vigia/m/drift/${segment}` }),
      )
    const keys = (await received()).map(({ key }) => key)
    same(new Set(keys).size, segments.length)
  }),
  law(3, 'a receiver that is busy is for later', async ({ channel, become, subject }) => {
    await become('busy')
    const delivery = await channel.send(alert())
    same(delivery.kind, 'retry')
    if (typeof subject.asksForPauseMs === 'number')
      ok(
        delivery.kind === 'retry' && (delivery.afterMs ?? 0) >= subject.asksForPauseMs,
        `it asked for ${subject.asksForPauseMs} ms: ${JSON.stringify(delivery)}`,
      )
  }),
  law(
    3,
    'a receiver that breaks off is for later, and gets it then',
    async ({ channel, become, received }) => {
      await become('breaks off')
      same((await channel.send(alert())).kind, 'retry')
      await become('accepts')
      same((await channel.send(alert())).kind, 'delivered')
      ok((await received()).length > 0)
    },
  ),
  law(
    4,
    'a receiver that will never take it is not asked again',
    async ({ channel, become }) => {
      await become('refuses')
      const delivery = await channel.send(alert())
      same(delivery.kind, 'refused')
      ok(delivery.kind === 'refused' && delivery.reason.length > 3)
    },
    ({ neverRefuses }) => neverRefuses,
  ),
  law(
    5,
    'what is sent again can be told from what is new',
    async ({ channel, received }) => {
      await channel.send(alert())
      await channel.send(alert())
      await channel.send(alert({ id: 'e1.1', action: 'update', reason: 'reminder', atMs: AT_MS + 3_600_000 }))
      const [first, again, other] = (await received()).map(({ identity }) => identity)
      same(again, first)
      ok(other !== first, 'another message looks like the first')
    },
    ({ noIdentity }) => noIdentity,
  ),
  ...(['busy', 'breaks off', 'refuses'] as const).map((mood) =>
    law(6, `what goes wrong is told without secrets: it ${mood}`, async ({ channel, become, subject }) => {
      if (mood === 'refuses' && subject.neverRefuses !== undefined) return
      await become(mood)
      const told = JSON.stringify(await channel.send(alert()))
      same(
        subject.secrets.filter((secret) => told.includes(secret)),
        [],
      )
    }),
  ),
  law(7, 'a test says that it is one', async ({ channel, received }) => {
    await channel.send(alert({ isTest: true, reason: 'test' }))
    const [first] = await received()
    ok(/test/i.test(first?.text ?? ''), `nothing says test: ${first?.text}`)
  }),
  law(8, 'a message of any length arrives, with its key', async ({ channel, received }) => {
    await channel.send(alert())
    const long = `${'Die Beträge — 金額 — 💶 haben sich bewegt. '.repeat(2000)}`
    const details = Array.from({ length: 300 }, (_, i) => `feature_${i}: ${long.slice(0, 2000)}`)
    const delivery = await channel.send(alert({ id: 'e1.1', action: 'update', summary: long, details }))
    same(delivery.kind, 'delivered')
    const [first, last] = await received()
    same(last?.key, first?.key)
  }),
  law(8, 'a message of odd characters arrives', async ({ channel, received }) => {
    const odd = 'half \ud83d, \u0000, \r\nBcc: x@example.org, <b>&amp; *_~`|, "quotes" \\ {{x}} end'
    same((await channel.send(alert({ summary: odd, details: [odd, ''] }))).kind, 'delivered')
    const [first] = await received()
    ok(first?.text.includes('end'), 'it was cut')
  }),
]

const AT_MS = Date.UTC(2026, 10, 30, 8)

/** An alert that fires, for laws and tests of channels. */
export const alert = (changes: Partial<AlertNotification> = {}): AlertNotification => ({
  id: 'e1.0',
  dedupKey: 'vigia/m/drift/all',
  episode: 'e1',
  action: 'trigger',
  reason: 'fired',
  model: 'm',
  kind: 'drift',
  segment: '',
  severity: 'critical',
  summary: 'The amounts have moved',
  details: ['amount_log: 0.4 sd'],
  startedMs: AT_MS,
  atMs: AT_MS,
  url: 'https://vigia.example.org/monitoring',
  isTest: false,
  ...changes,
})
