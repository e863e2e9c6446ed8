// Relative times stay true while the page is open; the exact one, in the reader's zone, is on hover.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes(`zone=${zone}`)) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`; // Pages write times in it.
}

const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

function words(seconds) {
  const size = Math.abs(seconds);
  if (size < 1) return "now";
  const [, unit, name] = STEPS.find(([end]) => size < end);
  const count = `${Math.floor(size / unit)} ${name}`;
  return seconds < 0 ? `in ${count}` : `${count} ago`;
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const then = new Date(time.dateTime);
    const text = words((Date.now() - then) / 1000);
    if (time.textContent !== text) time.textContent = text;
    if (!time.dataset.local) {
      time.title = then.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
      time.dataset.local = "1";
    }
  }
}

refresh();
setInterval(refresh, 1000);
document.addEventListener("htmx:afterSettle", refresh);
