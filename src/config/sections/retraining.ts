import { type Static, Type } from 'typebox'
import { WINDOW_PATTERN } from '../../foundation/duration.ts'

const duration = (fallback: string, description: string) =>
  Type.String({ default: fallback, pattern: WINDOW_PATTERN, unit: 'duration', description })

const count = (fallback: number, unit: string, description: string) =>
  Type.Integer({ default: fallback, minimum: 1, maximum: 1_000_000, unit, description })

/** Whether and when a model is trained again, and how a challenger becomes champion. */
export const RetrainingSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description:
        'Whether the server trains again by itself: what its looks find (monitoring.enabled), what somebody asks for and what is due by the schedule. Off: `vigia retrain` does it when it is called. A training takes processor and memory beside decisions, so it is asked for.',
    }),
    path: Type.String({
      default: 'retraining',
      minLength: 1,
      description:
        'Folder of what is known of retraining: its journal, which is the audit trail too, and the runs of challengers. On a local disk; servers and `vigia retrain` of one machine share it.',
    }),
    training: Type.String({
      default: '',
      description:
        "The champion's training configuration, from which that of a challenger is derived. Empty: the defaults.",
    }),
    model: Type.String({
      default: '',
      description:
        'Registered name of the model whose versions challengers become. Empty: tracking.model of the training configuration.',
    }),
    schedule: Type.String({
      default: '',
      description:
        'When to train although nothing was found, in cron syntax and UTC: 0 3 1 * *. Empty: never. A server with retraining.enabled does it; a timer calls `vigia retrain --scheduled`.',
    }),
    steps: Type.String({
      default: '17 * * * *',
      minLength: 1,
      unit: 'cron expression',
      description:
        'When a server with retraining.enabled does what is due of a retraining that runs, in UTC; at its start, after a look and after a request it does so too. Each hour, and not on the hour, when all others run: most steps are waits. Each time reads the log, in a process of its own.',
    }),
    memory: Type.Integer({
      default: 2048,
      minimum: 256,
      maximum: 1_048_576,
      unit: 'MiB',
      description:
        'Most memory of JavaScript objects of the process that a server with retraining.enabled trains and compares in; the database takes resources.memory_limit of the training configuration besides. It runs behind the server, and ends with it.',
    }),
    least_severity: Type.Union([Type.Literal('moderate'), Type.Literal('severe'), Type.Literal('critical')], {
      default: 'severe',
      description:
        'Shifts and concept drift below it are told by alerts, and trained for by nobody. severe is found by two looks of three; moderate alone would train on what passes.',
    }),
    cooldown: duration(
      '7d',
      'From the beginning of one training to the next. A week: what one has changed is seen before the next begins.',
    ),
    budget: count(
      4,
      'trainings',
      'Most trainings that begin within 30 days. Four, one a week: more would be a fault that trains for itself.',
    ),
    least_frauds: count(
      100,
      'frauds',
      'Known frauds since the change, of days whose labels have matured, that must be there to learn from. With a hundred, chance moves a share of one half by .05.',
    ),
    least_judged_frauds: count(
      100,
      'frauds',
      'As many later ones, on which challenger and champion are compared and from which neither has learnt.',
    ),
    mature_share: Type.Number({
      default: 0.8,
      minimum: 0.1,
      maximum: 1,
      unit: 'share',
      description:
        'A day is mature when this share of its frauds is known. Of younger days mostly flagged frauds are known, which favours whoever flagged them.',
    }),
    label_horizon: duration('90d', 'Age at which all labels that will ever come have come.'),
    window: duration('180d', 'How far back a challenger learns.'),
    half_life: duration(
      '14d',
      'After a change, a row so much older than the latest counts half; at most a third of the time since the change, so that seven eighths of all weight are on what has changed.',
    ),
    alerts_per_day: count(
      100,
      'alerts',
      'Alerts that can be looked at a day: models are compared by what they find with so many, and a threshold is made that raises so many when scores move.',
    ),
    threshold: Type.Union([Type.Literal('propose'), Type.Literal('apply')], {
      default: 'propose',
      description:
        'What becomes of that threshold. propose: it is told, and a person decides. apply: the champion goes on with it at once, as a version of its own, and goes back by itself where its alerts leave alert_rate_limits. propose, because a wave of fraud moves scores too, and because alerts_per_day is a number of this bank only once somebody has set it.',
    }),
    shadow: duration('2d', 'How long a challenger scores every transaction and answers none.'),
    canary: duration('3d', 'How long it decides for canary_share of the users.'),
    canary_share: Type.Number({
      default: 0.05,
      exclusiveMinimum: 0,
      maximum: 0.5,
      unit: 'share',
      description: 'Share of the users that a challenger decides for before it decides for all.',
    }),
    watch: duration(
      '14d',
      'How long the champion of before stands by after a promotion, and scores beside. Two weeks: by then labels of the first days are there.',
    ),
    alert_rate_limits: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 100 }), {
      default: [0.5, 2],
      minItems: 2,
      maxItems: 2,
      description:
        'Least and greatest number of alerts of a challenger in service, as a part of those of the champion on the same transactions or of alerts_per_day, whichever is nearer. Beyond it is taken back.',
    }),
    least_decisions: count(
      1000,
      'decisions',
      'Decisions that both models scored below which service says nothing of a challenger, and it goes no further.',
    ),
  },
  { default: {}, additionalProperties: false, description: 'Whether and when a model is trained again.' },
)

/** Effective settings of retraining. */
export type RetrainingSettings = Static<typeof RetrainingSchema>
