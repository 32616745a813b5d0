// What is open beside the list: a call, or the switches, or nothing.

import { get } from "./api.js";
import { detail } from "./detail.js";
import { el } from "./dom.js";
import { Faults } from "./faults.js";
import { Settings } from "./settings.js";

/** Milliseconds between two looks at a call that goes on. */
const AGAIN = 400;

export class Aside {
  #box;
  #moved;
  #number = null;
  #full = false;
  #fetching = false;
  #stale = false;
  #hurry = () => {};
  #switches = null;
  #control = null;

  /** @param {(number: number|null) => void} moved another call is shown, or none */
  constructor(box, moved) {
    this.#box = box;
    this.#moved = moved;
  }

  get open() {
    return !this.#box.hidden;
  }

  get switching() {
    return this.open && this.#number === null;
  }

  close() {
    this.#number = null;
    this.#box.hidden = true;
    this.#box.replaceChildren();
    this.#moved(null);
  }

  /** Show a call. */
  async call(number) {
    if (this.#number !== number) {
      this.#number = number;
      this.#full = false;
      this.#hurry();
      this.#moved(number);
    }
    await this.refresh(number);
  }

  /** The call has gone on; if it is the one that is shown, show what it is now. */
  async refresh(number) {
    if (number === null || number !== this.#number) return;
    this.#stale = true;
    if (this.#fetching) return;
    this.#fetching = true;
    while (this.#stale && this.#number !== null) {
      this.#stale = false;
      const asked = this.#number;
      const began = performance.now();
      await this.#fetch(asked);
      const pause = Math.max(AGAIN, 5 * (performance.now() - began));
      // A stream is not looked at for each of its chunks; another call is shown at once.
      if (this.#stale && asked === this.#number) await this.#pause(pause);
    }
    this.#fetching = false;
  }

  /** Wait, as long as no other call is chosen. */
  #pause(milliseconds) {
    return new Promise((done) => {
      this.#hurry = done;
      setTimeout(done, milliseconds);
    });
  }

  async #fetch(number) {
    let node;
    try {
      const call = await get(`/calls/${number}${this.#full ? "" : "?elide=true"}`);
      node = detail(call, () => this.close(), () => this.#everything());
    } catch (error) {
      node = el("p.problem", { role: "alert", text: error.message });
    }
    if (number === this.#number) this.#show(node);
  }

  #everything() {
    this.#full = true;
    this.refresh(this.#number);
  }

  /** Show the switches. */
  switches() {
    if (!this.#switches) {
      this.#switches = { faults: new Faults(), settings: new Settings() };
      this.control(this.#control);
    }
    const { faults, settings } = this.#switches;
    this.#number = null;
    this.#moved(null);
    this.#show(
      el(
        "article.switches",
        {},
        el(
          "header",
          {},
          el("h2", { text: "Switches" }),
          el("button.close", { type: "button", text: "×", "aria-label": "Close (Esc)", title: "Close (Esc)", onclick: () => this.close() }),
        ),
        faults.node,
        ...settings.nodes,
      ),
    );
  }

  /** How the switches stand. */
  control(state) {
    this.#control = state;
    if (!this.#switches || !state) return;
    this.#switches.faults.show(state.faults);
    this.#switches.settings.show(state);
  }

  /** Put something there; where it was there before, as far down and as far opened as it was. */
  #show(node) {
    const old = this.#box.firstElementChild;
    const same = old && old.dataset.number === node.dataset.number && old.className === node.className;
    const open = same ? [...old.querySelectorAll("details[open]")].map((box) => box.dataset.key) : [];
    const top = same ? this.#box.scrollTop : 0;
    this.#box.hidden = false;
    this.#box.replaceChildren(node);
    for (const key of open) {
      const box = node.querySelector(`details[data-key="${key}"]`);
      if (box) box.open = true;
    }
    this.#box.scrollTop = top;
  }
}
