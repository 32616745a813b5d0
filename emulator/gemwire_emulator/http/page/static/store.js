// The calls of the journal, and the filter.

import { outcome, short } from "./format.js";

export class Store {
  #calls = new Map();
  #held = null;
  filter = { text: "", method: "", status: "", front: "" };

  /** Replace all calls. */
  replace(calls) {
    this.#calls.clear();
    this.update(calls);
  }

  /** Add or update calls. */
  update(calls) {
    for (const call of calls) {
      call.words = `${call.number} ${call.method} ${call.model} ${call.status ?? "running"} ${call.text}`.toLowerCase();
      this.#calls.set(call.number, call);
    }
  }

  /** Remove calls older than `oldest`; all calls if it is null. */
  forget(oldest) {
    for (const number of this.#calls.keys()) {
      if (oldest === null || number < oldest) this.#calls.delete(number);
    }
  }

  get(number) {
    return this.#calls.get(number);
  }

  get size() {
    return this.#calls.size;
  }

  /** True while the list is paused. New calls are kept for later. */
  get held() {
    return this.#held !== null;
  }

  hold(on) {
    this.#held = on ? new Set(this.#calls.keys()) : null;
  }

  /** Number of calls that arrived while the list is paused. */
  get missed() {
    if (!this.#held) return 0;
    let count = 0;
    for (const number of this.#calls.keys()) if (!this.#held.has(number)) count += 1;
    return count;
  }

  /** Return the calls that match the filter, latest first. */
  shown() {
    const { method, status, front } = this.filter;
    const words = this.filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (const call of this.#calls.values()) {
      if (this.#held && !this.#held.has(call.number)) continue;
      if (method && short(call.method) !== method) continue;
      if (front && call.front !== front) continue;
      if (status && status !== (call.status ?? "running") && status !== outcome(call.status)) continue;
      if (!words.every((word) => call.words.includes(word))) continue;
      found.push(call);
    }
    return found.sort((one, other) => other.number - one.number);
  }

  /** Return the names of all methods and error statuses, for the filters. */
  names() {
    const methods = new Set();
    const statuses = new Set();
    for (const call of this.#calls.values()) {
      methods.add(short(call.method));
      if (call.status && call.status !== "OK") statuses.add(call.status);
    }
    return { methods: [...methods].sort(), statuses: [...statuses].sort() };
  }
}
