import type { InferencePipeline } from '../../decisions/inference-pipeline.ts'

/** Counts that a pipeline keeps itself, since its start: name, help, value. */
export const PIPELINE_COUNTERS: readonly (readonly [
  string,
  string,
  (status: ReturnType<InferencePipeline['status']>) => number,
])[] = [
  [
    'vigia_searches_total',
    'Searches for earlier decisions in log and archive.',
    ({ searches }) => searches.done,
  ],
  [
    'vigia_searches_refused_total',
    'Those that too many others waited for.',
    ({ searches }) => searches.refused,
  ],
  [
    'vigia_layout_pauses_total',
    'Times that requests waited while states of another layout took over.',
    ({ layoutPauses }) => layoutPauses?.count ?? 0,
  ],
  [
    'vigia_layout_pause_seconds_total',
    'How long they waited, all together.',
    ({ layoutPauses }) => (layoutPauses?.totalMs ?? 0) / 1000,
  ],
]
