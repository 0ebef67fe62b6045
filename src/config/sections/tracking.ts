import { type Static, Type } from 'typebox'

/** Where runs and model versions are recorded. */
export const TrackingSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: 'Whether `vigia run` records its runs. false: nothing is written but the run folder.',
    }),
    uri: Type.String({
      default: '',
      secret: 'password',
      description:
        'Address of an MLflow server, such as http://127.0.0.1:5000. Empty: that of MLFLOW_TRACKING_URI, and without it the folder of directory. Credentials are never written here: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.',
    }),
    directory: Type.String({
      default: 'mlruns',
      minLength: 1,
      description:
        "Folder in MLflow's file layout, used without a server; `mlflow migrate-filestore` imports it. mlruns, as MLflow calls it.",
    }),
    experiment: Type.String({
      default: '',
      maxLength: 250,
      description: 'Experiment that runs belong to. Empty: the name of the project.',
    }),
    model: Type.String({
      default: 'fraud-detector',
      minLength: 1,
      maxLength: 250,
      pattern: '^[^/:.%"\']+$',
      description:
        'Name in the model registry that the best model of each run is registered under, as its next version.',
    }),
    timeout: Type.String({
      default: '10s',
      pattern: '^[0-9]+(d|h|m|s|ms)$',
      unit: 'duration',
      description:
        'Longest wait for one answer of the server. 10s: longer than a busy server needs, short enough that a run does not hang on a dead one.',
    }),
    retries: Type.Integer({
      default: 3,
      minimum: 0,
      maximum: 20,
      unit: 'retries',
      description:
        'Times a request is sent again when the server cannot be reached or is overloaded, with growing pauses. 3 bridge a restart of seconds; longer failures are bridged by `vigia tracking push`.',
    }),
  },
  { description: 'Where runs, metrics, artifacts and model versions are recorded.' },
)

export type TrackingSettings = Static<typeof TrackingSchema>
