"""The report's style sheet: one column of text for reading; tables and figures begin at its left edge and are as wide
as they need, scrolling where the window is narrower, beside a first column that stays; dark where the reader's system
is, figures with it, and rules for paper.

Figures are drawn for a printed page, with text of 7 points; the page shows them larger, so that it is 12 pixels high.
"""

CSS = """
:root { --ink: #1b1b1f; --muted: #5d6068; --rule: #d9dade; --tint: #f5f6f8; --accent: #0072b2; --warn: #b34a00;
  --paper: #fff; --notice: #fdf5ee; --faint: #ececf0; --shade: #0003; --line: #c9cbd1; --grid: #eeeff2;
  --stable: #eef4ee; --black: #000; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e6ea; --muted: #a4a7b0; --rule: #3b3d44; --tint: #24262c; --accent: #6db8ea; --warn: #f0a060;
    --paper: #17181c; --notice: #2e241b; --faint: #2c2e34; --shade: #fff4; --line: #55585f; --grid: #2c2e34;
    --stable: #1e2a23; --black: #fff; }
}
* { box-sizing: border-box; }
html { font-size: 17px; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font-family: Charter, "Bitstream Charter", "Sitka Text", Cambria, "DejaVu Serif", Georgia, serif;
  font-variant-numeric: lining-nums; overflow-wrap: break-word; }
main { max-width: 70rem; margin: 0 auto; padding: 3.2rem 1.4rem 5rem; --text: 44.2rem; }
p, ul, dl, nav, pre, .answer, .note, figcaption { max-width: var(--text); }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 .6rem; padding-top: .9rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 1.9rem 0 .4rem; }
p { margin: .6rem 0; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 2px; }
.kicker, nav, figcaption, table, dl, .note, .badge, details, .switches, .leaves, .tip {
  font-family: "Source Sans 3", "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; }
.kicker { color: var(--muted); font-size: .82rem; margin: 0 0 .5rem; }
.question { font-size: 1.12rem; color: var(--muted); font-style: italic; margin-bottom: 1.4rem; }
.answer { background: var(--tint); border-left: 4px solid var(--accent); padding: .9rem 1.2rem; font-size: 1.06rem; }
.answer p { margin: .35rem 0; }
.answer p + p { font-size: .95rem; }
.note { border-left: 4px solid var(--warn); background: var(--notice); padding: .6rem 1rem; font-size: .86rem;
  margin: 1rem 0; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 999px; padding: 0 .55rem;
  font-size: .74rem; }
nav { font-size: .82rem; margin: 1.6rem 0 0; color: var(--muted); }
nav a { margin-right: .9rem; white-space: nowrap; }
figure { margin: 1.5rem 0 1.9rem; break-inside: avoid; }
.drawn { --ink: #1b1b1f; --muted: #5d6068; --paper: #fff; --line: #c9cbd1; --grid: #eeeff2; --stable: #eef4ee;
  --black: #000; }
figure img, figure svg { display: block; height: auto; max-width: 100%; }
figure img { background: #fff; } figure svg { background: var(--paper); fill: var(--black); }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
.marks * { fill: transparent; pointer-events: all; }
.marks :hover { stroke: var(--ink); stroke-width: .8; }
figure svg { width: var(--width); }
.cut { width: var(--width); max-width: 100%; }
.panels { display: flex; }
.panels svg { margin: 0; flex: 0 1 auto; min-width: 0; }
.off, .narrow { display: none; }
@media screen and (max-width: 44rem) {
  svg:has(+ .narrow) { display: none; } .narrow { display: block; }
  figure:not(.table) > .wide { --bleed: 1.1rem; width: calc(100% + 2 * var(--bleed)); max-width: none;
    margin: 0 calc(-1 * var(--bleed)); } figure:not(.table) .switches { margin: .5rem var(--bleed) 0; }
  .panels { flex-wrap: wrap; justify-content: center; row-gap: .8rem; }
  .panels svg { flex: 1 1 calc(.85 * var(--width)); max-width: min(100%, var(--width)); }
  .cut .above, .cut .below { width: 100%; height: var(--height); } .cut:has(+ .switches) .above { display: none; }
}
.tip { position: fixed; z-index: 1; max-width: min(24rem, 92vw); padding: .3rem .55rem; border-radius: 4px;
  pointer-events: none; white-space: pre-line; background: var(--ink); color: var(--paper); font-size: .78rem;
  line-height: 1.4; }
.switches { display: flex; flex-wrap: wrap; gap: .35rem; margin-top: .5rem; }
.switches button { font: inherit; font-size: .78rem; padding: .1rem .6rem; border: 1px solid var(--rule);
  border-radius: 999px; background: var(--paper); color: var(--ink); cursor: pointer; }
.switches button[aria-pressed=false] { text-decoration: line-through; color: var(--muted); background: var(--tint); }
.switches button[aria-pressed=false] .swatch { opacity: .3; }
.switches button:disabled { display: none; }
.leafing { display: flex; gap: .6rem; align-items: center; font-size: .82rem; }
.leafing button { font: inherit; font-size: 1.1rem; line-height: 1; padding: .2rem .8rem; cursor: pointer;
  border: 1px solid var(--rule); border-radius: 999px; background: var(--paper); color: var(--ink); }
.leafing button:disabled, .leafing:has(:disabled) output { display: none; }
.arms { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .3rem 1rem; max-width: 52rem; }
.arms p { font-size: .82rem; margin: .6rem 0 .2rem; }
.row { display: flex; position: relative; overflow-x: auto; scroll-snap-type: x mandatory; }
.leaf { flex: 0 0 100%; margin: 0; scroll-snap-align: start; }
.leaf figcaption { text-align: center; font-size: .74rem; margin: .2rem 0; overflow-wrap: anywhere; }
.film { width: min(100%, 14rem); aspect-ratio: 1; overflow: hidden; margin: 0 auto; }
.film img { width: calc(100% * var(--frames)); max-width: none; height: 100%; }
.arms:has(.film) :focus-visible { outline: 2px solid var(--accent); }
@media screen and (prefers-reduced-motion: no-preference) {
  .leaves:not(:has(.still:checked)) .film img {
    animation: film calc(.9s * var(--frames)) steps(var(--frames)) infinite; }
  .row { scroll-behavior: smooth; }
}
@keyframes film { to { transform: translateX(-100%); } }
.leaves:has(.still:checked) .arms { grid-template-columns: minmax(0, 1fr); }
.leaves:has(.still:checked) .film { width: calc(8rem * var(--frames)); max-width: 100%; aspect-ratio: auto; }
.leaves:has(.still:checked) .film img { width: 100%; height: auto; }
@media (prefers-reduced-motion: reduce) {
  .arms { grid-template-columns: minmax(0, 1fr); } .still, label:has(.still) { display: none; }
  .film { width: calc(8rem * var(--frames)); max-width: 100%; aspect-ratio: auto; }
  .film img { width: 100%; height: auto; }
}
figcaption { color: var(--muted); font-size: .82rem; line-height: 1.45; }
figcaption { margin-top: .5rem; }
figure.table figcaption { margin: 0 0 .5rem; }
.wide { overflow-x: auto; width: max-content; min-width: min(100%, var(--text)); max-width: 100%; }
.wide:has(> table) { background: linear-gradient(to right, var(--paper) 30%, transparent) left / 3.5rem 100%,
    linear-gradient(to left, var(--paper) 30%, transparent) right / 3.5rem 100%,
    linear-gradient(to right, var(--shade), transparent) left / .9rem 100%,
    linear-gradient(to left, var(--shade), transparent) right / .9rem 100%;
  background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
table { border-spacing: 0; font-size: .78rem; min-width: 100%; font-variant-numeric: tabular-nums lining-nums; }
thead th { border-top: 1.5px solid var(--ink); border-bottom: 1px solid var(--ink); }
tbody tr:last-child td { border-bottom: 1.5px solid var(--ink); }
th { font-weight: 600; vertical-align: bottom; }
th, td { padding: .28rem .7rem .28rem 0; text-align: left; }
th:last-child, td:last-child { padding-right: 0; }
tbody td { vertical-align: top; }
th.number, td.number { text-align: right; }
td.number, td.words { white-space: nowrap; }
.interval { color: var(--muted); font-size: .92em; }
tbody tr:nth-child(5n):not(:last-child) td { border-bottom: 1px solid var(--faint); }
.trace { font-style: italic; } sup { line-height: 0; }
.files { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1.1rem; font-size: .84rem;
  margin: .8rem 0; }
dt { color: var(--muted); } dd { margin: 0; }
@media screen and (max-width: 44rem) {
  th.long { min-width: 6.5rem; } td.long { min-width: 11rem; }
  th:first-child, td:first-child { position: sticky; left: 0; background: var(--paper); max-width: 9rem; }
}
@media (max-width: 30rem) { dl { display: block; } dd { margin: 0 0 .5rem; } }
.swatch { display: inline-block; width: .68em; height: .68em; border-radius: 2px; margin-right: .45em; }
ul { font-size: .9rem; padding-left: 1.2rem; }
details { margin: .8rem 0; font-size: .84rem; } summary { cursor: pointer; color: var(--accent); }
pre { font-size: .74rem; line-height: 1.45; background: var(--tint); padding: .8rem 1rem; overflow-x: auto;
  font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }
footer { margin-top: 3.5rem; border-top: 1px solid var(--rule); color: var(--muted); font-size: .8rem; }
@page { size: A4; margin: 18mm 16mm; }
@media print {
  html { font-size: 10pt; } main { max-width: none; padding: 0; } nav, .switches, .tip, .leaves { display: none; }
  footer { margin-top: .8rem; }
  h2, h3, figure.table figcaption { break-after: avoid; } tr, figure { break-inside: avoid; }
  figure { margin: .8rem 0 1rem; } h2 { margin-top: 1.6rem; } p, li { orphans: 3; widows: 3; }
  figure.table { break-inside: auto; } thead { display: table-header-group; }
  p, ul, dl, .answer, .note, figcaption { max-width: none; } .wide { overflow: visible; width: 100%; }
  .wide:has(> table) { background: none; } td.number { white-space: normal; }
  .interval { white-space: nowrap; } pre { columns: 3; } figure img { width: auto !important; max-width: 100%; }
  figure svg, .cut { width: min(100%, var(--width) / 1.3, 82mm * var(--ratio)); } .cut svg { width: var(--width); }
  details::details-content { display: block; content-visibility: visible; } summary { display: none; }
  #which-configuration-won :is(details, p:has(+ details)) { display: none; }
  a { color: inherit; text-decoration: none; } .files { display: none; }
}
"""
