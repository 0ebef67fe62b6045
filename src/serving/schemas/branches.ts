import { Type } from 'typebox'
import { named, nullable, refTo } from './named.ts'

export const BranchAnswer = named(
  'Branch',
  Type.Object(
    {
      layout: Type.String({ description: 'Which models go on from them: 16 characters.' }),
      model: Type.Object(
        { name: Type.String(), version: Type.String() },
        { description: 'The model that they were made for.' },
      ),
      shadow: nullable(
        Type.Object(
          { name: Type.String(), version: Type.String() },
          { description: 'The shadow that is scored by them; null: none is.' },
        ),
      ),
      source: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Where the model that decided with them last was loaded from; null: none has.',
      }),
      decided_through: Type.Unsafe<number | null>({
        type: ['integer', 'null'],
        description: 'Last record of the log when they stopped deciding; null: they never did.',
      }),
      created_at: Type.String(),
      last_sequence: Type.Integer({ description: 'Last record of the log that they have.' }),
      records_behind: Type.Integer({ description: 'Records of the log that they lack.' }),
      bytes: Type.Integer({ description: 'On the disk.' }),
      failure: Type.String({ description: 'Why they do not follow the log; empty when they do.' }),
    },
    { description: 'States of another layout, which follow the log.' },
  ),
)

export const BranchesAnswer = named(
  'Branches',
  Type.Object(
    {
      branches: Type.Array(refTo(BranchAnswer)),
      unfilled_cache_bytes: Type.Optional(
        Type.Integer({
          description:
            'Memory that states may still take, those that follow included: what of it the deciding ones have not filled. Absent where the store is another one than lmdb.',
        }),
      ),
    },
    { description: 'States of other layouts than those that decide.' },
  ),
)
