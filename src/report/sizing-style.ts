// Owns the looks of the sizing report: colours for light, dark and paper, and nothing that is loaded from anywhere.

/** The style sheet. It is text of ours alone: no value from outside is ever put into it. */
export const sizingStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #ffffff; --ink: #1c2430; --quiet: #5b6675; --line: #d5dae1;
  --fill: #2f6fb5; --most: #a9c7e8; --track: #e6eaef; --scarce: #b36b00; --full: #b3261e; --good: #1f7a43;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181e; --panel: #1c222b; --ink: #e4e8ee; --quiet: #9aa6b5; --line: #343d4a;
    --fill: #5a9be0; --most: #2c4a6b; --track: #2a323d; --scarce: #e0a040; --full: #f07067; --good: #63c48a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
.panel > :first-child { margin-top: .2rem; }
footer { margin-top: 2.5rem; font-size: .9rem; }
td.number + td, th.number + th:not(.number) { padding-left: .6rem; }
p { margin: .4rem 0; }
.quiet { color: var(--quiet); }
.answer { font-size: 1.25rem; font-weight: 600; margin: .2rem 0; }
.answer.fits { color: var(--good); }
.answer.impossible, .answer.unplaced { color: var(--full); }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.2rem; margin: .8rem 0; }
.picture { display: block; width: 100%; height: auto; font-size: 13px; }
.picture text { fill: var(--ink); }
.picture .label, .picture .use { fill: var(--quiet); }
.picture .use { font-variant-numeric: tabular-nums; }
.picture .name, .picture .card-name { font-weight: 600; }
.node { fill: none; stroke: var(--line); }
.card { fill: var(--page); stroke: var(--line); }
.track { fill: var(--track); }
.most { fill: var(--most); }
.fill { fill: var(--fill); }
.fill.scarce { fill: var(--scarce); }
.fill.full { fill: var(--full); }
.bound { fill: var(--quiet); }
.hatch { fill: var(--scarce); }
.gap { fill: url(#gap); stroke: var(--scarce); }
.mark { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
.wide { overflow-x: auto; }
.wide .picture { min-width: 38rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--quiet); padding-bottom: .3rem; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ul { padding-left: 1.2rem; margin: .3rem 0; }
summary { cursor: pointer; color: var(--quiet); margin-top: .7rem; }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .35em 0 .9em; }
.key.mean { background: var(--fill); margin-left: 0; }
.key.highest { background: var(--most); }
.key.near { background: var(--scarce); }
.key.none { background: var(--full); }
@media print {
  :root {
    --page: #ffffff; --panel: #ffffff; --ink: #000000; --quiet: #444444; --line: #bbbbbb;
    --fill: #2f6fb5; --most: #a9c7e8; --track: #e6eaef; --scarce: #b36b00; --full: #b3261e; --good: #1f7a43;
  }
  body { max-width: none; padding: 0; font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .panel { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
`;
