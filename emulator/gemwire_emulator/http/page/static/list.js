// The list: however many calls there are, only the rows in sight exist.

import { el } from "./dom.js";
import { clock, duration, FRONTS, model, outcome, short, tokens } from "./format.js";

const HEIGHT = 26;
/** Rows beyond the edges, so that scrolling does not show their making. */
const BEYOND = 8;

export class List {
  #box;
  #runway;
  #rows = [];
  #made = new Map();
  #selected = null;
  #choose;

  /** @param {(number: number) => void} choose a call was chosen */
  constructor(box, choose) {
    this.#box = box;
    this.#runway = box.querySelector(".runway");
    this.#choose = choose;
    box.addEventListener("scroll", () => this.#draw(), { passive: true });
    new ResizeObserver(() => this.#draw()).observe(box);
    this.#runway.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) choose(Number(row.dataset.number));
    });
  }

  /** Show these, the first at the top. */
  show(rows) {
    // Who has scrolled down reads on where he was, whatever comes in above.
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

  /** Choose the row that is so many below the chosen one. */
  move(by) {
    if (!this.#rows.length) return;
    const at = this.#rows.findIndex((row) => row.number === this.#selected);
    const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), this.#rows.length - 1);
    this.#reveal(next);
    this.#choose(this.#rows[next].number);
  }

  /** Rows that are in sight at once. */
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
    const from = Math.max(0, Math.floor(this.#box.scrollTop / HEIGHT) - BEYOND);
    const to = Math.min(this.#rows.length, from + Math.ceil(this.#box.clientHeight / HEIGHT) + 2 * BEYOND);
    const made = new Map();
    for (let index = from; index < to; index += 1) {
      const call = this.#rows[index];
      const known = this.#made.get(call.number);
      const row = known?.call === call ? known.row : drawn(call);
      row.style.top = `${index * HEIGHT}px`;
      row.setAttribute("aria-selected", String(call.number === this.#selected));
      row.setAttribute("aria-setsize", String(this.#rows.length));
      row.setAttribute("aria-posinset", String(index + 1));
      if (known && known.row !== row) known.row.replaceWith(row);
      else if (!known) this.#runway.append(row);
      made.set(call.number, { call, row });
    }
    for (const [number, { row }] of this.#made) if (!made.has(number)) row.remove();
    this.#made = made;
    const active = made.get(this.#selected)?.row;
    if (active) this.#box.setAttribute("aria-activedescendant", active.id);
    else this.#box.removeAttribute("aria-activedescendant");
  }
}

function drawn(call) {
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

/** Latency on a logarithmic scale, 1 ms to 100 s: the light part passed before the first chunk. */
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
