import { sqlIdentifier, sqlLiteral } from '../disk/database.ts'
import { attributeColumn } from '../transaction/attributes.ts'
import { atMost, type Check, forbidden, NOTHING_FOUND, type Subject } from './dataset-check.ts'
import type { SourceAttribute } from './source-attributes.ts'
import type { ValidationCheck } from './validation-report.ts'

/**
 * Many attributes are empty in most rows, and say something all the same; one that is nearly never there
 * does not.
 */
const MOST_MISSING = 0.999

/** What `source.attributes` says of the values of each attribute, and what any should be like. */
export const checkAttributes: Check = async (subject) => {
  const checks: ValidationCheck[] = []
  for (const attribute of subject.read.attributes) {
    checks.push(missingShare(attribute, subject))
    if (attribute.range !== undefined) checks.push(await valuesInRange(attribute, subject))
    if (attribute.allowed !== undefined) checks.push(await valuesAllowed(attribute, subject))
    if (attribute.kind === 'category') checks.push(distinctValues(attribute, subject))
  }
  return checks
}

const columnOf = ({ name }: SourceAttribute): string => sqlIdentifier(attributeColumn(name))

const profileOf = ({ name }: SourceAttribute, { profile }: Subject) =>
  profile.columns.find((column) => column.name === attributeColumn(name))!

const missingShare = (attribute: SourceAttribute, subject: Subject): ValidationCheck => ({
  ...atMost({
    id: `missing.attributes.${attribute.name}`,
    what: `share of rows without the attribute ${attribute.name}`,
    severity: 'warning',
    setting: '',
    limit: attribute.maxMissingShare ?? MOST_MISSING,
    rows: profileOf(attribute, subject).missing,
    of: subject.profile.rows,
  }),
  setting: `source.attributes.${attribute.name}.max_missing_share`,
})

const valuesInRange = async (attribute: SourceAttribute, { find }: Subject): Promise<ValidationCheck> => {
  const [least, most] = attribute.range!
  const column = columnOf(attribute)
  const found = await find(`${column} NOT BETWEEN ${least} AND ${most}`, column)
  const check = forbidden(
    {
      id: `range.attributes.${attribute.name}`,
      what: `values of the attribute ${attribute.name} outside the plausible range`,
      severity: 'warning',
      setting: `source.attributes.${attribute.name}.range`,
    },
    found,
  )
  return { ...check, allowed: `${least} to ${most}` }
}

const valuesAllowed = async (attribute: SourceAttribute, { find }: Subject): Promise<ValidationCheck> => {
  const column = columnOf(attribute)
  const allowed = attribute.allowed!
  const found = await find(`${column} NOT IN (${allowed.map(sqlLiteral).join(', ')})`, column)
  const check = forbidden(
    {
      id: `allowed.attributes.${attribute.name}`,
      what: `values of the attribute ${attribute.name} outside the list`,
      severity: 'error',
      setting: `source.attributes.${attribute.name}.allowed`,
    },
    found,
  )
  return { ...check, allowed: allowed.join(', ') }
}

const distinctValues = (attribute: SourceAttribute, subject: Subject): ValidationCheck => {
  const distinct = profileOf(attribute, subject).distinct ?? 0
  return {
    id: `cardinality.attributes.${attribute.name}`,
    what: `distinct values of the attribute ${attribute.name}`,
    severity: 'warning',
    setting: 'validation.max_categories',
    allowed: `at most ${subject.settings.max_categories}`,
    observed: distinct,
    ...NOTHING_FOUND,
    passed: distinct <= subject.settings.max_categories,
  }
}
