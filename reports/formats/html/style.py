"""The style of the HTML page."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #5c6370; --rule: #c9ced8; --stripe: #f5f6f9;
  --dots: #8e96a5; --link: #0b57d0;
  --yes: #0a6b3d; --no: #b3261e; --same: #1558a8; --open: #8a5a00; --few: #5c6370; --warn: #c60; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dfe2e8; --paper: #16181c; --soft: #9aa1ad; --rule: #3a3e48; --stripe: #1e2126;
    --dots: #767e8c; --link: #8ab4f8;
    --yes: #6fcf97; --no: #f28b82; --same: #8ab4f8; --open: #f2c265; --few: #9aa1ad; --warn: #f0883e; }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 76rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { line-height: 1.25; margin-bottom: .5rem; }
h2 { line-height: 1.3; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--rule); padding-bottom: .2rem; }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; list-style: none; margin: 1rem 0; padding: 0; font-size: .92rem; }
.banner { border-left: 4px solid var(--warn); padding-left: .8rem; margin: .6rem 0; }
.hint { color: var(--soft); font-size: .9rem; }
figure { margin: 1.2rem 0 2rem; }
figcaption { font-size: .9rem; margin-bottom: .5rem; max-width: 62rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; border-block: 2px solid var(--ink); font-variant-numeric: tabular-nums; font-size: .92rem; }
thead { border-bottom: 1px solid var(--ink); }
th, td { text-align: left; padding: .35rem .8rem; vertical-align: top; }
th { white-space: nowrap; }
tbody tr:nth-child(even) { background: var(--stripe); }
.results td, .comparisons td { white-space: nowrap; }
.comparisons table { font-size: .86rem; } .comparisons :is(th, td) { padding-inline: .55rem; }
.claims td:nth-child(1), .claims td:nth-child(2) { min-width: 15rem; }
.claims td:nth-child(n + 4) { white-space: nowrap; }
.claims tbody tr { background: none; }
.claims .head { border-top: 1px solid var(--rule); }
.claims tr:not(.head) td:first-child { padding-left: 1.6rem; }
td small { display: block; color: var(--soft); font-size: .82rem; }
.claims td:nth-child(4) small, .comparisons td small { max-width: 22rem; white-space: normal; }
.ledger td { overflow-wrap: anywhere; min-width: 4rem; }
.notes, dl { color: var(--soft); font-size: .85rem; margin-top: .4rem; max-width: 62rem; }
details { display: inline; }
summary { display: inline; list-style: none; cursor: pointer; text-decoration: underline dotted var(--dots);
  text-underline-offset: .25em; }
summary::-webkit-details-marker { display: none; }
summary:hover, summary:focus-visible, details[open] summary { text-decoration-color: var(--link); }
.runs { display: block; max-width: 22rem; white-space: normal; font-size: .82rem; color: var(--soft); }
.runs a, .runs span { padding: 0 .15rem; }
.verdict { font-weight: 600; white-space: nowrap; }
.yes { color: var(--yes); } .no { color: var(--no); } .same { color: var(--same); } .open { color: var(--open); }
.few { color: var(--few); }
.drawing svg { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--rule);
  border-radius: 6px; }
.drawing figcaption { margin: .5rem 0 0; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dd { margin: 0; overflow-wrap: anywhere; }
@media print {
  body { max-width: none; font-size: 10pt; } nav, .hint, .runs { display: none; } summary { text-decoration: none; }
  .wide { overflow: visible; } .results td, .comparisons td { white-space: normal; } tr, .drawing { break-inside: avoid; }
}
""".strip()
