import { DAY_MS } from '../foundation/days.ts'
import type { TimeZone } from '../foundation/time-zone.ts'

/** 1970-01-01 was a Thursday; Monday is 0. */
const WEEKDAY_OF_EPOCH = 3

/** The local calendar and clock at a transaction's event time. */
export class Moment {
  /** 0 to 23. */
  hour = 0
  /** 0 to 1439. */
  minuteOfDay = 0
  /** Monday 0 to Sunday 6. */
  weekday = 0
  /** 1 to 31. */
  dayOfMonth = 1
  private readonly zone: TimeZone
  private day = Number.NaN

  constructor(zone: TimeZone) {
    this.zone = zone
  }

  moveTo(epochMs: number): void {
    const localMs = epochMs + this.zone.offsetMs(epochMs)
    const day = Math.floor(localMs / DAY_MS)
    this.minuteOfDay = Math.floor((localMs - day * DAY_MS) / 60_000)
    this.hour = Math.floor(this.minuteOfDay / 60)
    if (day === this.day) return
    this.day = day
    this.weekday = (((day + WEEKDAY_OF_EPOCH) % 7) + 7) % 7
    this.dayOfMonth = new Date(day * DAY_MS).getUTCDate()
  }
}
