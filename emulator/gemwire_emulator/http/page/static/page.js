// The page: connects list, panel, filters and keyboard.

import { fetchCalls, get, remove, subscribe } from "./api.js";
import { el, isField } from "./dom.js";
import { grouped } from "./format.js";
import { List } from "./list.js";
import { Panel } from "./panel.js";
import { Store } from "./store.js";
import { welcome } from "./welcome.js";

const byId = (id) => document.getElementById(id);
const store = new Store();
const panel = new Panel(byId("panel"), (number) => {
  list.select(number);
  byId("controls").setAttribute("aria-expanded", String(panel.showsControls));
  history.replaceState(null, "", number === null ? location.pathname : `#${number}`);
});
const list = new List(byId("list"), (number) => panel.showCall(number));
const filter = byId("filter");

let drawing = false;
/** Events that arrived while all calls are fetched; null otherwise. */
let queued = null;
let filterOptions = "";

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const rows = store.shown();
    list.show(rows);
    const missed = store.missed;
    byId("count").textContent =
      (rows.length === store.size ? "" : `${grouped(rows.length)} of `) +
      `${grouped(store.size)} ${store.size === 1 ? "call" : "calls"}` +
      (missed ? `, ${grouped(missed)} new` : "");
    byId("welcome").hidden = store.size > 0;
    updateFilters();
  });
}

/** Offer the methods and statuses of the calls as filters. */
function updateFilters() {
  const { methods, statuses } = store.names();
  const now = JSON.stringify([methods, statuses]);
  if (now === filterOptions) return;
  filterOptions = now;
  setOptions(filter.elements.method, 1, methods);
  setOptions(filter.elements.status, 4, statuses);
}

function setOptions(select, fixed, names) {
  const chosen = select.value;
  const options = [...new Set(select.selectedIndex >= fixed ? [chosen, ...names] : names)].sort();
  while (select.options.length > fixed) select.options[fixed].remove();
  select.append(...options.map((name) => el("option", { value: name, text: name })));
  select.value = chosen;
}

function handleEvent(event) {
  if (queued) {
    queued.push(event);
    return;
  }
  if (event.calls) store.update(event.calls);
  if ("oldest" in event) store.forget(event.oldest);
  if (event.control) showControl(event.control);
  for (const { number } of event.calls ?? []) panel.refresh(number);
  if (event.calls || "oldest" in event) draw();
  if (event.lost) reload();
}

function showControl(control) {
  const active = control.faults.filter((fault) => !fault.over).length;
  const badge = byId("controls").querySelector("b");
  badge.hidden = !active;
  badge.textContent = active;
  panel.updateControls(control);
}

/** Fetch everything: after connecting, and after events were lost. */
async function reload() {
  if (queued) return;
  queued = [];
  try {
    const [about, calls] = await Promise.all([get(""), fetchCalls()]);
    byId("about").replaceChildren(el("span", { text: `gRPC ${about.grpc}` }), el("span", { text: `HTTP ${location.host}` }), el("span", { text: `${about.engine} engine` }));
    byId("welcome").replaceChildren(...welcome(about));
    store.replace(calls);
  } finally {
    const events = queued;
    queued = null;
    events.forEach(handleEvent);
    draw();
  }
}

function showConnection(connected) {
  const link = byId("link");
  link.dataset.state = connected ? "on" : "off";
  link.textContent = connected ? "live" : "disconnected";
  if (connected) reload();
}

filter.addEventListener("input", () => {
  for (const name of Object.keys(store.filter)) store.filter[name] = filter.elements[name].value;
  byId("list").scrollTop = 0;
  draw();
});
filter.addEventListener("submit", (event) => event.preventDefault());

byId("pause").addEventListener("click", ({ currentTarget: button }) => {
  store.hold(!store.held);
  button.setAttribute("aria-pressed", String(store.held));
  button.textContent = store.held ? "Resume" : "Pause";
  draw();
});
byId("clear").addEventListener("click", () => remove("/calls").then(() => panel.showsControls || panel.close()));
byId("controls").addEventListener("click", () => (panel.showsControls ? panel.close() : panel.showControls()));

const MOVES = {
  ArrowDown: () => 1,
  ArrowUp: () => -1,
  j: () => 1,
  k: () => -1,
  PageDown: () => list.page,
  PageUp: () => -list.page,
  Home: () => -Infinity,
  End: () => Infinity,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (isField(event.target) && event.target.closest("#filter")) byId("list").focus();
    else panel.close();
  } else if (event.key === "/" && !isField(event.target)) {
    event.preventDefault();
    filter.elements.text.select();
  } else if (event.target === filter.elements.text && event.key === "ArrowDown") {
    byId("list").focus();
    list.move(1);
  } else if (MOVES[event.key] && !isField(event.target) && !event.target.closest("#panel")) {
    event.preventDefault();
    list.move(MOVES[event.key]());
  }
});

subscribe(handleEvent, showConnection);
const linkedCall = Number(location.hash.slice(1));
if (linkedCall) panel.showCall(linkedCall);
