// What moves in the book: sliders that choose a figure's picture, and a button that folds code. No library.
"use strict";

function play(box) {
  const told = JSON.parse(box.querySelector("script").textContent);
  const sliders = [...box.querySelectorAll("input")];
  const picture = box.querySelector("img");
  const status = box.querySelector("p");
  const folder = picture.getAttribute("src").replace(/[^/]*$/, "");

  function show() {
    let at = 0;
    for (const slider of sliders) {
      const words = JSON.parse(slider.dataset.words);
      slider.setAttribute("aria-valuetext", words[slider.value]);
      slider.nextElementSibling.textContent = words[slider.value];
      at = at * words.length + Number(slider.value);
    }
    const [image, says, alt] = told.states[at];
    picture.src = folder + told.pictures[image];
    picture.alt = told.alts[alt];
    status.textContent = says;
  }
  sliders.forEach((slider) => slider.addEventListener("input", show));
  box.addEventListener("pointerdown", () => fetchAhead(told.pictures, folder), { once: true });
  box.addEventListener("keydown", () => fetchAhead(told.pictures, folder), { once: true });
}

function fetchAhead(names, folder) {
  for (const name of names) new Image().src = folder + name;
}

function offerFolding() {
  const cells = document.querySelectorAll(".cell_input");
  const heading = document.querySelector("article h1");
  if (!cells.length || !heading) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "fold-code";
  function set(folded) {
    document.body.classList.toggle("code-folded", folded);
    button.textContent = folded ? "Show the code" : "Fold the code";
    button.setAttribute("aria-pressed", String(folded));
    try { sessionStorage.setItem("code-folded", folded ? "1" : ""); } catch { /* not kept */ }
  }
  button.addEventListener("click", () => set(!document.body.classList.contains("code-folded")));
  heading.after(button);
  let folded = "";
  try { folded = sessionStorage.getItem("code-folded"); } catch { /* not kept */ }
  set(Boolean(folded));
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".player").forEach(play);
  offerFolding();
  for (const fold of document.querySelectorAll("nav summary")) fold.setAttribute("aria-label", "pages below");
});
