const form = document.querySelector("form");
const cards = [...document.querySelectorAll("article")];
function filter() {
  const wanted = ["task", "category"].map((name) => [name, form.elements[name]]);
  for (const card of cards) {
    card.hidden = wanted.some(([name, { value, selectedIndex }]) => selectedIndex > 0 && card.dataset[name] !== value);
  }
  form.querySelector("output").textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length} rows`;
}
form.addEventListener("change", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
filter();
