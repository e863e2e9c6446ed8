// Switches between light and dark.
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-look]")) return;
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // The choice lasts for this page then.
  }
});
