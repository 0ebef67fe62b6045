import picocolors from 'picocolors'
import type { TrackedTraining } from '../../tracking/tracking-options.ts'

/** Where a run is recorded, for people; a line each. */
export const trackedLines = (
  { location, experiment, runId, version, waiting, stoppedBy, refused, problem }: TrackedTraining,
  useColor: boolean,
): readonly string[] => {
  const paint = picocolors.createColors(useColor)
  return [
    ...(runId === undefined ? [] : [`recorded     ${location}, experiment ${experiment}, run ${runId}`]),
    ...(version === undefined
      ? []
      : [`registered   ${version.model}, version ${paint.bold(String(version.version))}`]),
    ...(waiting === 0
      ? []
      : [
          `${paint.yellow('waiting')}      ${waiting} ${waiting === 1 ? 'entry' : 'entries'} for ${location}: ${stoppedBy?.message ?? 'there was no time to send them'}`,
          '             npx vigia tracking push sends them later',
        ]),
    ...refused.map(({ reason }) => `${paint.yellow('refused')}      ${reason}`),
    ...(problem === undefined ? [] : [`${paint.yellow('warning')}      not recorded: ${problem}`]),
  ]
}
