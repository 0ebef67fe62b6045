/** Labels after which their balance is looked at for the first time; then each time they have doubled. */
const FIRST_LOOK = 200
/** Share of frauds among told labels from which nearly all are. Cards have less than one in a hundred. */
const ONE_SIDED = 0.95

/**
 * Watches what is told to a server whose models take a transaction without a label for unknown: when nearly
 * all labels are frauds, nobody tells of genuine transactions, and every risk that is known at all is near 1.
 *
 * It owns two counts since the server's start.
 */
export class LabelBalance {
  private readonly warn: (details: { readonly labels: number; readonly frauds: number }) => void
  private labels = 0
  private frauds = 0
  private nextLook = FIRST_LOOK

  /** @param warn is told of the counts whenever they are one-sided at a look */
  constructor(warn: (details: { readonly labels: number; readonly frauds: number }) => void) {
    this.warn = warn
  }

  /** A label was told; null says nothing. */
  told(isFraud: boolean | null): void {
    if (isFraud === null) return
    this.labels++
    if (isFraud) this.frauds++
    if (this.labels < this.nextLook) return
    this.nextLook = this.labels * 2
    if (this.frauds >= this.labels * ONE_SIDED) this.warn({ labels: this.labels, frauds: this.frauds })
  }
}
