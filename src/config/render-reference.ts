import { type ConfigFile, schemaOf } from './config-file.ts'
import { describeAllowed } from './describe-allowed.ts'
import { variableOf } from './overrides.ts'
import { type Setting, type SettingSchema, settingsOf } from './setting-schema.ts'

/**
 * `docs/configuration.md`: a table for each section with key, what is allowed, default, reason and variable.
 */
export const renderReference = (files: readonly ConfigFile[]): string =>
  `${INTRODUCTION}\n${files.map(renderFile).join('\n')}`

const INTRODUCTION = `# Configuration

<!-- Generated from src/config/ by \`npm run docs\`. Change the schemas instead. -->

A value comes from the first of these that gives one:

1. \`--set section.key=value\` on the command line (may be repeated; the last wins);
2. the environment variable \`VIGIA_<SECTION>__<KEY>\`, two underscores between levels;
3. the configuration file named with \`--config\`;
4. the default.

\`vigia config show\` prints every effective value, secrets hidden, and where it came from. A text in the environment or after \`--set\` is read
as it would be in YAML (\`[1h, 7d]\` is a list), except where the setting takes text. An unknown setting, in the file, in the
environment or after \`--set\`, is an error that names the nearest known one; all problems are told at once.

A relative path that is written in a file starts at that file's folder, so a configuration and its data can move together.
Any other relative path (a default, the environment, \`--set\`) starts at the working directory.

Editors that know the YAML language server complete and check the files while typing, from \`schemas/*.schema.json\`.
`

const renderFile = (file: ConfigFile): string => {
  const sections = Object.entries(schemaOf(file).properties ?? {})
  const tables = sections.map(([name, schema]) => renderSection(name, schema))
  return `## configs/${file.name}.yaml\n\n${file.summary}\n\n${tables.join('\n')}`
}

const renderSection = (name: string, schema: SettingSchema): string => {
  const rows = settingsOf(schema, [name]).map(renderRow)
  return [
    `### ${name}`,
    '',
    ...(schema.description === undefined ? [] : [schema.description, '']),
    '| setting | allowed | default | unit | meaning and reason | environment variable |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}

const renderRow = ({ path, schema }: Setting): string => {
  const { unit, ...rest } = schema
  const cells = [
    `\`${path.join('.')}\``,
    unit === 'duration' ? describeAllowed(schema) : describeAllowed(rest),
    schema.default === undefined ? 'none' : `\`${JSON.stringify(schema.default)}\``,
    unit ?? '',
    schema.description ?? '',
    `\`${variableOf(path)}\``,
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
