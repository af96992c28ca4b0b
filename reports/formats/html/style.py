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
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 78rem; margin: 1rem auto;
  padding: 0 1rem; }
h1 { line-height: 1.2; margin: .4rem 0; font-size: 1.7rem; }
h2 { line-height: 1.3; margin: 1.4rem 0 .4rem; border-bottom: 1px solid var(--rule); padding-bottom: .15rem; font-size: 1.25rem; }
a { color: var(--link); }
:is(th, td):target { outline: 2px solid var(--link); outline-offset: 2px; }
nav ul, .counts { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; list-style: none; margin: .6rem 0; padding: 0; }
nav ul { font-size: .88rem; } .counts { font-size: 1.05rem; }
.banner { border-left: 4px solid var(--warn); padding-left: .8rem; margin: .4rem 0; font-size: .92rem; }
.hint { color: var(--soft); font-size: .85rem; margin: .4rem 0; } code { overflow-wrap: anywhere; }
figure { margin: .6rem 0 1rem; min-width: 0; }
figcaption { font-size: .85rem; margin-bottom: .4rem; max-width: 62rem; }
.wide { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; border-block: 2px solid var(--ink); font-variant-numeric: tabular-nums; font-size: .9rem; }
thead { border-bottom: 1px solid var(--ink); }
th, td { text-align: left; padding: .25rem .7rem; vertical-align: top; }
thead th { white-space: nowrap; } tbody th { font-weight: inherit; }
tbody tr:nth-child(even) { background: var(--stripe); }
.results td, .comparisons td { white-space: nowrap; }
.comparisons table { font-size: .84rem; } .comparisons :is(th, td) { padding-inline: .5rem; }
.claims td:nth-child(1), .claims td:nth-child(2), .claims tbody th { min-width: 15rem; }
.claims td:nth-child(n + 4) { white-space: nowrap; }
.claims tbody tr { background: none; }
.claims .head { border-top: 1px solid var(--rule); }
.claims tr:not(.head) th:first-child { padding-left: 1.6rem; }
:is(td, th) small { display: block; color: var(--soft); font-size: .82rem; }
.claims td:nth-child(4) small, .comparisons td small { max-width: 22rem; white-space: normal; }
.ledger td { overflow-wrap: anywhere; min-width: 4rem; }
.summary table { width: 100%; table-layout: fixed; min-width: 46rem; }
.summary th:nth-child(2) { width: 13rem; } .summary th:nth-child(3) { width: 15rem; } .summary th:nth-child(4) { width: 15.5rem; }
 .summary tbody tr { background: none; } .summary tbody { border-top: 1px solid var(--rule); }
.summary :is(th, td) { padding-block: .12rem; }
.summary tbody th { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.summary .verdict { white-space: normal; }
.summary .axis th { color: var(--soft); font-size: .85rem; font-weight: 600; } .says { color: var(--soft); font-size: .85rem; }
.bar { display: block; stroke: currentColor; stroke-width: 1.5; fill: none; }
.bar circle { fill: currentColor; } .bar .weak { fill: var(--paper); } .bar .zero { stroke: var(--dots); stroke-width: 1; }
.bar .band { fill: var(--rule); stroke: none; opacity: .6; } .bar text { fill: var(--soft); stroke: none; font-size: 11px; }
.notes, dl { color: var(--soft); font-size: .85rem; margin-top: .3rem; max-width: 62rem; }
summary { cursor: pointer; }
.fold > summary, .more > summary { color: var(--link); font-size: .9rem; }
.fold { margin: .25rem 0; } .fold:not([open]) { display: inline-block; margin-right: 1.4rem; }
.more { display: inline-block; vertical-align: top; margin-left: .5rem; }
.notes .fold { margin: 0; } .notes .fold > summary { font-size: 1em; }
details.section > div { scroll-margin-top: 3rem; }
details.section > summary h2 { display: inline-block; border: 0; margin: .5rem 0 0; }
:is(td, th) details { display: inline; }
:is(td, th) summary { display: inline; list-style: none; text-decoration: underline dotted var(--dots);
  text-underline-offset: .25em; }
:is(td, th) summary::-webkit-details-marker { display: none; }
:is(td, th) :is(summary:hover, summary:focus-visible, details[open] summary) { text-decoration-color: var(--link); }
.runs { display: block; max-width: 22rem; white-space: normal; font-size: .82rem; color: var(--soft); }
.runs a { padding: 0 .15rem; }
.verdict { font-weight: 600; white-space: nowrap; }
.yes { color: var(--yes); } .no { color: var(--no); } .same { color: var(--same); } .open { color: var(--open); }
.few { color: var(--few); }
.pair { display: flex; flex-wrap: wrap; gap: 0 1.5rem; align-items: flex-start; }
.pair > figure:first-child { flex: 0 1 auto; min-width: min(24rem, 100%); max-width: 100%; }
.pair > figure:first-child > :not(.wide) { width: 0; min-width: 100%; }
.pair > .drawing { flex: 1 1 24rem; max-width: 34rem; } .pair svg { max-height: 20rem; }
.drawing svg { display: block; max-width: 100%; height: auto; background: #fff; border: 1px solid var(--rule);
  border-radius: 6px; }
.drawing figcaption { margin: .3rem 0 0; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dd { margin: 0; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; max-width: none; margin: .4rem 0; }
.facts div { display: flex; gap: .4rem; }
.facts dt { font-weight: 600; } .facts dd { color: var(--ink); }
@media (max-width: 40rem) {
  .summary table { min-width: 42rem; } .summary tbody th { white-space: normal; overflow-wrap: anywhere; }
  .summary th:nth-child(1) { width: 10rem; } .summary th:nth-child(2) { width: 8rem; } .summary th:nth-child(3) { width: 9rem; }
  .says { display: none; } .summary .axis th { white-space: normal; }
  .facts div { width: 100%; } .pair > .drawing { flex-basis: 100%; } details.section > summary h2 { font-size: 1.1rem; }
}
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --soft: #444; --rule: #bbb; --stripe: #f5f6f9; --dots: #888;
    --link: #000;
    --yes: #0a6b3d; --no: #b3261e; --same: #1558a8; --open: #8a5a00; --few: #5c6370; }
  body { max-width: none; margin: 0; font-size: 9.5pt; } nav, .hint, .runs, .extra { display: none !important; }
  .fold:not([open]) { display: block; margin: 0; }
  details::details-content { content-visibility: visible; display: block; } :is(td, th) summary { text-decoration: none; }
  .wide { overflow: visible; } .results td, .comparisons td, .claims td, .summary :is(th, td) { white-space: normal !important; }
  .claims :is(th, td) { min-width: 0 !important; } tr, .drawing { break-inside: avoid; } table { max-width: 100%; }
  .notes .fold > summary, .more > summary { display: none; }
}
""".strip()
