// Quota, pace, clock and reset.

import { get, post, put } from "./api.js";
import { actionButton, el } from "./dom.js";

/** A form of numbers. */
class Numbers {
  #form = el("form.numbers");
  #problem = el("p.problem", { role: "alert" });
  node;

  /** @param {(values: object) => Promise<any>} send */
  constructor(title, send, ...more) {
    this.node = el("section", { "aria-label": title }, el("h3", { text: title }), ...more, this.#form, this.#problem);
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      document.activeElement?.blur();
      try {
        const fields = [...this.#form.querySelectorAll("input")];
        await send(Object.fromEntries(fields.map((field) => [field.name, Number(field.value || 0)])));
        this.#problem.textContent = "";
      } catch (error) {
        this.#problem.textContent = error.message;
      }
    });
  }

  show(values) {
    if (!this.#form.children.length) {
      const labels = Object.keys(values).map((name) =>
        el("label", {}, el("span", { text: name.replaceAll("_", " ") }), el("input", { name, type: "number", min: 0, step: "any" })),
      );
      this.#form.append(...labels, el("button", { type: "submit", text: "Apply" }));
    }
    for (const [name, value] of Object.entries(values)) {
      const field = this.#form.elements[name];
      // A field that is being edited is not overwritten.
      if (field && field !== document.activeElement) field.value = value;
    }
  }
}

export class Settings {
  #profiles = el("p.presets");
  #now = el("output");
  #quota = new Numbers("Quota per API key", (values) => put("/quota", values));
  #pace = new Numbers("Response pace (seconds)", (values) => put("/pace", values), this.#profiles);
  nodes = [this.#quota.node, this.#pace.node, this.#clock(), this.#reset()];

  constructor() {
    this.#describe();
  }

  show({ quota, pace }) {
    this.#quota.show(quota);
    this.#pace.show(pace);
  }

  async #describe() {
    const { profiles } = await get("/pace");
    const button = (name) => actionButton(name, () => put("/pace", name).then(() => name));
    this.#profiles.replaceChildren(...Object.keys(profiles).map(button));
    this.#showTime(await get("/clock"));
  }

  #showTime({ now }) {
    this.#now.textContent = now.replace("T", " ").replace(/\.\d+Z$/, " UTC").replace(/Z$/, " UTC");
  }

  #clock() {
    const skip = (label, seconds) =>
      actionButton(label, async () => this.#showTime(await post("/clock", { advance: seconds })), { "data-advance": seconds });
    return el(
      "section",
      { "aria-label": "Clock" },
      el("h3", { text: "Clock" }),
      el("p.presets", {}, this.#now, skip("+1 min", 60), skip("+1 h", 3600), skip("+1 day", 86400)),
      el("p.hint", { text: "Advancing the clock expires caches and files, advances tuning jobs and refills quotas." }),
    );
  }

  #reset() {
    let confirming = false;
    const button = el("button.danger", { type: "button", text: "Reset the emulator" });
    button.addEventListener("click", async () => {
      if (confirming) await post("/reset");
      confirming = !confirming;
      button.textContent = confirming ? "Delete all resources, faults and calls?" : "Reset the emulator";
    });
    button.addEventListener("blur", () => {
      confirming = false;
      button.textContent = "Reset the emulator";
    });
    return el("section", {}, button);
  }
}
