// A choice that changes the shape of the form (data-reload) saves it and shows it again.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-reload]")) return;
  event.stopPropagation();
  event.target.form.requestSubmit();
}, true);
