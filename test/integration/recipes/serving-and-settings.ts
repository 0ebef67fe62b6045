import { appended, inserted, type Recipe, written } from './recipe.ts'

const setting: Recipe = {
  adds: 'a setting',
  changes: [
    appended(
      'src/config/sections/resources.ts',
      'ResourcesSchema = Type.Object(\n  {',
      `    recipe_words: Type.Integer({
      default: 7,
      minimum: 0,
      maximum: 9,
      unit: 'words',
      description: 'Words of the recipe; 7 are remembered.',
    }),
`,
    ),
  ],
  proof: `
import { expect, test } from 'vitest'
import { loadTrainingConfig } from '../../src/config/config-manager.ts'

const resources = (...assignments: string[]) =>
  loadTrainingConfig({ environment: {}, assignments, workingDirectory: '/' }).settings.resources

test('the setting has its default, is set by its name, and is held to its range', () => {
  const words: number = resources().recipe_words
  expect(words).toBe(7)
  expect(resources('resources.recipe_words=3').recipe_words).toBe(3)
  expect(() => resources('resources.recipe_words=10')).toThrow('recipe_words')
})
`,
  documented: ['configs/training_config.yaml', 'recipe_words: 7'],
}

const error: Recipe = {
  adds: 'an error',
  changes: [
    inserted('src/error-table.ts', {
      before: '  INTERRUPTED: {',
      text: `  RECIPE_MISSING: {
    status: 422,
    exitCode: 2,
    message: 'There is no recipe for {what}',
    fix: 'Write one in CONTRIBUTING.',
  },
`,
    }),
  ],
  proof: `
import { expect, test } from 'vitest'
import { VigiaError } from '../../src/errors.ts'

test('the error says its text with its details, and the compiler asks for them', () => {
  const { message, fix } = new VigiaError('RECIPE_MISSING', { what: 'a cake' })
  expect([message, fix]).toEqual(['There is no recipe for a cake', 'Write one in CONTRIBUTING.'])
  // @ts-expect-error a detail is missing
  expect(new VigiaError('RECIPE_MISSING', {}).code).toBe('RECIPE_MISSING')
})
`,
  documented: ['docs/errors.md', '## RECIPE_MISSING'],
}

const command: Recipe = {
  adds: 'a command',
  changes: [
    written(
      'src/cli/commands/recipe.ts',
      `
import type { Command } from '../command.ts'

/** \`vigia recipe\`: says that it was followed. */
export const recipeCommand: Command = {
  name: 'recipe',
  summary: 'follow a recipe',
  description: 'Says that the recipe was followed.',
  options: [],
  examples: [{ command: 'vigia recipe', explanation: 'Follow it.' }],
  run: async ({ stdout }) => {
    stdout.write('followed\\n')
    return 0
  },
}
`,
    ),
    inserted('src/cli/commands/index.ts', {
      before: "import { type PipelineTools, runCommand } from './run.ts'",
      text: "import { recipeCommand } from './recipe.ts'\n",
    }),
    inserted('src/cli/commands/index.ts', { after: '  doctorCommand,\n', text: '  recipeCommand,\n' }),
  ],
  proof: `
import { expect, test } from 'vitest'
import { vigiaIn } from '../end-to-end/vigia-in-process.ts'

test('the command runs, and stands in the help', async () => {
  expect(await vigiaIn('/', ['recipe'])).toEqual({ status: 0, stdout: 'followed\\n', stderr: '' })
  expect((await vigiaIn('/', ['--help'])).stdout).toContain('follow a recipe')
})
`,
  laws: ['src/cli/program.test.ts'],
}

const route: Recipe = {
  adds: 'a route',
  changes: [
    written(
      'src/serving/schemas/recipe.ts',
      `
import { Type } from 'typebox'
import { named } from './named.ts'

export const RecipeAnswer = named(
  'Recipe',
  Type.Object({ steps: Type.Integer({ description: 'How many it has.' }) }, { description: 'A recipe.' }),
)
`,
    ),
    written(
      'src/serving/routes/recipe.ts',
      `
import type { App } from '../dependencies.ts'
import { refTo } from '../schemas/named.ts'
import { RecipeAnswer } from '../schemas/recipe.ts'
import type { RouteContext } from './route-context.ts'

/** GET /recipe: how many models are in service. */
export const addRecipe = (app: App, { pipeline }: RouteContext): void => {
  app.get(
    '/recipe',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['service'],
        operationId: 'getRecipe',
        summary: 'The recipe',
        response: { 200: refTo(RecipeAnswer) },
      },
    },
    async () => ({ steps: pipeline.models.length }),
  )
}
`,
    ),
    inserted(
      'src/serving/server.ts',
      {
        before: "import type { RouteContext } from './routes/route-context.ts'",
        text: "import { addRecipe } from './routes/recipe.ts'\n",
      },
      { after: '    addService(routes, context)\n', text: '    addRecipe(routes, context)\n' },
    ),
  ],
  proof: `
import { expect, test } from 'vitest'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'

test('the route answers by its schema, and asks for a key where there are some', async () => {
  const { app } = await createTestServer()
  const answer = await app.inject({ method: 'GET', url: '/recipe' })
  expect([answer.statusCode, answer.json()]).toEqual([200, { steps: 1 }])
  await app.close()
})
`,
  laws: ['test/serving/safety.test.ts'],
  forgotten: {
    path: 'src/serving/server.ts',
    saidBy: 'tests',
    words: /the route answers by its schema/,
  },
  documented: ['docs/openapi.json', '"/recipe"'],
}

const transactionField: Recipe = {
  adds: 'a field of a transaction',
  changes: [
    appended(
      'src/transaction/fields.ts',
      'TRANSACTION_FIELDS = [',
      `  {
    name: 'recipeChannel',
    wire: 'recipe_channel',
    column: 'recipe_channel',
    kind: 'category',
    required: false,
    says: 'How it was entered.',
    example: 'contactless',
  },
`,
    ),
    inserted(
      'src/transaction/read-request.ts',
      {
        before: "    location: readText('location'",
        text: "    recipeChannel: readText('recipe_channel', body.recipe_channel, problems),\n",
      },
      {
        before: '  if (read.location !== undefined)',
        text: '  if (read.recipeChannel !== undefined) transaction.recipeChannel = read.recipeChannel\n',
      },
    ),
  ],
  laws: [
    'src/transaction',
    'src/dataset/read-source.test.ts',
    'src/dataset/cleaning.test.ts',
    'src/decisions/decision-receipt.test.ts',
    'src/decisions/log',
  ],
  forgotten: {
    path: 'src/transaction/read-request.ts',
    saidBy: 'compiler',
    words: /read-request\.ts.*\n?.*recipeChannel/,
  },
  documented: ['docs/openapi.json', '"recipe_channel"'],
}

const decisionField: Recipe = {
  adds: 'a field of a decision',
  changes: [
    inserted(
      'src/decisions/decided.ts',
      {
        before: '  /** Whether the champion or the canary decided. */\n',
        text: '  /** What the recipe says of it; undefined in what earlier versions decided. */\n  readonly recipeNote: string | undefined\n',
      },
      { after: '  threshold: scorer.threshold,\n', text: '  recipeNote: String(scorer.threshold),\n' },
      { before: '  hash,\n', text: '  recipeNote: decided.recipeNote,\n' },
      { before: '  model: modelKey,\n', text: '  recipeNote: decided.recipeNote,\n' },
      { before: '  isRepeated,\n})', text: '  recipeNote: decided.recipeNote,\n' },
    ),
    inserted('src/decisions/log/archive-columns.ts', {
      before: "  ofShadow('shadow_model_key'",
      text: "  ofDecision('recipe_note', VARCHAR, 'recipeNote'),\n",
    }),
    inserted('src/serving/answers.ts', {
      after: '  threshold: prediction.threshold,\n',
      text: '  recipe_note: prediction.recipeNote,\n',
    }),
    inserted('src/serving/schemas/prediction.ts', {
      before: '  model: refTo(ModelName),\n  role: Type.Unsafe({',
      text: "  recipe_note: Type.Optional(Type.String({ description: 'What the recipe says of it.' })),\n",
    }),
    inserted(
      'src/decisions/log/prediction-archive.test.ts',
      { after: '  threshold: 0.1,\n', text: "  recipeNote: '0.1',\n" },
      { before: 'shadow_model_key VARCHAR, ', text: 'recipe_note VARCHAR, ' },
    ),
  ],
  proof: `
import { expect, test } from 'vitest'
import { DECISION_COLUMNS } from '../../src/decisions/log/archive-columns.ts'
import { createTestServer } from '../../src/serving/serving.test-kit.ts'

test('the answer says the field, and so does the archive', async () => {
  const { app } = await createTestServer()
  const [payload] = (await app.inject({ url: '/sample-transaction?count=1' })).json().transactions
  const answer = await app.inject({ method: 'POST', url: '/predict', payload })
  expect(answer.json().recipe_note).toBe('0.5')
  expect(DECISION_COLUMNS.map(({ name }) => name)).toContain('recipe_note')
  await app.close()
})
`,
  laws: ['src/decisions/log'],
  documented: ['docs/openapi.json', '"recipe_note"'],
}

const decisionSetting: Recipe = {
  adds: 'a serving setting of the pipeline',
  changes: [
    appended(
      'src/config/sections/serving.ts',
      'StateStoreSchema = Type.Object(\n  {',
      `    recipe_pause: Type.String({
      default: '1s',
      pattern: DURATION_PATTERN,
      unit: 'duration',
      description: 'How long the recipe rests; a second is enough.',
    }),
`,
    ),
    inserted('src/decisions/decisions.ts', {
      before: '  /** Bytes from which on the log is archived by itself. */\n',
      text: '  /** How long the recipe rests, in milliseconds. */\n  readonly recipePauseMs: number\n',
    }),
    inserted('src/pipelines/service/open-service.ts', {
      before: '  archiveAfterBytes: prediction_log',
      text: '  recipePauseMs: parseDuration(state_store.recipe_pause),\n',
    }),
    appended(
      'src/decisions/inference.test-kit.ts',
      'TEST_SETTINGS: DecisionSettings = {',
      '  recipePauseMs: 0,\n',
    ),
  ],
  forgotten: {
    path: 'src/pipelines/service/open-service.ts',
    saidBy: 'compiler',
    words: /open-service\.ts.*recipePauseMs/,
  },
  documented: ['configs/serving_config.yaml', 'recipe_pause: 1s'],
}

const adapter: Recipe = {
  adds: 'an adapter of a port',
  changes: [
    written(
      'src/adapters/recipe/recipe-state-store.ts',
      `
import type { OwnedStateStore } from '../../ports/state-store.ts'
import { createMemoryStateStore } from '../memory/memory-state-store.ts'

/** States in memory that outlive the store: closing it forgets nothing. */
export const createRecipeStateStore = (): OwnedStateStore => ({
  ...createMemoryStateStore(),
  close: async () => {},
})
`,
    ),
    written(
      'src/adapters/recipe/recipe-state-store.test.ts',
      `
import { holdToLaws } from '../../../test/hold-to-laws.ts'
import { stateStoreLaws } from '../../testing/state-store-laws.ts'
import { createRecipeStateStore } from './recipe-state-store.ts'

let store = createRecipeStateStore()
holdToLaws('the store of the recipe keeps the laws of a state store', stateStoreLaws, {
  open: async () => {
    store = createRecipeStateStore()
    return store
  },
  reopen: async () => store,
})
`,
    ),
    inserted('src/config/sections/serving.ts', {
      before: "Type.Literal('redis')], {",
      text: "Type.Literal('recipe'), ",
    }),
    inserted(
      'src/composition/open-serving-storage.ts',
      {
        before: "import { openLogReader } from '../adapters/segments/segment-files.ts'",
        text: "import { createRecipeStateStore } from '../adapters/recipe/recipe-state-store.ts'\n",
      },
      {
        before: "      case 'memory':",
        text: "      case 'recipe':\n        return { kind: 'owned', name: 'recipe', store: createRecipeStateStore() }\n",
      },
    ),
  ],
  laws: ['src/adapters/recipe/recipe-state-store.test.ts'],
  forgotten: {
    path: 'src/composition/open-serving-storage.ts',
    saidBy: 'compiler',
    words: /open-serving-storage\.ts/,
  },
  documented: ['schemas/serving_config.schema.json', 'recipe'],
}

export const SERVING_AND_SETTINGS: readonly Recipe[] = [
  setting,
  error,
  command,
  route,
  transactionField,
  decisionField,
  decisionSetting,
  adapter,
]
