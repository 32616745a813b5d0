// The panel beside the list: shows a call, the controls, or nothing.

import { get } from "./api.js";
import { detail } from "./detail.js";
import { el } from "./dom.js";
import { Faults } from "./faults.js";
import { Settings } from "./settings.js";

/** Milliseconds between refreshes of a running call. */
const REFRESH_INTERVAL = 400;

export class Panel {
  #box;
  #onSelect;
  #number = null;
  #full = false;
  #fetching = false;
  #stale = false;
  #wake = () => {};
  #controls = null;
  #state = null;

  /** @param {(number: number|null) => void} onSelect called with the number of the call that is shown */
  constructor(box, onSelect) {
    this.#box = box;
    this.#onSelect = onSelect;
  }

  get open() {
    return !this.#box.hidden;
  }

  get showsControls() {
    return this.open && this.#number === null;
  }

  close() {
    this.#number = null;
    this.#box.hidden = true;
    this.#box.replaceChildren();
    this.#onSelect(null);
  }

  /** Show a call. */
  async showCall(number) {
    if (this.#number !== number) {
      this.#number = number;
      this.#full = false;
      this.#wake();
      this.#onSelect(number);
    }
    await this.refresh(number);
  }

  /** Fetch a call again if it is the one that is shown. */
  async refresh(number) {
    if (number === null || number !== this.#number) return;
    this.#stale = true;
    if (this.#fetching) return;
    this.#fetching = true;
    while (this.#stale && this.#number !== null) {
      this.#stale = false;
      const shown = this.#number;
      const began = performance.now();
      await this.#fetch(shown);
      const pause = Math.max(REFRESH_INTERVAL, 5 * (performance.now() - began));
      // Not fetched for each chunk of a stream; another call is fetched at once.
      if (this.#stale && shown === this.#number) await this.#pause(pause);
    }
    this.#fetching = false;
  }

  /** Wait until the time is over or another call is selected. */
  #pause(milliseconds) {
    return new Promise((done) => {
      this.#wake = done;
      setTimeout(done, milliseconds);
    });
  }

  async #fetch(number) {
    let node;
    try {
      const call = await get(`/calls/${number}${this.#full ? "" : "?elide=true"}`);
      node = detail(call, () => this.close(), () => this.#showFull());
    } catch (error) {
      node = el("p.problem", { role: "alert", text: error.message });
    }
    if (number === this.#number) this.#show(node);
  }

  #showFull() {
    this.#full = true;
    this.refresh(this.#number);
  }

  /** Show the controls. */
  showControls() {
    if (!this.#controls) {
      this.#controls = { faults: new Faults(), settings: new Settings() };
      this.updateControls(this.#state);
    }
    const { faults, settings } = this.#controls;
    this.#number = null;
    this.#onSelect(null);
    this.#show(
      el(
        "article.controls",
        {},
        el(
          "header",
          {},
          el("h2", { text: "Controls" }),
          el("button.close", { type: "button", text: "×", "aria-label": "Close (Esc)", title: "Close (Esc)", onclick: () => this.close() }),
        ),
        faults.node,
        ...settings.nodes,
      ),
    );
  }

  /** Update faults, quota and pace. */
  updateControls(state) {
    this.#state = state;
    if (!this.#controls || !state) return;
    this.#controls.faults.show(state.faults);
    this.#controls.settings.show(state);
  }

  /** Show content; the same content keeps its scroll position and open sections. */
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
