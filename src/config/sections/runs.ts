import { type Static, Type } from 'typebox'

/** Where pipelines leave what they make. */
export const RunsSchema = Type.Object(
  {
    directory: Type.String({
      default: 'runs',
      minLength: 1,
      description:
        'Folder that holds one folder for each run (configuration, data hashes, reports, model) and the cache of finished steps. One place, so that runs can be compared and cleaned up.',
    }),
  },
  { description: 'Where runs are kept.' },
)

export type RunsSettings = Static<typeof RunsSchema>
