import type { Position } from './read-yaml.ts'

/** Where an effective value came from, weakest first: what stands later in this list wins. */
export type Origin =
  | { readonly kind: 'default' }
  | ({ readonly kind: 'file'; readonly file: string } & Position)
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'set'; readonly argument: string }

/**
 * An origin as people read it: `default`, `configs/training_config.yaml:12`, `environment
 * VIGIA_PROJECT__SEED`, `--set`.
 */
export const describeOrigin = (origin: Origin): string => {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return `${origin.file}:${origin.line}`
    case 'environment':
      return `environment ${origin.variable}`
    case 'set':
      return `--set ${origin.argument}`
  }
}
