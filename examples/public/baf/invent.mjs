import { createRandom, csvText } from '../invent.mjs'

const HEADER =
  'fraud_bool,income,name_email_similarity,prev_address_months_count,current_address_months_count,customer_age,days_since_request,intended_balcon_amount,payment_type,zip_count_4w,velocity_6h,velocity_24h,velocity_4w,bank_branch_count_8w,date_of_birth_distinct_emails_4w,employment_status,credit_risk_score,email_is_free,housing_status,phone_home_valid,phone_mobile_valid,bank_months_count,has_other_cards,proposed_credit_limit,foreign_request,source,session_length_in_minutes,device_os,keep_alive_session,device_distinct_emails_8w,device_fraud_count,month'

/**
 * BAF: applications for an account, without user and without time but the month; -1 is how it writes a
 * missing value. A score that no column has by itself decides: risk score, housing, name and e-mail, phone
 * and device together.
 */
export const set = {
  file: 'baf.csv.gz',
  knowledge: ['attributes'],
  invent: ({ rows, fraudShare, seed }) => {
    const random = createRandom(seed + 10_000)
    const perMonth = Math.ceil(rows / 8)
    const rowsOf = Array.from({ length: rows }, (_, row) =>
      applicationOf(random, fraudShare, Math.floor(row / perMonth)),
    )
    return csvText(HEADER.split(','), rowsOf)
  },
}

const applicationOf = (random, fraudShare, month) => {
  const isFraud = random.chance(fraudShare)
  const tell = (isFraud ? 2.4 : 0) + random.normal()
  const noisy = (weight) => weight * tell + random.normal()
  const missing = (share, value) => (random.chance(share) ? -1 : value)
  return [
    isFraud ? 1 : 0,
    (random.integer(9) / 10 + 0.1).toFixed(1),
    clamp(0.55 - 0.16 * noisy(0.8), 0, 1).toFixed(6),
    missing(0.7, random.integer(300)),
    missing(0.01, random.integer(400)),
    10 * (2 + random.integer(6)),
    random.between(0, 4).toFixed(6),
    random.chance(0.75) ? random.between(-12, -0.1).toFixed(6) : random.between(1, 90).toFixed(6),
    random.pick(['AA', 'AB', 'AC', 'AD']),
    random.integer(3000),
    random.between(500, 12_000).toFixed(4),
    random.between(2000, 9000).toFixed(4),
    random.between(3000, 6500).toFixed(4),
    random.integer(800),
    random.integer(25),
    random.pick(['CA', 'CB', 'CC', 'CA', 'CA']),
    Math.round(130 + 45 * noisy(0.7)),
    noisy(0.5) > 0.2 ? 1 : 0,
    noisy(0.8) > 1.8 ? 'BA' : random.pick(['BB', 'BC', 'BD', 'BE']),
    noisy(-0.5) > 0 ? 1 : 0,
    random.chance(0.9) ? 1 : 0,
    missing(0.25, 1 + random.integer(30)),
    noisy(-0.4) > 0.6 ? 1 : 0,
    random.pick(['200.0', '500.0', '1000.0', '1500.0', '2000.0']),
    random.chance(0.03) ? 1 : 0,
    random.chance(0.99) ? 'INTERNET' : 'TELEAPP',
    missing(0.01, random.between(0.2, 30).toFixed(6)),
    noisy(0.6) > 1 ? 'windows' : random.pick(['linux', 'macintosh', 'other', 'x11']),
    noisy(-0.5) > 0 ? 1 : 0,
    missing(0.01, noisy(0.6) > 2.4 ? 2 : 1),
    0,
    month,
  ]
}

const clamp = (value, least, most) => Math.min(most, Math.max(least, value))
