import { Type } from 'typebox'
import { named } from './named.ts'

const configured = {
  name: Type.String(),
  data_type: Type.String({ description: 'TYPE_FP64, TYPE_BOOL, TYPE_STRING.' }),
  dims: Type.Array(Type.Integer(), { description: '-1: as many as there are rows.' }),
}

export const ModelConfig = named(
  'ModelConfig',
  Type.Object(
    {
      name: Type.String(),
      platform: Type.String(),
      backend: Type.String(),
      version_policy: Type.Object({ latest: Type.Object({ num_versions: Type.Integer() }) }),
      max_batch_size: Type.Integer(),
      input: Type.Array(Type.Object({ ...configured, format: Type.String(), optional: Type.Boolean() })),
      output: Type.Array(Type.Object(configured)),
    },
    { description: "A model's configuration, as far as Triton's clients read it." },
  ),
)

const duration = Type.Object({ count: Type.Integer(), ns: Type.Integer() })

export const ModelStatistics = named(
  'ModelStatistics',
  Type.Object(
    {
      model_stats: Type.Array(
        Type.Object({
          name: Type.String(),
          version: Type.String(),
          last_inference: Type.Integer({ description: 'Epoch milliseconds; 0: there was none.' }),
          inference_count: Type.Integer({ description: 'Rows that were answered.' }),
          execution_count: Type.Integer({ description: 'Requests that were answered.' }),
          inference_stats: Type.Object({
            success: duration,
            fail: duration,
            queue: duration,
            compute_input: duration,
            compute_infer: duration,
            compute_output: duration,
            cache_hit: duration,
            cache_miss: duration,
          }),
          batch_stats: Type.Array(Type.Object({})),
          memory_usage: Type.Array(Type.Object({})),
        }),
      ),
    },
    {
      description:
        "Requests of this protocol since the model came into service, in Triton's words. GET /metrics counts decisions by whichever protocol.",
    },
  ),
)

export const RepositoryIndex = named(
  'RepositoryIndex',
  Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      state: Type.Unsafe({ type: 'string', enum: ['READY', 'UNAVAILABLE'] }),
      reason: Type.String({ description: 'Why it cannot decide; empty when it can.' }),
    }),
    { description: 'The model that is asked through this protocol: the champion.' },
  ),
)
