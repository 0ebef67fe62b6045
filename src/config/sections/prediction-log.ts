import { Type } from 'typebox'
import { DURATION_PATTERN, KEEP_PATTERN } from '../../foundation/duration.ts'

/** Where decisions are written down. */
export const PredictionLogSchema = Type.Object(
  {
    path: Type.String({
      default: '.vigia/log',
      minLength: 1,
      description: 'Folder of the log and of the Parquet files made from it; one for each process.',
    }),
    durability: Type.Union([Type.Literal('process'), Type.Literal('power')], {
      default: 'process',
      description:
        'What an answer promises. process: the decision survives the end of the process, kill -9 included. power: also a power failure, which costs some milliseconds a decision. A fleet usually loses processes, not power.',
    }),
    segment_size: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 1024,
      unit: 'MiB',
      description:
        'Size at which a part of the log ends and becomes Parquet. 64 MiB are some 40,000 decisions with all features.',
    }),
    keep: Type.String({
      default: 'forever',
      pattern: KEEP_PATTERN,
      unit: 'duration or forever',
      description:
        'How long days of the log stay; older ones are removed once a snapshot of the states lies after them, with which the log begins then. Not shorter than state_store.repetition_window, feedback.waiting_time, the longest window with the delay of labels, and two snapshots. forever: a log is evidence, and what is removed cannot be trained on. With redis the snapshots come from `vigia state snapshot`.',
    }),
    snapshot_every: Type.String({
      default: '1d',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description:
        'How often all states are written beside the log as of one record (snapshots/), so that `vigia parity` and what replays the log can begin there instead of at its first record. A day of records is replayed in minutes. 0s: never. With redis the server takes none: it is how often `vigia state snapshot` runs, by which the server knows that one is overdue.',
    }),
    snapshots_kept: Type.Integer({
      default: 4,
      minimum: 2,
      maximum: 1000,
      unit: 'snapshots',
      description:
        'Most snapshots beside the one that the log begins with: the oldest, the latest, and those that lie furthest apart. Each has the size of all states; the more there are, the less beyond prediction_log.keep stays, as the log begins with one.',
    }),
  },
  { default: {}, description: 'Where every decision is written down, with its features.' },
)
