// Saves the editor's form while somebody types, and shows in the head what is saved and what is not.
import { say, unsay } from "./connection_banner.js";

const TYPED = 800; // milliseconds after the last key
const RETRIES = [1000, 2000, 4000, 8000];
const KEEPALIVE = 60_000; // bytes that a browser still sends while a page is left
let typed = 0; // counts the changes of the open form
let saved = 0; // the count that the last save had
let sent = 0; // the count of the save under way
let failures = 0;
let timer = null;
let again = () => {}; // the next try of a save that failed
let waiting = []; // who waits for the form to be saved

const form = () => document.getElementById("form");
const saver = () => document.getElementById("saver");
const isDirty = () => Boolean(saver()) && typed > saved;

function tell(text, className = "") {
  const head = document.getElementById("saved");
  if (!head) return;
  head.textContent = text;
  head.classList.toggle("error", className === "error");
}

function saveIn(delay) {
  clearTimeout(timer);
  timer = setTimeout(() => { if (saver()) htmx.trigger("#saver", "save"); }, delay);
}

function changed(event) {
  const field = event.target;
  if (!saver() || field.form !== form() || !field.name || field.matches("[data-not-saved]")) return;
  if (event.type === "input") typed += 1;
  // Leaving a field changes nothing that was sent: another save could replace the button that is being pressed.
  else if (typed === sent) return;
  tell("Saving…");
  saveIn(event.type === "change" ? 0 : TYPED);
}
document.addEventListener("input", changed);
document.addEventListener("change", changed);

// Enter saves, and leaves the page and the focus as they are. So does Ctrl+S, from anywhere in the editor.
document.addEventListener("keydown", (event) => {
  const isSave = event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey) && !event.altKey;
  const isEnter = event.key === "Enter" && event.target.matches("input") && event.target.form === form();
  if (!saver() || !(isSave || (isEnter && !event.isComposing))) return;
  event.preventDefault();
  if (isDirty()) saveIn(0);
});

// What was sent of the form, and how it went.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt === saver()) sent = typed;
  if (event.detail.elt === form()) event.detail.elt.dataset.sent = typed;
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt !== saver()) return;
  const { successful, xhr } = event.detail;
  if (!successful || xhr.getResponseHeader("HX-Redirect")) {
    failed(xhr.status);
    return;
  }
  failures = 0;
  unsay("unsaved");
  const refused = document.querySelector("#saved [data-unsaved]");
  if (!refused) saved = sent;
  if (typed > sent) {
    tell("Saving…");
    saveIn(TYPED);
  } else {
    release(!refused);
  }
  if (!isDirty()) forget();
});

function release(isSaved) {
  for (const go of waiting.splice(0)) if (isSaved) go();
}

function failed(status) {
  keep();
  tell("Not saved: trying again", "error");
  if (status === 0) say("Relay doesn't answer. What you typed is kept on this page, and saved once it does.", "unsaved");
  else if (status === 200) say("You are signed out. What you typed is kept on this page.", "unsaved", "Sign in in a new tab");
  else say("Relay could not save that. What you typed is kept on this page; trying again.", "unsaved");
  const delay = RETRIES[Math.min(failures, RETRIES.length - 1)];
  failures += 1;
  clearTimeout(timer);
  again = async () => {
    clearTimeout(timer);
    if (status !== 0) await renewToken();
    if (saver()) htmx.trigger("#saver", "save");
  };
  timer = setTimeout(again, delay);
}
// Back from the tab in which they signed in, or online again: don't wait for the next try.
const tryAgain = () => { if (failures && isDirty() && document.visibilityState === "visible") again(); };
document.addEventListener("visibilitychange", tryAgain);
addEventListener("online", tryAgain);

// Signing in again changes the token that forms carry.
async function renewToken() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = page.querySelector("#form [name=csrfmiddlewaretoken]")?.value;
    if (!token) return;
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  } catch {
    // Relay is away: the next try fails too, and says so.
  }
}

// A session that is over must not take the page away while something on it isn't saved.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (isDirty() && event.detail.xhr.getResponseHeader("HX-Redirect")) {
    event.preventDefault();
    if (event.detail.elt !== saver()) failed(200);
  }
});

// The editor is shown again only when the open form is saved: its fields are gone then.
document.addEventListener("htmx:confirm", (event) => {
  const { elt, issueRequest } = event.detail;
  const target = event.detail.target;
  if (target?.id !== "editor" || elt.form === form() || elt === form() || !isDirty()) return;
  event.preventDefault();
  waiting.push(() => issueRequest(true));
  saveIn(0);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, target, requestConfig, xhr } = event.detail;
  if (elt === saver()) {
    // An answer to a form that is no longer on the page.
    const page = new FormData(form()).get("page");
    if (requestConfig.parameters?.page && requestConfig.parameters.page !== page) event.detail.shouldSwap = false;
  } else if (target?.id === "editor" && elt === form() && typed > Number(form().dataset.sent ?? typed)) {
    // Something was typed while a button was at work: save it, then show the editor.
    event.detail.shouldSwap = false;
    const address = xhr.getResponseHeader("HX-Push-Url") ?? location.href;
    waiting.push(() => htmx.ajax("GET", address, { target: "#editor", swap: "outerHTML" }));
    saveIn(0);
  }
});

// A new form is a saved one.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "editor") start();
});

function start() {
  typed = saved = sent = 0;
  failures = 0;
  clearTimeout(timer);
  unsay("unsaved");
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-drop-typing]")) { start(); forget(); }
});

// Leaving the page: what was typed goes along as far as the browser lets it, and is kept in this tab.
addEventListener("pagehide", () => {
  if (!isDirty()) return;
  keep();
  const body = encoded();
  if (body.length < KEEPALIVE && !failures) {
    fetch(saver().getAttribute("hx-post"), { method: "POST", body, keepalive: true }).catch(() => {});
  }
});

addEventListener("beforeunload", (event) => {
  if (isDirty() && (failures || encoded().toString().length >= KEEPALIVE || document.querySelector("#saved [data-unsaved]"))) {
    event.preventDefault();
  }
});

// What could not be saved is kept in this tab until it is: for this person and this flow.
const key = () => `unsaved ${saver().dataset.user} ${saver().getAttribute("hx-post")}`;
const encoded = () => new URLSearchParams(new FormData(form()));

function keep() {
  try {
    sessionStorage.setItem(key(), encoded());
  } catch {
    // Storage is closed or full: the page itself still holds it.
  }
}

function forget() {
  try {
    if (saver()) sessionStorage.removeItem(key());
  } catch {
    // As above.
  }
}

async function recover() {
  let kept = null;
  try {
    kept = saver() && sessionStorage.getItem(key());
  } catch {
    return;
  }
  if (!kept) return;
  const body = new URLSearchParams(kept);
  body.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
  const answer = await fetch(saver().getAttribute("hx-post"), { method: "POST", body }).catch(() => null);
  const text = answer?.ok && !answer.redirected ? await answer.text() : null;
  if (text === null) return;
  if (text.includes("data-unsaved")) {
    say("What you typed here before could not be saved: the flow was changed meanwhile. It stays in this tab until you close it.");
    return;
  }
  forget();
  htmx.ajax("GET", location.href, { target: "#editor", swap: "outerHTML" });
}
recover();
addEventListener("pageshow", (event) => { if (event.persisted && isDirty()) saveIn(0); });
