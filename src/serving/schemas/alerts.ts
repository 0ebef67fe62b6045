import { Type } from 'typebox'
import { named, nullable, refTo } from './named.ts'

const instant = (description: string) => Type.String({ description })
const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const oneOf = (values: readonly string[], description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], description })

const SEVERITIES = ['moderate', 'severe', 'critical']
const REASONS = ['fired', 'escalated', 'eased', 'reminder', 'acknowledged', 'resolved', 'refreshed', 'test']

const key = Type.String({ description: 'vigia/<model>/<kind>/<segment>, the same over its whole life.' })

export const AlertAnswer = named(
  'Alert',
  Type.Object(
    {
      key,
      model: Type.String(),
      kind: Type.String({
        description: 'drift, data_quality, concept_drift, performance, retraining, monitoring, delivery.',
      }),
      segment: Type.String({ description: 'Empty: all transactions.' }),
      status: oneOf(
        ['ok', 'pending', 'firing', 'recovering'],
        'recovering: it fires, and the last look was clean.',
      ),
      severity: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        enum: [...SEVERITIES, null],
        description: 'Null: it does not fire.',
      }),
      summary: Type.String({ description: 'What was found last.' }),
      details: Type.Array(Type.String()),
      advice: Type.String({ description: 'What to do about alerts of this kind.' }),
      since: instant('When it began to fire; otherwise since when it is as it is.'),
      acknowledged: nullable(
        Type.Object(
          { by: Type.String(), at: instant('When.') },
          { description: 'Who has taken it on; null: nobody.' },
        ),
      ),
      silence: nullable(
        Type.Object(
          {
            until: instant('When it ends.'),
            reason: Type.String(),
            by: Type.String(),
            planned: textOrNull('Id of the planned silence; null: it is that of this alert alone.'),
          },
          { description: 'That which ends last; null: nothing is held back.' },
        ),
      ),
      told: nullable(
        Type.Object(
          {
            at: instant('When the last message was made.'),
            severity: oneOf(SEVERITIES, 'What the channels believe.'),
            channels: Type.Array(Type.String()),
            messages: Type.Integer({ description: 'Of this episode.' }),
          },
          { description: 'What the channels were told; null: nothing that they still believe.' },
        ),
      ),
    },
    { description: 'What is wrong with a model, of one kind, in one segment.' },
  ),
)

export const WaitingMessageAnswer = named(
  'WaitingMessage',
  Type.Object(
    {
      id: Type.String(),
      channel: Type.String(),
      key,
      reason: oneOf(REASONS, 'What it tells of.'),
      severity: oneOf(SEVERITIES, 'That it tells of.'),
      created_at: instant('When it was made.'),
      attempts: Type.Integer({ description: 'The one under way included.' }),
      next_at: instant('It is not sent before.'),
      is_under_way: Type.Boolean(),
      last_failure: textOrNull('Why the last attempt did not help; null: there was none.'),
    },
    { description: 'A message on its way to one channel.' },
  ),
)

export const DeadLetterAnswer = named(
  'DeadLetter',
  Type.Object(
    {
      id: Type.String(),
      channel: Type.String(),
      key,
      reason: oneOf(REASONS, 'What it tells of.'),
      severity: oneOf(SEVERITIES, 'That it tells of.'),
      attempts: Type.Integer(),
      failure: Type.String({ description: 'Why it was given up.' }),
      at: instant('When it was given up.'),
    },
    { description: 'A message that was given up.' },
  ),
)

export const PlannedSilenceAnswer = named(
  'PlannedSilence',
  Type.Object(
    {
      id: Type.String(),
      model: Type.String({ description: 'A pattern: * is any text.' }),
      kind: Type.String({ description: 'A pattern.' }),
      segment: Type.String({ description: 'A pattern; all is also that of all transactions.' }),
      from: instant('When it begins.'),
      until: instant('When it ends.'),
      reason: Type.String(),
      by: Type.String(),
      is_under_way: Type.Boolean(),
    },
    { description: 'Nothing is sent of what fits, from its begin to its end, but that it is over.' },
  ),
)

export const AlertChannelAnswer = named(
  'AlertChannel',
  Type.Object(
    {
      name: Type.String(),
      kind: Type.String({ description: 'As alerts.channels says; own: it is not from there.' }),
      state: oneOf(
        ['working', 'broken', 'switched_off'],
        'broken: this server cannot send through it. switched_off: its receiver wants nothing more.',
      ),
      failure: textOrNull('Why; null where it works.'),
      waiting: Type.Integer({ description: 'Messages for it.' }),
      dead_letters: Type.Integer(),
      last_delivery_at: textOrNull('Null: never, or before this was kept.'),
    },
    { description: 'Somewhere that alerts are sent to.' },
  ),
)

export const AlertLookAnswer = named(
  'AlertLook',
  Type.Object(
    {
      model: Type.String(),
      monitor: Type.String({ description: 'Which of its looks: daily.' }),
      last_at: instant('When it came last.'),
      every_s: Type.Number({ description: 'How often it should come, seconds.' }),
      is_missed: Type.Boolean({ description: 'Two in a row did not come.' }),
    },
    { description: 'A look at a model that is expected.' },
  ),
)

export const AlertsAnswer = named(
  'Alerts',
  Type.Object(
    {
      at: instant('When it was so.'),
      alerts: Type.Array(refTo(AlertAnswer), { description: 'The worst first.' }),
      waiting: Type.Array(refTo(WaitingMessageAnswer)),
      dead_letters: Type.Array(refTo(DeadLetterAnswer)),
      silences: Type.Array(refTo(PlannedSilenceAnswer), { description: 'Planned ones that are not over.' }),
      channels: Type.Array(refTo(AlertChannelAnswer)),
      looks: Type.Array(refTo(AlertLookAnswer)),
      heartbeat: nullable(
        Type.Object(
          {
            broken: textOrNull('Why no signs of life can be sent; null: they can.'),
            last_at: textOrNull('When one was taken last; null: none since the start.'),
          },
          { description: 'Signs of life for a watcher outside; null: there is none.' },
        ),
      ),
    },
    { description: 'Everything about alerts but their history.' },
  ),
)

export const AlertHistoryAnswer = named(
  'AlertHistory',
  Type.Object(
    {
      records: Type.Array(
        Type.Object({
          at: instant('When.'),
          by: Type.String({ description: 'A person, or vigia.' }),
          did: Type.String(),
          key: textOrNull('Of the alert, or the id of a planned silence.'),
          detail: textOrNull('More of it.'),
        }),
        { description: 'The latest first.' },
      ),
    },
    { description: 'Who did what.' },
  ),
)
