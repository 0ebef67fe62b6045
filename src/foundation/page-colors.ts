/** Colours of our pages as CSS variables, light and dark as the reader has chosen. */
export const PAGE_COLORS = `:root {
  --page: #fbfbfa; --card: #ffffff; --text: #1c2024; --quiet: #60646c; --line: #e3e4e8;
  --accent: #2f6fde; --alert: #bf3838; --warn: #9a6200; --good: #1a7648;
  --alert-back: #fdecec; --warn-back: #fdf3dc; --good-back: #e5f5ec;
  --chart-text: var(--text); --chart-quiet: var(--quiet); --chart-grid: var(--line);
  --chart-accent: var(--accent); --chart-alert: var(--alert);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111315; --card: #191c1f; --text: #eceef0; --quiet: #a1a8b0; --line: #2e3338;
    --accent: #6ea2ff; --alert: #ff7b72; --warn: #f0b849; --good: #5bd394;
    --alert-back: #3a1d1d; --warn-back: #33280f; --good-back: #15301f;
  }
}`
