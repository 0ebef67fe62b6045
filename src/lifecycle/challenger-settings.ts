import { LOG_SOURCE } from '../dataset/source-files.ts'
import { DAY_MS, dateOf } from '../foundation/days.ts'
import { formatDuration } from '../foundation/duration.ts'
import type { TrainingOrder } from '../retraining/episode.ts'

/**
 * What the training configuration of a challenger says otherwise than the champion's, as `--set` takes it:
 * the log of the service as its source, the days of the order as its parts, and the weights of its rows.
 *
 * Models, features and gates stay the champion's, so that what a comparison finds is due to the rows.
 *
 * @param logs absolute folders of logs
 */
export const challengerAssignments = (
  { trainFromMs, validationFromMs, judgedFromMs, judgedToMs, halfLifeMs, leftOutDays }: TrainingOrder,
  logs: readonly string[],
): readonly string[] => {
  const day = (ms: number): string => JSON.stringify(dateOf(Math.floor(ms / DAY_MS)))
  return [
    `source.path=${JSON.stringify(logs.map((folder) => `${LOG_SOURCE}${folder}`))}`,
    'split.method=temporal',
    `split.dates.train_from=${day(trainFromMs)}`,
    `split.dates.train_to=${day(validationFromMs)}`,
    `split.dates.validation_from=${day(validationFromMs)}`,
    `split.dates.validation_to=${day(judgedFromMs)}`,
    `split.dates.test_from=${day(judgedFromMs)}`,
    `split.dates.test_to=${day(judgedToMs)}`,
    `weights.half_life=${halfLifeMs === null ? 'null' : formatDuration(halfLifeMs)}`,
    `weights.left_out=${JSON.stringify(leftOutDays.map(dateOf))}`,
  ]
}
