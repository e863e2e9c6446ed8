// On a narrow screen the form is below the cards: choosing one goes there.
document.addEventListener("htmx:afterRequest", (event) => {
  const card = event.detail.requestConfig?.elt;
  if (!card?.matches?.(".card-main, .flow-link") || !matchMedia("(max-width: 820px)").matches) return;
  document.querySelector(".desk-form")?.scrollIntoView({ block: "start" });
});
