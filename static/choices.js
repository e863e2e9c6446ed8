// A choice goes into its field as if it were typed: it is previewed, saved, and reloads the choices that depend on it.
document.addEventListener("change", (event) => {
  const list = event.target.closest?.("select[data-choices-of]");
  const field = list && document.getElementById(list.dataset.choicesOf);
  if (!field || !list.value) return;
  const label = list.selectedOptions[0].label;
  const lines = field.value.split("\n").filter((line) => line.trim() && line !== list.value);
  field.value = list.hasAttribute("data-adds") ? [...lines, list.value].join("\n") : list.value;
  const chosen = list.closest(".field-choices").querySelector("[data-chosen]");
  if (chosen) chosen.textContent = list.hasAttribute("data-adds") ? `Added: ${label}` : `Chosen: ${label}`;
  list.value = "";
  for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
});
