// The layers of Vigía. A folder imports from its own row's `mayImport` and from itself, and from nothing else in src/.
// `import type` counts. docs/architecture.md explains the table; test/architecture/ runs it with the unit tests.

const GROUND = ['errors', 'foundation']
const LAYERS = [
  { folder: 'foundation', mayImport: ['errors'] },
  { folder: 'disk', mayImport: GROUND },
  { folder: 'threads', mayImport: GROUND },
  { folder: 'transaction', mayImport: GROUND },
  { folder: 'evaluation', mayImport: GROUND },
  // Settings name figures: gates, search and choice have one for each record of evaluation/figures.ts.
  { folder: 'config', mayImport: [...GROUND, 'transaction', 'evaluation'] },
  // Rows of tables beside the transactions: training and serving find them by the same code.
  { folder: 'lookup', mayImport: [...GROUND, 'transaction'] },
  { folder: 'dataset', mayImport: [...GROUND, 'disk', 'transaction', 'config', 'lookup'] },
  { folder: 'features', mayImport: [...GROUND, 'transaction', 'config'] },
  { folder: 'learning', mayImport: GROUND },
  { folder: 'drift', mayImport: GROUND },
  { folder: 'performance', mayImport: GROUND },
  { folder: 'quality', mayImport: GROUND },
  { folder: 'model', mayImport: [...GROUND, 'transaction', 'config', 'features', 'learning'] },
  { folder: 'ports', mayImport: [...GROUND, 'transaction', 'config'] },
]
/** What engines and use cases stand on. */
const BASE = ['errors', ...LAYERS.map(({ folder }) => folder)]
LAYERS.push(
  { folder: 'artifacts', mayImport: BASE },
  // Rows of a service through the mapping that files were read by.
  { folder: 'mapping', mayImport: [...GROUND, 'disk', 'transaction', 'config', 'dataset'] },
)
/** Alerts: what fires, who is told, what waits to be sent. Where it is kept and sent to is handed in. */
LAYERS.push({ folder: 'alerts', mayImport: [...GROUND, 'ports', 'config'] })
/** Times of jobs, and which process runs them. Its journal and the jobs are handed in. */
LAYERS.push({ folder: 'scheduling', mayImport: [...GROUND, 'ports'] })
/** Retraining: from a trigger to a verdict. What it does to the world, and its journal, are handed in. */
LAYERS.push({
  folder: 'retraining',
  mayImport: [...GROUND, 'evaluation', 'drift', 'performance', 'quality', 'ports', 'config'],
})
/** Engines know no use case, and not each other: a use case puts them together. */
const ENGINES = ['replay', 'fitting', 'steps', 'tracking', 'decisions']
LAYERS.push(...ENGINES.map((folder) => ({ folder, mayImport: [...BASE, 'artifacts'] })))
/** Copies and checks of what a service keeps: it reads what decisions write, and decides on nothing. */
LAYERS.push({ folder: 'backup', mayImport: [...BASE, 'artifacts', 'decisions', 'branches'] })
/** Snapshots of the states beside a log, and the end of its old days: they read what decisions write. */
LAYERS.push({ folder: 'keeping', mayImport: [...BASE, 'artifacts', 'decisions'] })
/** What operators do to the states of a service: load, look at, repair, restore from logs. */
LAYERS.push({ folder: 'states', mayImport: [...BASE, 'artifacts', 'decisions'] })
/** Whether what comes in is still what the model was made for: it reads what decisions write. */
LAYERS.push({ folder: 'monitoring', mayImport: [...BASE, 'artifacts', 'alerts', 'decisions'] })
/** States of several layouts on one log: those of one decide, the others follow. */
LAYERS.push({ folder: 'branches', mayImport: [...BASE, 'artifacts', 'decisions', 'keeping', 'states'] })
const BELOW_PIPELINES = [
  ...BASE,
  'artifacts',
  'mapping',
  'alerts',
  'scheduling',
  'retraining',
  ...ENGINES,
  'keeping',
  'states',
  'branches',
  'monitoring',
]
/** Serving, reports and the command line show what use cases do, and not each other. */
const FACES = ['serving', 'reports', 'cli']
LAYERS.push(
  { folder: 'pipelines', mayImport: BELOW_PIPELINES },
  // The life of a served model: training, promotion and service put together.
  { folder: 'lifecycle', mayImport: [...BELOW_PIPELINES, 'pipelines'] },
  { folder: 'adapters', mayImport: [...GROUND, 'disk', 'transaction', 'config', 'ports'] },
  { folder: 'testing', mayImport: [...BASE, 'adapters/memory'] },
  ...FACES.map((folder) => ({ folder, mayImport: [...BELOW_PIPELINES, 'pipelines', 'lifecycle', 'backup'] })),
  {
    folder: 'composition',
    mayImport: [...BELOW_PIPELINES, 'pipelines', 'lifecycle', 'backup', 'adapters', ...FACES],
  },
)

/** Layers that are pure: what they know of the world is handed in. `dataset` is about files and may touch them. */
const PURE = 'foundation|transaction|config|features|learning|evaluation|drift|performance|quality'

const placeOf = (name) => (name === 'errors' ? 'errors\\.ts$' : `${name}/`)

// Tests and test kits stand beside their source and may use whatever they need to judge it.
const TESTS = '\\.(test|test-kit)\\.ts$'

const layerRule = ({ folder, mayImport }) => ({
  name: `layer-${folder}`,
  comment: `src/${folder}/ may import only itself and: ${mayImport.join(', ')}.`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: TESTS },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...mayImport].map(placeOf).join('|')})` },
})

/** The engine: what computes features and advances states. */
const FEATURE_ENGINE = '^src/features/(feature-engineer\\.ts$|state/)'

/** Sentences that everyone expects of this house, each a rule by its name, whatever the layers allow. */
const NEVER = [
  {
    name: 'one-serving-path',
    comment:
      'Features are computed by replay/ (history) and decisions/ (one transaction): a third caller would be a second way to serve. src/index.ts hands the engine to others.',
    from: { path: '^src/', pathNot: `^src/(features|replay|decisions)/|^src/index\\.ts$|${TESTS}` },
    to: { path: '^src/features/feature-engineer\\.ts$' },
  },
  {
    name: 'decisions-know-no-training',
    comment: 'A decision needs what training hands over (artifacts/), and nothing of how it came about.',
    from: { path: '^src/decisions/', pathNot: TESTS },
    to: { path: '^src/(pipelines/training|fitting/|steps/|replay/|learning/algorithm)' },
  },
  {
    name: 'decisions-know-no-promotion',
    comment: 'A decision is made by the models that it is given, whoever chose them.',
    from: { path: '^src/decisions/', pathNot: TESTS },
    to: { path: '^src/pipelines/promotion/' },
  },
  {
    name: 'tracking-knows-no-use-case',
    comment: 'The journal of runs records names and numbers: use cases say which.',
    from: { path: '^src/tracking/', pathNot: TESTS },
    to: { path: '^src/pipelines/' },
  },
  {
    name: 'promotion-uses-no-second-serving-path',
    comment: 'The gates serve through decisions/, or they measure what nobody serves.',
    from: { path: '^src/pipelines/(promotion|parity)/', pathNot: TESTS },
    to: { path: FEATURE_ENGINE },
  },
]

export default {
  forbidden: [
    ...LAYERS.map(layerRule),
    ...NEVER.map((rule) => ({ ...rule, severity: 'error' })),
    {
      name: 'errors-stand-alone',
      comment: 'src/errors.ts is the ground: it imports its table, which imports nothing.',
      severity: 'error',
      from: { path: '^src/(errors|error-table)\\.ts$' },
      to: { pathNot: '^src/error-table\\.ts$' },
    },
    {
      name: 'error-table-through-errors',
      comment:
        'src/error-table.ts is no part of a code version (steps/code-version.ts): only src/errors.ts reads it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/errors\\.ts$' },
      to: { path: '^src/error-table\\.ts$' },
    },
    {
      name: 'known-folders',
      comment: 'A folder of src/ that is not in the table has no place yet: give it a row.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${LAYERS.map(({ folder }) => folder).join('|')})/` },
      to: {},
    },
    {
      name: 'no-cycles',
      comment: 'Two files that import each other are one file, or a third is missing.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pure-layers',
      comment: 'Layers 0 to 2 touch no disk, network, process or thread: main.ts hands those in.',
      severity: 'error',
      from: { path: `^src/(${PURE})/`, pathNot: TESTS },
      to: {
        dependencyTypes: ['core'],
        path: '^(node:)?(fs|net|http|https|http2|dns|dgram|tls|child_process|worker_threads|cluster|os|process)(/|$)',
      },
    },
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      comment: 'A test or test kit is no part of what is shipped.',
      from: { path: '^src/', pathNot: TESTS },
      to: { path: `^test/|${TESTS}` },
    },
    {
      name: 'resolvable',
      comment: 'Every import must lead to a file or an installed package.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'src/ uses only packages that package.json lists under dependencies.',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    // TypeScript 7 offers no JavaScript interface to parse with. tsPreCompilationDeps keeps `import type` in the graph.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
