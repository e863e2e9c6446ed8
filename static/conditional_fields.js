// Shows the fields that a choice asks for as soon as it is made; hidden ones keep what was typed.
const TEMPLATE = /\{[{%]/;

function holds(part) {
  const field = part.closest("form")?.elements[part.dataset.when];
  if (!field) return true;
  const outer = field.closest("[data-when]");
  if (outer && outer !== part && outer.hidden) return false;
  const text = field.value || part.dataset.whenDefault;
  return TEMPLATE.test(text) || part.dataset.whenValues.split("\n").includes(text.toLowerCase());
}

document.addEventListener("input", (event) => {
  if (!event.target.name) return;
  for (const part of document.querySelectorAll("form [data-when]")) part.hidden = !holds(part);
});
