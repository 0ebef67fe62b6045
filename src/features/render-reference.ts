import type { Feature, FeatureFamily, FeatureSource } from './feature.ts'
import { type PlannedFeature, planFeatures } from './feature-plan.ts'
import type { FeatureSettings } from './feature-settings.ts'

/** What `features` reads, for people. */
const readsOf = (source: FeatureSource): string =>
  source === 'transaction' ? 'transaction' : `transaction, ${source} state`

/** The reference of all features as Markdown, from their records: `docs/features.md`. */
export const renderFeatureReference = (
  settings: FeatureSettings,
  families: readonly FeatureFamily[],
): string => {
  const { features } = planFeatures(settings, families)
  const sections = families.map((family) =>
    renderFamily(
      family,
      features.filter((planned) => planned.family === family.name),
    ),
  )
  return [
    '# Features',
    '',
    '<!-- Generated from src/features/families by `npm run docs`. Change the records there instead. -->',
    '',
    `${features.length} features in ${families.length} families, with the default windows. Names stand in the order of the vector. A window`,
    'of length w is `(t - w, t]`, this transaction included; a risk window is `(t - delay - w, t - delay]` and counts labels known',
    'when the transaction arrives. Amounts are in units of the currency. A feature of an entity that the transaction does not',
    'name is missing (NaN). `features.include` and `features.exclude` take names and `family.*`. A reason for a score tells the value',
    'in words, as the last column shows. The values of categorical features are codes without an order.',
    '',
    ...sections,
  ].join('\n')
}

const renderFamily = (family: FeatureFamily, features: readonly PlannedFeature[]): string =>
  [
    `## ${family.title} (\`${family.name}.*\`)`,
    '',
    family.meaning,
    '',
    '| feature | meaning | unit | range | missing | computed from | in words |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...features.map(
      ({ feature, source }) =>
        `| \`${feature.name}\` | ${feature.meaning} | ${unit(feature)} | ${range(feature)} | ${feature.missing} | ${readsOf(source)} | ${words(feature)} |`,
    ),
    '',
  ].join('\n')

const unit = ({ unit, kind }: Feature): string => (kind === 'categorical' ? `${unit}, categorical` : unit)

/** A yes or no is shown by its yes, everything else with an ellipsis for the value. */
const words = ({ phrase }: Feature): string =>
  phrase === undefined
    ? ''
    : phrase.as === 'number' && phrase.at?.[1]
      ? phrase.at[1]
      : phrase.text.replace('{}', '…')

const range = ({ range: [least, most] }: Feature): string =>
  `${Number.isFinite(least) ? `[${least}` : '(-∞'}, ${Number.isFinite(most) ? `${most}]` : '∞)'}`
