/** pi / 2 in parts of 33 bits, and what each leaves over. */
const PART_1 = 1.5707963267341256
const REST_1 = 6.077100506506192e-11
const PART_2 = 6.077100506303966e-11
const REST_2 = 2.0222662487959506e-21
const PART_3 = 2.0222662487111665e-21
const REST_3 = 8.4784276603689e-32
const TWO_OVER_PI = 6.366197723675814e-1

/** 2 / pi in 1216 binary places, pi / 2 in 192. */
const TWO_OVER_PI_PLACES = 1216n
const TWO_OVER_PI_BITS =
  0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babn
const PLACES = 192n
const HALF_PI_BITS = 0x1921fb54442d18469898cc51701b839a252049c1114cf98e8n
const ONE_PLACE = 2 ** -192

/**
 * What `reduce` found: an angle is `quadrant` quarter turns and `rest + restTail`, with |rest| <= pi / 4 and
 * a tail that is less than a unit in the rest's last place. It stands until the next call.
 */
export const reduced = { quadrant: 0, rest: 0.5, restTail: 0.5 }

/** Takes the quarter turns off a finite angle in radians that is larger than pi / 4 in size. */
export const reduce = (angle: number): void => {
  const size = Math.abs(angle)
  if (size < HUGE) reduceUsual(size)
  else reduceHuge(size)
  if (angle > 0) return
  reduced.quadrant = -reduced.quadrant
  reduced.rest = -reduced.rest
  reduced.restTail = -reduced.restTail
}

/** About 2^20 quarter turns: up to it the products of a number of turns and a part of pi / 2 are exact. */
const HUGE = 1_647_099

/**
 * By Cody and Waite: as many parts of pi / 2 are taken off as the cancellation asks for. Three leave 2^-118
 * of the angle, and no double of this size is nearer than 2^-50 of itself to a quarter turn.
 */
const reduceUsual = (angle: number): void => {
  const n = (angle * TWO_OVER_PI + 0.5) | 0
  let r = angle - n * PART_1
  let w = n * REST_1
  let rest = r - w
  if (Math.abs(rest) < angle * 2 ** -16) {
    const before = r
    w = n * PART_2
    r = before - w
    w = n * REST_2 - (before - r - w)
    rest = r - w
    if (Math.abs(rest) < angle * 2 ** -49) {
      const once = r
      w = n * PART_3
      r = once - w
      w = n * REST_3 - (once - r - w)
      rest = r - w
    }
  }
  reduced.quadrant = n
  reduced.rest = rest
  reduced.restTail = r - rest - w
}

/**
 * By Payne and Hanek's idea, in whole numbers: the angle times 2 / pi, and off it the nearest whole number.
 * An angle of this size has at most 33 binary places.
 */
const reduceHuge = (angle: number): void => {
  const whole = Math.trunc(angle)
  const inPlaces = (BigInt(whole) << ANGLE_PLACES) + BigInt((angle - whole) * TWO_TO_ANGLE_PLACES)
  const turns = inPlaces * TWO_OVER_PI_BITS
  const places = TWO_OVER_PI_PLACES + ANGLE_PLACES
  const quadrant = (turns + (1n << (places - 1n))) >> places
  const part = (turns - (quadrant << places)) >> (places - PLACES)
  const rest = (part * HALF_PI_BITS) >> PLACES
  const head = Number(rest)
  reduced.quadrant = Number(quadrant & 3n)
  reduced.rest = head * ONE_PLACE
  reduced.restTail = Number(rest - BigInt(head)) * ONE_PLACE
}

const ANGLE_PLACES = 33n
const TWO_TO_ANGLE_PLACES = 2 ** 33
