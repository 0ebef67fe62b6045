import { Type } from 'typebox'
import { EPISODE_STATUSES } from '../../retraining/episode.ts'
import { named, nullable, refTo } from './named.ts'

const textOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const status = (description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...EPISODE_STATUSES], description })
const statusOrNull = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], enum: [...EPISODE_STATUSES, null], description })

const RetrainingEpisodeAnswer = named(
  'RetrainingEpisode',
  Type.Object(
    {
      id: Type.String(),
      kind: Type.String({
        description: 'What called for it: data_fault, covariate_shift, concept_drift, schedule or request.',
      }),
      status: status('Where it is.'),
      why: Type.String({ description: 'Why it is there; without the scope admin as in records.' }),
      opened_at: Type.String({ description: 'When it began.' }),
      since: Type.String({ description: 'When its status began.' }),
      champion: Type.String({
        description: 'What decided when it began: first 16 digits of the SHA-256 of its artifact.',
      }),
      looks: Type.Integer({ description: 'Looks that found the trigger.' }),
      failures: Type.Integer({ description: 'Of the present step, in a row.' }),
      left_out: Type.Array(Type.String(), {
        description: 'Days whose data were broken: nothing is learnt from them.',
      }),
      threshold: nullable(
        Type.Object(
          {
            threshold: Type.Number({ description: 'The one that meets the alert budget.' }),
            present: Type.Number(),
            alerts_per_day: Type.Number(),
            present_alerts_per_day: Type.Number(),
          },
          { description: 'A threshold that is proposed; null: none is.' },
        ),
      ),
      challenger: nullable(
        Type.Object(
          {
            version: Type.String(),
            source: textOrNull(
              'From which a server loads it. Null: a folder, which only the scope admin is told.',
            ),
          },
          { description: 'Null: none is trained yet.' },
        ),
      ),
      verdict: textOrNull('Of the comparison: better, not better or worse; null: none was made yet.'),
    },
    { description: 'One retraining, from what called for it to its end.' },
  ),
)

const RetrainingRecordAnswer = named(
  'RetrainingRecord',
  Type.Object(
    {
      at: Type.String(),
      by: Type.String({ description: 'A person, or vigia.' }),
      episode: Type.String({ description: 'Its id.' }),
      from: statusOrNull('Null: it begins.'),
      to: status('The same as from: something was done meanwhile.'),
      why: Type.String({
        description: 'Without the scope admin: no text of an error, and (path) in the place of each path.',
      }),
      code: textOrNull('Of the error that it failed with; null: none.'),
      look: textOrNull('The look that it follows from.'),
      run: textOrNull('Folder of the training run that it is about; null without the scope admin.'),
      figures: Type.Object(
        {},
        {
          additionalProperties: true,
          description: 'What was measured, by name: numbers, texts, booleans or null.',
        },
      ),
    },
    { description: 'One step, as an auditor reads it.' },
  ),
)

export const RetrainingAnswer = named(
  'Retraining',
  Type.Object(
    {
      model: Type.String({ description: 'Registered name of the model that is trained again.' }),
      status: statusOrNull('Of the latest episode, also of one that has ended; null: there never was one.'),
      next_at: textOrNull('When due steps are done next; null: never.'),
      episodes: Type.Array(refTo(RetrainingEpisodeAnswer), { description: 'The newest first.' }),
      records: Type.Array(refTo(RetrainingRecordAnswer), {
        description: 'The audit trail: who did what when and why, the newest first.',
      }),
    },
    { description: 'How retraining stands, and how it came to that.' },
  ),
)
