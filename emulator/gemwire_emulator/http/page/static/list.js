// The list of calls, virtualized: only visible rows exist.

import { el } from "./dom.js";
import { clock, duration, FRONTS, model, outcome, short, tokens } from "./format.js";

const HEIGHT = 26;
/** Rows rendered beyond the visible ones, so that scrolling shows no gaps. */
const OVERSCAN = 8;

export class List {
  #box;
  #runway;
  #rows = [];
  #rendered = new Map();
  #selected = null;
  #onChoose;

  /** @param {(number: number) => void} onChoose called with the number of the chosen call */
  constructor(box, onChoose) {
    this.#box = box;
    this.#runway = box.querySelector(".runway");
    this.#onChoose = onChoose;
    box.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(box);
    this.#runway.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) onChoose(Number(row.dataset.number));
    });
  }

  /** Show rows, the first at the top. */
  show(rows) {
    // Keep the scroll position when rows are added above.
    if (this.#box.scrollTop > 0 && this.#rows.length) {
      const anchor = this.#rows[Math.floor(this.#box.scrollTop / HEIGHT)]?.number;
      const before = this.#rows.findIndex((row) => row.number === anchor);
      const now = rows.findIndex((row) => row.number === anchor);
      this.#rows = rows;
      this.#size();
      if (now > before) this.#box.scrollTop += (now - before) * HEIGHT;
    } else {
      this.#rows = rows;
      this.#size();
    }
    this.#draw();
  }

  #size() {
    this.#runway.style.height = `${this.#rows.length * HEIGHT}px`;
  }

  select(number) {
    this.#selected = number;
    this.#draw();
  }

  /** Choose another row relative to the chosen one. */
  move(by) {
    if (!this.#rows.length) return;
    const at = this.#rows.findIndex((row) => row.number === this.#selected);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), this.#rows.length - 1);
    this.#reveal(next);
    this.#onChoose(this.#rows[next].number);
  }

  /** Number of visible rows. */
  get page() {
    return Math.max(1, Math.floor(this.#box.clientHeight / HEIGHT) - 1);
  }

  #reveal(index) {
    const top = index * HEIGHT;
    if (top < this.#box.scrollTop) this.#box.scrollTop = top;
    const end = top + HEIGHT - this.#box.clientHeight;
    if (end > this.#box.scrollTop) this.#box.scrollTop = end;
  }

  #draw() {
    const from = Math.max(0, Math.floor(this.#box.scrollTop / HEIGHT) - OVERSCAN);
    const to = Math.min(this.#rows.length, from + Math.ceil(this.#box.clientHeight / HEIGHT) + 2 * OVERSCAN);
    const rendered = new Map();
    for (let index = from; index < to; index += 1) {
      const call = this.#rows[index];
      const known = this.#rendered.get(call.number);
      const row = known?.call === call ? known.row : buildRow(call);
      row.style.top = `${index * HEIGHT}px`;
      row.setAttribute("aria-selected", String(call.number === this.#selected));
      row.setAttribute("aria-setsize", String(this.#rows.length));
      row.setAttribute("aria-posinset", String(index + 1));
      if (known && known.row !== row) known.row.replaceWith(row);
      else if (!known) this.#runway.append(row);
      rendered.set(call.number, { call, row });
    }
    for (const [number, { row }] of this.#rendered) if (!rendered.has(number)) row.remove();
    this.#rendered = rendered;
    const active = rendered.get(this.#selected)?.row;
    if (active) this.#box.setAttribute("aria-activedescendant", active.id);
    else this.#box.removeAttribute("aria-activedescendant");
  }
}

function buildRow(call) {
  const { number, method, front, status, elapsed, first } = call;
  return el(
    "div.row",
    {
      id: `call-${number}`,
      role: "option",
      "data-number": number,
      "data-outcome": outcome(status),
      "aria-label": `${number} ${short(method)} ${status ?? "running"} ${duration(elapsed)}`,
    },
    el("span.number", { text: number }),
    el("span.time", { text: clock(call.began) }),
    el("span.front", { text: FRONTS[front] ?? front }),
    el("span.method", { text: short(method), title: method }),
    el("span.status", { text: status ?? "running", title: status ?? "running" }),
    el("span.model", { text: model(call.model), title: call.model }),
    bar(call),
    el("span.took", { text: duration(elapsed) }),
    el("span.first", { text: call.messages > 1 || status === null ? duration(first) : "" }),
    el("span.tokens", { text: tokens(call.tokens) }),
    el("span.text", { text: call.text, title: call.text }),
  );
}

/** Build the latency bar: logarithmic, 1 ms to 100 s; the light part is the time to the first chunk. */
function bar({ elapsed, first, messages }) {
  const total = el("i");
  total.style.width = `${share(elapsed)}%`;
  if (messages > 1) {
    const wait = el("i.wait");
    wait.style.width = `${share(first)}%`;
    return el("span.bar", {}, total, wait);
  }
  return el("span.bar", {}, total);
}

function share(seconds) {
  return seconds === null ? 0 : Math.min(100, Math.max(2, 20 * Math.log10(1 + seconds * 1000)));
}
