import { type Static, Type } from 'typebox'

/** What a command may use of the machine. Changes how fast it is, never what it computes. */
export const ResourcesSchema = Type.Object(
  {
    threads: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1024,
      unit: 'threads',
      description: 'Threads to use; 0 means one for each core, because the work is bound by the processor.',
    }),
    memory_limit: Type.String({
      default: '2GB',
      pattern: '^\\d+(\\.\\d+)?(KB|MB|GB|TB)$',
      description:
        'Memory of the query engine before it spills to temp_directory. 2GB sorts tens of millions of rows and leaves room for the rest on a small machine.',
    }),
    learning_memory: Type.String({
      default: 'auto',
      pattern: '^(auto|\\d+(\\.\\d+)?(KB|MB|GB|TB))$',
      description:
        'Memory that training one model may take beside its rows; a model that needs more is refused before it begins, with advice. auto: four fifths of what the machine has free then.',
    }),
    run_memory: Type.String({
      default: 'auto',
      pattern: '^(auto|unlimited|\\d+(\\.\\d+)?(KB|MB|GB|TB))$',
      description:
        'Memory that `vigia run` or `vigia features` may take; one that is estimated to need more is refused before it begins, with advice. auto: what the machine, or the container, has free then. unlimited: for who knows better.',
    }),
    temp_directory: Type.String({
      default: '.vigia/tmp',
      minLength: 1,
      description: 'Folder for what does not fit in memory. Inside the project, because /tmp is often small.',
    }),
  },
  { description: 'What a command may use of the machine. Results do not depend on it.' },
)

export type ResourcesSettings = Static<typeof ResourcesSchema>
