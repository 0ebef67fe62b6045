import { stringify } from 'yaml'
import { type ConfigFile, schemaOf } from './config-file.ts'
import { describeAllowed } from './describe-allowed.ts'
import { isGroup, type SettingPath, type SettingSchema } from './setting-schema.ts'

/** Columns of a comment, indentation included. */
const WIDTH = 110

/**
 * The complete YAML file of a configuration: every setting with its default and, above it, its meaning, the
 * reason for the default and what is allowed.
 *
 * For a file in `configs/`, one folder below the project: paths that are relative to the project get `../`
 * before them, because a path in a file starts at the file's folder. A setting without a default stands as a
 * comment.
 */
export const renderYaml = (file: ConfigFile): string => {
  const schema = schemaOf(file)
  const header = [
    `# yaml-language-server: $schema=../schemas/${file.name}.schema.json`,
    '#',
    ...comment(file.summary, 0),
    ...comment(
      'Every setting with its default: delete what you do not change. Generated from the schemas in src/config/ by `npm run docs`. Relative paths start at the folder of this file.',
      0,
    ),
  ]
  const sections = Object.entries(schema.properties ?? {}).map(([key, child]) =>
    renderSetting([key], child, file),
  )
  return `${header.join('\n')}\n\n${sections.join('\n')}`
}

const renderSetting = (path: SettingPath, schema: SettingSchema, file: ConfigFile): string => {
  const depth = path.length - 1
  const key = path.at(-1) ?? ''
  if (isGroup(schema)) {
    const children = Object.entries(schema.properties).map(([name, child]) =>
      renderSetting([...path, name], child, file),
    )
    const about = schema.description === undefined ? [] : comment(schema.description, depth)
    return `${[...about, `${indentation(depth)}${key}:`].join('\n')}\n${children.join('')}`
  }
  const about = comment(`${schema.description ?? ''} Allowed: ${describeAllowed(schema)}.`.trim(), depth)
  if (schema.default === undefined) {
    return `${[...about, `${indentation(depth)}# ${key}:`].join('\n')}\n`
  }
  const value = file.paths.includes(path.join('.')) ? fromConfigsFolder(schema.default) : schema.default
  const line = stringify({ [key]: value }, { lineWidth: 0, collectionStyle: 'flow' })
    .trim()
    .slice(1, -1)
    .trim()
  return `${[...about, `${indentation(depth)}${line}`].join('\n')}\n`
}

/** A default path, which starts at the project, as written in a file of `configs/`. */
const fromConfigsFolder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fromConfigsFolder)
  return typeof value === 'string' && value !== '' && !value.startsWith('/') ? `../${value}` : value
}

const indentation = (depth: number): string => '  '.repeat(depth)

const comment = (text: string, depth: number): readonly string[] => {
  const prefix = `${indentation(depth)}# `
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && prefix.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map((content) => `${prefix}${content}`)
}
