import { type Static, Type } from 'typebox'

/** What the project is called and the seed of all its randomness. */
export const ProjectSchema = Type.Object(
  {
    name: Type.String({
      default: 'vigia',
      minLength: 1,
      description: 'Name of the project in reports, run folders and model manifests.',
    }),
    seed: Type.Integer({
      default: 42,
      minimum: 0,
      maximum: 4_294_967_295,
      description:
        'Seed of everything random: generation, splits, sampling, models. Fixed, so that the same data and configuration give the same bytes.',
    }),
  },
  { description: 'Name and seed.' },
)

export type ProjectSettings = Static<typeof ProjectSchema>
