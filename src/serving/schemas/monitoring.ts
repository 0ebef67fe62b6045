import { Type } from 'typebox'
import { named, refTo } from './named.ts'

const nullableText = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

export const MonitoringReportAnswer = named(
  'MonitoringReport',
  Type.Object(
    {
      schema: Type.Integer({ description: 'Version of this form.' }),
      model: Type.Object({ name: Type.String(), version: Type.String(), sha256: Type.String() }),
      severity: Type.String({ description: 'Of the latest look: none, moderate, severe or critical.' }),
      rows: Type.Integer({ description: 'Decisions that were read.' }),
      looks: Type.Array(
        Type.Object(
          { date: Type.String({ description: 'The day, in UTC.' }), severity: Type.String() },
          { description: 'What was found of one day, with every feature.' },
        ),
        { description: 'Ascending; alerts and metrics tell of the last one.' },
      ),
      changedCount: Type.Integer({ description: 'Features beyond their limit at the last look.' }),
      advice: Type.Array(Type.String(), { description: 'What to do, the most urgent first.' }),
    },
    {
      additionalProperties: true,
      description: 'A report of `vigia monitor`, whole as it was kept; numbers that are none are null.',
    },
  ),
)

const LookRunAnswer = named(
  'LookRun',
  Type.Object(
    {
      scheduled_for: Type.String(),
      attempt: Type.Integer({ description: 'From 1: a look that failed or was cut short is taken again.' }),
      by: Type.String({ description: 'The process that took it.' }),
      started_at: Type.String(),
      ended_at: nullableText('Null: it is under way.'),
      outcome: Type.String({ description: 'under way, done, failed, stopped or lost.' }),
      detail: Type.String({ description: 'What was found, or why not.' }),
      again_at: nullableText('When it is tried again, if no other look is due by then. Null: it is not.'),
    },
    { description: 'One look that was to be taken.' },
  ),
)

export const LookRunsAnswer = named(
  'LookRuns',
  Type.Object(
    {
      next_at: nullableText('When the next look is due; null: never.'),
      runs: Type.Array(refTo(LookRunAnswer), { description: 'The newest first, of a year or so.' }),
    },
    { description: 'Looks that were taken, by all servers that share them.' },
  ),
)
