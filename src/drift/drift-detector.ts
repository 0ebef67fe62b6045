import { VigiaError } from '../errors.ts'
import { weekdayOf } from './chart/observations.ts'
import type { DriftLook } from './drift-look.ts'
import { type DriftSettings, driftSettings } from './drift-settings.ts'
import { FittedHistory, isEnough } from './fitted-history.ts'
import { lookAt } from './look-at.ts'
import type { DayProfile } from './profile-book.ts'
import type { ProfileLayout } from './profile-layout.ts'
import type { DriftSeverity } from './severity.ts'
import { mergeProfiles, type WindowProfile } from './window-profile.ts'

export interface DetectorOptions {
  /** Bins of all profiles: `profileLayoutOf` the reference. */
  readonly layout: ProfileLayout
  /** Days without known faults, in any order: what is usual, weekdays and growth included. */
  readonly history?: readonly DayProfile[]
  /**
   * Share of each feature in what moves the model's scores (mean size of its SHAP values, over their sum).
   */
  readonly importance?: Readonly<Record<string, number>>
  readonly settings?: Partial<DriftSettings>
}

/** Days that the size of a change is measured against at most, of all weekdays. */
const BASE_DAYS = 28

/** Fits that are kept: of the day looked at, and of those before it that confirm what is severe. */
const FITS_KEPT = 3

/**
 * Says whether a day is unlike what the history lets expect, and how much it matters.
 *
 * What decides is a chart calibrated on the history (`docs/drift.md`): of every series of every feature, the
 * score and the segments how far the day is from what its weekday and the days before let expect; the largest
 * of all is held against what the largest of a day without drift reaches. p-values are shown and decide
 * nothing: transactions of the same users and days are not independent.
 *
 * What is said of a day follows from the days before it alone: not from which of them were looked at, nor
 * when, nor how many at once.
 */
export class DriftDetector {
  private readonly layout: ProfileLayout
  private readonly settings: DriftSettings
  private readonly importance: Readonly<Record<string, number>> | undefined
  /** Ascending. */
  private readonly days: DayProfile[]
  /** What was found on a day, before others confirmed it. */
  private readonly found = new WeakMap<DayProfile, DriftSeverity>()
  /** The latest first. */
  private fits: readonly FittedHistory[] = []

  /** @throws DRIFT_HISTORY_REFUSED, DRIFT_PROFILE_REFUSED, DRIFT_SETTING_INVALID */
  constructor({ layout, history = [], importance, settings }: DetectorOptions) {
    this.layout = layout
    this.settings = driftSettings(settings)
    this.importance = importance
    this.days = [...history].sort((a, b) => a.day - b.day)
    for (const [at, { day, profile }] of this.days.entries()) {
      this.refuseForeign(day, profile)
      if (at > 0 && this.days[at - 1]!.day === day)
        throw new VigiaError('DRIFT_HISTORY_REFUSED', { reason: `the day ${day} is there twice` })
    }
  }

  /**
   * Looks at a day after all others, and remembers it: later days are held against it, as if it had been
   * among the history from the beginning.
   *
   * @throws DRIFT_HISTORY_REFUSED, DRIFT_PROFILE_REFUSED
   */
  look(day: DayProfile): DriftLook {
    const last = this.days.at(-1)
    if (last !== undefined && last.day >= day.day)
      throw new VigiaError('DRIFT_HISTORY_REFUSED', {
        reason: `the day ${day.day} to be looked at is not after ${last.day}`,
      })
    const look = this.assess(day)
    this.days.push(day)
    if (this.days.length > daysNeeded(this.settings)) this.days.shift()
    return look
  }

  /**
   * What the days before this one let say of it, without remembering it. Days that are known and later do not
   * count, nor does one of the same number.
   *
   * @throws DRIFT_HISTORY_REFUSED, DRIFT_PROFILE_REFUSED
   */
  assess(day: DayProfile): DriftLook {
    this.refuseForeign(day.day, day.profile)
    const later = this.days.findIndex((known) => known.day >= day.day)
    const at = later < 0 ? this.days.length : later
    return this.judge(day, at, () => this.foundBefore(at))
  }

  /** @param at how many days are before this one */
  private judge(day: DayProfile, at: number, earlier: () => readonly DriftSeverity[]): DriftLook {
    const { layout, settings, importance } = this
    const { from, end } = this.historyFor(day.day, at)
    const fit = this.fitOn(this.days.slice(from, end))
    const look = lookAt(day, {
      layout,
      settings,
      importance,
      earlier,
      limit: fit.limit,
      historyDays: fit.limitDays,
      charted: fit.chart(this.days.slice(end, at), day),
      base: this.baseFor(day.day, at),
      segments: fit.segments,
      week: this.weekTo(day, at),
    })
    this.found.set(day, look.found)
    return look
  }

  /** What was found on the days before that may confirm what is severe, oldest first. */
  private foundBefore(at: number): readonly DriftSeverity[] {
    const from = Math.max(0, at + 1 - this.settings.confirmWithin)
    return this.days
      .slice(from, at)
      .map((day, n) => this.found.get(day) ?? this.judge(day, from + n, () => []).found)
  }

  /**
   * Places of the days that a day is held against, `end` exclusive: the latest before the last boundary that
   * is at least `lagDays` back. So no change is held against itself for as long, and boundaries are the same
   * whichever days are looked at: every `refitDays` from 1970 on. While too few days are before the boundary
   * the first that are enough are taken; all of them, where none are.
   */
  private historyFor(day: number, at: number): { readonly from: number; readonly end: number } {
    const { lagDays, refitDays, mostHistory } = this.settings
    const boundary = refitDays * Math.floor((day - lagDays) / refitDays)
    const isAfter = (known: DayProfile) => known.day >= boundary
    const first = this.days.slice(0, at).findIndex(isAfter)
    const fromFor = (end: number) => Math.max(0, end - mostHistory)
    for (let end = first < 0 ? at : first; end < at; end++)
      if (isEnough(this.days.slice(fromFor(end), end), this.settings)) return { from: fromFor(end), end }
    return { from: fromFor(at), end: at }
  }

  private fitOn(days: readonly DayProfile[]): FittedHistory {
    // Days are only added after all others, so the first, the last and their number say which they are.
    const isOn = (fit: FittedHistory) =>
      fit.days.length === days.length && fit.days[0] === days[0] && fit.days.at(-1) === days.at(-1)
    const fit = this.fits.find(isOn) ?? new FittedHistory(days, this.layout, this.settings)
    this.fits = [fit, ...this.fits.filter((other) => other !== fit)].slice(0, FITS_KEPT)
    return fit
  }

  /**
   * Days that the size of a change is measured against: the same weekday of the four weeks before, of which
   * none is of the last six days.
   */
  private baseFor(day: number, at: number): readonly DayProfile[] {
    const recent = this.days.slice(Math.max(0, at - BASE_DAYS), at)
    const sameWeekday = recent.filter((of) => weekdayOf(of.day) === weekdayOf(day))
    return sameWeekday.length >= 2 ? sameWeekday : recent
  }

  /** The week that ends with this day, as far as it is known. */
  private weekTo(day: DayProfile, at: number): WindowProfile {
    const before = this.days.slice(Math.max(0, at - 6), at).filter((of) => of.day > day.day - 7)
    return mergeProfiles([...before, day].map(({ profile }) => profile))!
  }

  private refuseForeign(day: number, profile: WindowProfile): void {
    if (!Number.isInteger(day)) throw new VigiaError('DRIFT_HISTORY_REFUSED', { reason: `${day} is no day` })
    if (profile.layout.fingerprint !== this.layout.fingerprint)
      throw new VigiaError('DRIFT_PROFILE_REFUSED', {
        reason: `that of the day ${day} is in the bins, or for the threshold, of another model`,
      })
  }
}

/** Days before a day that what is said of it may follow from. */
const daysNeeded = ({ mostHistory, lagDays, refitDays, confirmWithin }: DriftSettings): number =>
  mostHistory + lagDays + refitDays + confirmWithin
