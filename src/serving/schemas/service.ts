import { Type } from 'typebox'
import { named, refTo } from './named.ts'

export const ModelAnswer = named(
  'ServedModel',
  Type.Object(
    {
      name: Type.String(),
      version: Type.String(),
      role: Type.Unsafe({
        type: 'string',
        enum: ['champion', 'canary', 'shadow'],
        description: 'champion decides; canary decides for some users; shadow only scores.',
      }),
      title: Type.String({ description: 'What kind of model it is.' }),
      threshold: Type.Number(),
      risk_levels: Type.Object({ medium: Type.Number(), high: Type.Number(), critical: Type.Number() }),
      features: Type.Array(Type.String()),
      sha256: Type.String(),
      loaded_at: Type.String(),
      source: Type.String({ description: 'A folder, or models:/name@alias.' }),
      unscored: Type.Optional(
        Type.String({
          description:
            'Why a shadow says nothing of decisions at the moment (no states of its layout follow the log); left out where it does.',
        }),
      ),
    },
    { description: 'A model in service.' },
  ),
)

export const ModelsAnswer = named(
  'ServedModels',
  Type.Object(
    {
      models: Type.Array(refTo(ModelAnswer)),
      layout_pause_ms: Type.Optional(
        Type.Number({
          description:
            'How long requests waited while the states of another layout took over; absent when none did.',
        }),
      ),
    },
    { description: 'The models in service, the champion first.' },
  ),
)

export const LiveAnswer = named(
  'Live',
  Type.Object({ status: Type.Literal('live') }, { description: 'The process answers.' }),
)

export const HealthAnswer = named(
  'Health',
  Type.Object(
    {
      status: Type.Unsafe({ type: 'string', enum: ['ready', 'not_ready'] }),
      reasons: Type.Array(Type.String(), { description: 'Why it is not ready; empty when it is.' }),
      version: Type.String({ description: 'Of Vigía.' }),
      uptime_s: Type.Number(),
      model: Type.Optional(Type.Object({ name: Type.String(), version: Type.String() })),
      requests_in_flight: Type.Integer(),
      store: Type.Object({
        kind: Type.String(),
        cached_states: Type.Integer(),
        cached_bytes: Type.Integer(),
        unsaved_states: Type.Integer(),
      }),
      log: Type.Object({ last_sequence: Type.Integer(), bytes: Type.Integer(), waiting: Type.Integer() }),
    },
    { description: 'Whether the server can decide, and how it is.' },
  ),
)

export const SavedLogsAnswer = named(
  'SavedLogs',
  Type.Object(
    {
      folder: Type.String({ description: 'Folder of the dated Parquet files.' }),
      files: Type.Array(Type.String(), { description: 'Files that this call wrote.' }),
      records: Type.Integer({ description: 'Records in them.' }),
    },
    { description: 'What was written.' },
  ),
)
