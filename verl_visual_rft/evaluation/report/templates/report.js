const form = document.querySelector("form");
const { first, second, category, finding } = form.elements;
const sections = [...document.querySelectorAll("section.group")];
const cards = [...document.querySelectorAll("article")];

function show(card) {
  const chosen = [first.value, second.value];
  let found = !finding.value;
  for (const panel of card.querySelectorAll(".panel")) {
    panel.hidden = !chosen.includes(panel.dataset.method);
    panel.style.order = panel.dataset.method === first.value ? 0 : 1;
    found ||= !panel.hidden && panel.dataset.findings.split(",").includes(finding.value);
  }
  card.hidden = !found || (category.selectedIndex > 0 && card.dataset.category !== category.value);
}

function apply() {
  cards.forEach(show);
  for (const section of sections) section.hidden = !section.querySelector("article:not([hidden])");
  form.querySelector("output").textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length} questions shown`;
}

form.addEventListener("change", apply);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
apply();
