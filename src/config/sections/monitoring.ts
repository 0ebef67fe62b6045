import { type Static, Type } from 'typebox'
import { WINDOW_PATTERN } from '../../foundation/duration.ts'

const effects = (shift: number, stability: number, ratio: number, which: string) =>
  Type.Object(
    {
      shift: Type.Number({
        default: shift,
        exclusiveMinimum: 0,
        unit: 'standard deviations',
        description: "Wasserstein's distance over the reference's standard deviation.",
      }),
      stability: Type.Number({
        default: stability,
        exclusiveMinimum: 0,
        description: 'Population stability index, over ten bins or all categories.',
      }),
      ratio: Type.Number({
        default: ratio,
        minimum: 1,
        unit: 'times',
        description: 'How many times one share (missing, a category, alerts) is the other.',
      }),
    },
    {
      default: {},
      description: `Sizes from which on a change that is beyond the limit is ${which}: any of them is enough.`,
    },
  )

/** Looks at what the server decides on, at set times. */
export const MonitoringSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Whether the server looks for drift by itself (docs/monitoring.md). false: only `vigia monitor` does, as a CronJob or a timer of systemd may.',
    }),
    schedule: Type.String({
      default: '20 0 * * *',
      minLength: 1,
      unit: 'cron expression',
      description:
        'When it looks: five fields (minute, hour, day of the month, month, weekday), or six with seconds first; L, W and #, @daily and the like. 00:20 each day: days are those of UTC, and what comes late has come by then. `vigia monitor --tell` says by it when the next look is due.',
    }),
    time_zone: Type.String({
      default: 'UTC',
      minLength: 1,
      unit: 'IANA name',
      description:
        'Zone of the schedule: Europe/Madrid. A time that daylight saving leaves out comes right after the gap, one that it has twice comes once. UTC: the days that are looked at are those of UTC.',
    }),
    missed: Type.Union([Type.Literal('run_latest'), Type.Literal('skip')], {
      default: 'run_latest',
      description:
        'What becomes of a look for whose time no server was there. run_latest: the latest one is taken at the start. skip: the next time is waited for. What was not looked at is told either way.',
    }),
    days: Type.Integer({
      default: 7,
      minimum: 1,
      maximum: 100,
      unit: 'days',
      description:
        'How many of the latest days a report shows as looks, each after the days before it. The latest alone is told to alerts and metrics. A week shows how a change began.',
    }),
    logs: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Folders of the logs that are looked at together: those of all servers that share states. None: prediction_log.path, the log of this server.',
    }),
    path: Type.String({
      default: '.vigia/monitoring',
      minLength: 1,
      description:
        'Folder of the reports and of the journal of looks, on a local disk. Of servers that share it one takes each look.',
    }),
    reports_kept: Type.Integer({
      default: 60,
      minimum: 1,
      maximum: 10_000,
      unit: 'reports',
      description:
        'How many reports stay, JSON and page each; some hundreds of kilobytes both. Two months of days.',
    }),
    memory: Type.Integer({
      default: 512,
      minimum: 128,
      maximum: 1_048_576,
      unit: 'MiB',
      description:
        'Memory with which the process of a look sorts the log; beyond it, it writes to the disk. It runs beside the server, and ends after the look. Less is taken where the container or the machine has less beside the server; where that is too little, the look fails before it begins (docs/monitoring.md).',
    }),
    keep_free: Type.Integer({
      default: 256,
      minimum: 0,
      maximum: 1_048_576,
      unit: 'MiB',
      description:
        'Room that a look leaves on the disk of path, which may be that of the log: where that is not free, the look fails before it writes anything. Four segments of the log.',
    }),
    timeout: Type.String({
      default: '1h',
      pattern: WINDOW_PATTERN,
      unit: 'duration',
      description:
        'How long a look may take; then it is ended, and has failed. A year of a small bank takes seconds.',
    }),
    retry: Type.Object(
      {
        attempts: Type.Integer({
          default: 3,
          minimum: 1,
          maximum: 10,
          description:
            'How often a look is begun for one time, whatever ended it before it was done. 1: what fails is waited for until the next time. What was looked at and only not told to the alerts is told until it has worked, however often.',
        }),
        first: Type.String({
          default: '10m',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description:
            'First pause after a look that failed or was killed; each is twice as long as the one before it. With three attempts the last begins within the hour.',
        }),
        longest: Type.String({
          default: '1h',
          pattern: WINDOW_PATTERN,
          unit: 'duration',
          description: 'Longest such pause.',
        }),
      },
      { default: {}, description: 'How often a look is tried again that has failed.' },
    ),
    flagged: Type.Union([Type.Literal('reviewed'), Type.Literal('blocked')], {
      default: 'reviewed',
      description:
        'What becomes of flagged transactions, as labels.flagged of training has it. reviewed: somebody looks at each and tells its label. blocked: nobody learns the truth of those that the control sample did not let through, so that precision is that of the sample.',
    }),
    experiment: Type.String({
      default: '',
      description:
        'Experiment of the tracking store (MLFLOW_TRACKING_URI, otherwise model.registry) that the figures of each look are written into: a run for each version of the model, a value a day. Empty: none.',
    }),
    drift: Type.Object(
      {
        false_alarms: Type.Number({
          default: 0.05,
          minimum: 0.001,
          maximum: 0.5,
          description:
            'Share of looks without drift that may raise something, over all features, scores and segments together. One in twenty; alerts ask two looks of three, which is one in a hundred.',
        }),
        moderate: effects(0.1, 0.1, 1.5, 'moderate'),
        severe: effects(0.25, 0.25, 3, 'severe'),
        critical: effects(0.5, 0.5, 8, 'critical'),
      },
      { default: {}, description: 'When a look raises something, and how grave it is.' },
    ),
  },
  { default: {}, description: 'Looks at what the server decides on, at set times.' },
)

/** Effective settings of scheduled looks. */
export type MonitoringSettings = Static<typeof MonitoringSchema>
