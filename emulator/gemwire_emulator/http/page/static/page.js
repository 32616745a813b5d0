// The page: puts the parts together and hands the keys out.

import { allCalls, get, listen, remove } from "./api.js";
import { Aside } from "./aside.js";
import { el, isField } from "./dom.js";
import { grouped } from "./format.js";
import { List } from "./list.js";
import { Store } from "./store.js";
import { welcome } from "./welcome.js";

const at = (id) => document.getElementById(id);
const store = new Store();
const aside = new Aside(at("aside"), (number) => {
  list.select(number);
  at("switches").setAttribute("aria-expanded", String(aside.switching));
  history.replaceState(null, "", number === null ? location.pathname : `#${number}`);
});
const list = new List(at("list"), (number) => aside.call(number));
const filter = at("filter");

let drawing = false;
/** Events that came while all calls are read; null when they are not. */
let waiting = null;
let known = "";

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const rows = store.shown();
    list.show(rows);
    const missed = store.missed;
    at("count").textContent =
      (rows.length === store.size ? "" : `${grouped(rows.length)} of `) +
      `${grouped(store.size)} ${store.size === 1 ? "call" : "calls"}` +
      (missed ? `, ${grouped(missed)} held back` : "");
    at("welcome").hidden = store.size > 0;
    offer();
  });
}

/** Filters by what there is. */
function offer() {
  const { methods, statuses } = store.names();
  const now = JSON.stringify([methods, statuses]);
  if (now === known) return;
  known = now;
  more(filter.elements.method, 1, methods);
  more(filter.elements.status, 4, statuses);
}

function more(select, fixed, names) {
  const chosen = select.value;
  const options = [...new Set(select.selectedIndex >= fixed ? [chosen, ...names] : names)].sort();
  while (select.options.length > fixed) select.options[fixed].remove();
  select.append(...options.map((name) => el("option", { value: name, text: name })));
  select.value = chosen;
}

function told(event) {
  if (waiting) {
    waiting.push(event);
    return;
  }
  if (event.calls) store.take(event.calls);
  if ("oldest" in event) store.forget(event.oldest);
  if (event.control) switched(event.control);
  for (const { number } of event.calls ?? []) aside.refresh(number);
  if (event.calls || "oldest" in event) draw();
  if (event.lost) reload();
}

function switched(control) {
  const active = control.faults.filter((fault) => !fault.over).length;
  const badge = at("switches").querySelector("b");
  badge.hidden = !active;
  badge.textContent = active;
  aside.control(control);
}

/** Read everything anew: at the beginning, and after something was missed. */
async function reload() {
  if (waiting) return;
  waiting = [];
  try {
    const [about, calls] = await Promise.all([get(""), allCalls()]);
    at("about").replaceChildren(el("span", { text: `gRPC ${about.grpc}` }), el("span", { text: `HTTP ${location.host}` }), el("span", { text: `${about.engine} engine` }));
    at("welcome").replaceChildren(...welcome(about));
    store.replace(calls);
  } finally {
    const events = waiting;
    waiting = null;
    events.forEach(told);
    draw();
  }
}

function linked(state) {
  const link = at("link");
  link.dataset.state = state;
  link.textContent = state === "on" ? "live" : "not connected";
  if (state === "on") reload();
}

filter.addEventListener("input", () => {
  for (const name of Object.keys(store.filter)) store.filter[name] = filter.elements[name].value;
  at("list").scrollTop = 0;
  draw();
});
filter.addEventListener("submit", (event) => event.preventDefault());

at("pause").addEventListener("click", ({ currentTarget: button }) => {
  store.hold(!store.held);
  button.setAttribute("aria-pressed", String(store.held));
  button.textContent = store.held ? "Go on" : "Pause";
  draw();
});
at("clear").addEventListener("click", () => remove("/calls").then(() => aside.switching || aside.close()));
at("switches").addEventListener("click", () => (aside.switching ? aside.close() : aside.switches()));

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
    if (isField(event.target) && event.target.closest("#filter")) at("list").focus();
    else aside.close();
  } else if (event.key === "/" && !isField(event.target)) {
    event.preventDefault();
    filter.elements.text.select();
  } else if (event.target === filter.elements.text && event.key === "ArrowDown") {
    at("list").focus();
    list.move(1);
  } else if (MOVES[event.key] && !isField(event.target) && !event.target.closest("#aside")) {
    event.preventDefault();
    list.move(MOVES[event.key]());
  }
});

listen(told, linked);
const named = Number(location.hash.slice(1));
if (named) aside.call(named);
