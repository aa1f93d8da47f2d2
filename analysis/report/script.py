"""The report's script: what is known where a pointer rests, arms switched off, leafing. The page works without it.

Without, a browser shows the title of a mark itself after a while, and the buttons are disabled.
"""

SCRIPT = """
"use strict";
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);

function point(event) {
  const mark = event.target.closest?.(".marks > *");
  tip.hidden = !mark;
  if (!mark) return;
  const title = mark.querySelector("title");
  if (title) {
    mark.dataset.words = title.textContent;
    title.remove(); // the browser's own tip would lie over this one
  }
  tip.textContent = mark.dataset.words;
  const { width, height } = tip.getBoundingClientRect();
  const below = event.clientY + 16 + height < innerHeight;
  tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - width - 4)) + "px";
  tip.style.top = (below ? event.clientY + 16 : event.clientY - height - 12) + "px";
}

document.addEventListener("pointerover", point);
document.addEventListener("pointerdown", point);
document.addEventListener("scroll", () => (tip.hidden = true), { passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
});

for (const button of document.querySelectorAll(".switches button")) {
  button.disabled = false;
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", shown);
    for (const part of button.closest("figure").querySelectorAll(`svg [data-arm="${button.dataset.arm}"]`)) {
      part.classList.toggle("off", !shown);
    }
  });
}

for (const leaves of document.querySelectorAll(".leaves")) {
  const rows = [...leaves.querySelectorAll(".row")].map((row) => [row, [...row.children]]);
  const most = Math.max(...rows.map(([, found]) => found.length));
  let place = 0;
  for (const button of leaves.querySelectorAll("button")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      place = (place + Number(button.value) + most) % most;
      for (const [row, found] of rows) row.scrollTo({ left: found[Math.min(place, found.length - 1)].offsetLeft });
      leaves.querySelector("output").textContent = place + 1 + " of " + most;
    });
  }
}
"""
