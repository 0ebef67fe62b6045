// Writes an invented bank as two exports: `before.csv`, and `after.csv`, the same payments with what the bank
// has kept of them since: the IP address, the e-mail address and when the customer signed up.
import { writeFileSync } from 'node:fs'

const PAYMENTS = 4000
const USERS = 300
const START = Date.UTC(2026, 0, 1)
const DAY = 86_400_000

let state = 20_260_101
/** Uniform in [0, 1): Park and Miller's minimal standard generator. */
const random = () => {
  state = (state * 48_271) % 2_147_483_647
  return state / 2_147_483_647
}
const below = (n) => Math.floor(random() * n)

const users = Array.from({ length: USERS }, (_, n) => ({
  id: `user-${n}`,
  ip: `192.0.2.${n % 250}`,
  email: `person${n}@${['mail.example', 'post.example', 'web.example'][n % 3]}`,
  signedUp: START - below(900) * DAY,
}))
const before = ['id,user,shop,time,amount,fraud']
const after = ['id,user,shop,time,amount,fraud,ip,email,signed_up']
let time = START
for (let n = 0; n < PAYMENTS; n++) {
  time += 60_000 + below(50 * 60_000)
  const isFraud = random() < 0.03
  const user = users[below(USERS)]
  const at = new Date(time).toISOString()
  const payment = [
    `payment-${n}`,
    user.id,
    `shop-${below(40)}`,
    at,
    (isFraud ? 20 + random() * 300 : 2 + random() * 120).toFixed(2),
    isFraud ? 1 : 0,
  ]
  // A thief comes from few addresses, with a new account.
  const ip = isFraud && random() < 0.8 ? `198.51.100.${below(4)}` : user.ip
  const signedUp = isFraud && random() < 0.6 ? time - below(DAY) : Math.min(user.signedUp, time)
  before.push(payment.join(','))
  after.push([...payment, ip, user.email, new Date(signedUp).toISOString()].join(','))
}
writeFileSync('before.csv', `${before.join('\n')}\n`)
writeFileSync('after.csv', `${after.join('\n')}\n`)
console.log(`${PAYMENTS} payments until ${new Date(time).toISOString()}`)
