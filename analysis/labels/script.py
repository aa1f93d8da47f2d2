"""The style and the script of the page of cards.

Choices are kept in the browser's storage under a name for the study, by trial and seed, so that they outlive the page
and another draw. What is saved are the choices that the page shows, in its order, an empty label where there is none.
"""

CSS = """
html { scroll-padding-bottom: 5rem; } main { max-width: 54rem; }
.card { border-top: 1px solid var(--rule); padding-top: .6rem; margin-top: 2.2rem; break-inside: avoid; }
.card h2 { border: 0; margin: 0; padding: 0; }
.card figure { margin: .4rem 0 .8rem; }
.choices { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: .35rem 1.4rem; }
.choices label { display: block; font-size: .8rem; line-height: 1.35; padding-left: 1.5rem; cursor: pointer; }
.choices input { float: left; margin: .2rem 0 0 -1.5rem; }
.choices span { color: var(--muted); }
.choices label:has(:checked) { background: var(--tint); box-shadow: -.3rem 0 0 var(--tint), .3rem 0 0 var(--tint); }
.choices, .saving { font-family: "Source Sans 3", "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; }
.saving { position: sticky; bottom: 0; background: var(--paper); border-top: 1px solid var(--rule); padding: .7rem 0;
  margin-top: 2.2rem; font-size: .86rem; display: flex; gap: 1rem; align-items: baseline; }
.saving button { font: inherit; padding: .3rem .9rem; cursor: pointer; }
"""

SCRIPT = """
"use strict";
const cards = [...document.querySelectorAll(".card")];
const place = document.querySelector("#cards").dataset.place;
const count = document.querySelector("#count");
const nameOf = (card) => card.dataset.trial + " " + card.dataset.seed;
const choiceOf = (card) => card.querySelector("input:checked")?.value ?? "";
let kept = {};
let keeps = true;
try {
  kept = JSON.parse(localStorage.getItem(place)) ?? {};
} catch {
  keeps = false;
}

function say() {
  const chosen = cards.filter(choiceOf).length;
  const lost = keeps ? "" : "; this browser keeps nothing, so save before you leave";
  count.textContent = chosen + " of " + cards.length + " labelled" + lost;
}

function cell(text) {
  return /[",\\r\\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function table() {
  const rows = cards.map((card) => [card.dataset.study, card.dataset.trial, card.dataset.seed, choiceOf(card)]);
  return [["study", "trial_id", "seed", "label"], ...rows].map((row) => row.map(cell).join(",") + "\\n").join("");
}

for (const card of cards) {
  const input = [...card.querySelectorAll("input")].find((one) => one.value === kept[nameOf(card)]);
  if (input) input.checked = true;
}
say();
document.addEventListener("change", (event) => {
  const card = event.target.closest(".card");
  kept[nameOf(card)] = choiceOf(card);
  try {
    localStorage.setItem(place, JSON.stringify(kept));
  } catch {
    keeps = false;
  }
  say();
});
document.querySelector("#save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = "labels.csv";
  link.click();
});
"""
