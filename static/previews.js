// When a template can't be rendered, its last good preview stays, greyed, under the fault.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  const next = fragment.querySelector?.(".preview");
  if (!next || !target.classList.contains("preview") || !next.dataset.fault) return;
  const good = target.querySelector(".shown, .last-good")?.textContent;
  const slot = next.querySelector(".last-good");
  if (good && slot) slot.textContent = good;
});
