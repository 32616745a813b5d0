// Fault injection: presets, and a form for any rule, built from the fields that the emulator describes.

import { get, post, remove } from "./api.js";
import { el } from "./dom.js";

const PRESETS = [
  ["Next call UNAVAILABLE", { status: "UNAVAILABLE" }],
  ["429 with RetryInfo", { status: "RESOURCE_EXHAUSTED", retry_delay: 1, message: "You exceeded your quota." }],
  ["Break mid-stream", { method: "Stream", after_messages: 2, disconnect: true }],
  ["Slow first token", { method: "Stream", delay: 3 }],
  ["Every call INTERNAL", { status: "INTERNAL", times: 0 }],
  ["Send GOAWAY", { front: "grpc", goaway: true }],
];

export class Faults {
  #list = el("ul.faults");
  #problem = el("p.problem", { role: "alert" });
  #form = el("form.rule");
  node = el(
    "section",
    { "aria-label": "Fault injection" },
    el("h3", { text: "Fault injection" }),
    el("p.presets", {}, ...PRESETS.map(([label, rule]) => this.#preset(label, rule))),
    this.#problem,
    this.#list,
    el("details", {}, el("summary", { text: "Custom rule" }), this.#form),
  );

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run(() => post("/faults", readRule(this.#form)));
    });
    this.#describe();
  }

  /** Show the active rules. */
  show(faults) {
    this.#list.replaceChildren(...faults.map((fault) => this.#item(fault)));
    if (faults.length > 1) {
      const all = el("button", { type: "button", text: "Remove all", onclick: () => this.#run(() => remove("/faults")) });
      this.#list.append(el("li.all", {}, all));
    }
    if (!faults.length) this.#list.append(el("li.none", { text: "No faults are active." }));
  }

  async #run(action) {
    try {
      await action();
      this.#problem.textContent = "";
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #preset(label, rule) {
    return el("button", { type: "button", text: label, onclick: () => this.#run(() => post("/faults", rule)) });
  }

  #item({ number, rule, seen, over }) {
    const text = Object.entries(rule).map(([name, value]) => `${name}: ${value}`);
    return el(
      "li",
      { "data-fault": number, "data-over": over },
      el("code", { text: text.join("  ") || "no effect" }),
      el("span", { text: over ? `done · ${seen} matched` : `${seen} matched` }),
      el("button.close", {
        type: "button",
        text: "×",
        "aria-label": `Remove fault ${number}`,
        onclick: () => this.#run(() => remove(`/faults/${number}`)),
      }),
    );
  }

  async #describe() {
    const { fields } = await get("/faults");
    this.#form.replaceChildren(
      ...fields.map((field) => el("label", {}, el("span", { text: field.name.replaceAll("_", " ") }), input(field))),
      el("button", { type: "submit", text: "Add rule" }),
    );
  }
}

function input({ name, type, choices, default: initial }) {
  if (choices) {
    return el("select", { name, "data-type": type }, el("option", { value: "", text: "any" }), ...choices.map((text) => el("option", { text })));
  }
  if (type === "boolean") return el("input", { name, type: "checkbox", "data-type": type });
  const number = type !== "string";
  return el("input", {
    name,
    "data-type": type,
    type: number ? "number" : "text",
    step: type === "number" ? "any" : null,
    placeholder: initial === "" ? "any" : String(initial),
  });
}

/** Read the rule from a form; empty fields keep the emulator's defaults. */
function readRule(form) {
  const rule = {};
  for (const field of form.querySelectorAll("[name]")) {
    if (field.type === "checkbox") {
      if (field.checked) rule[field.name] = true;
    } else if (field.value !== "") {
      rule[field.name] = field.type === "number" ? Number(field.value) : field.value;
    }
  }
  return rule;
}
