// Scrolls to the form when a card is chosen on a narrow screen, where the form is below the cards.
document.addEventListener("htmx:afterRequest", (event) => {
  const card = event.detail.requestConfig?.elt;
  if (!card?.matches?.(".card-main, .flow-link, .add-dot") || !matchMedia("(max-width: 820px)").matches) return;
  document.querySelector(".editor-form")?.scrollIntoView({ block: "start" });
});
